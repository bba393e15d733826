"""Failures in the words of the sagemaker-training toolkit, which end up in a job's FailureReason."""


class JobFailed(Exception):
    """The text is for /opt/ml/output/failure."""

    def __init__(self, text: str, exit_code: int = 1) -> None:
        super().__init__(text)
        self.text, self.exit_code = text, exit_code


class ClientError(JobFailed):
    """The user can put it right: a hyperparameter, a channel, a file."""

    def __init__(self, message: str) -> None:
        super().__init__(f"ClientError: {message}")


def command_failed(kind: str, exit_code: int, said: str, command: str) -> JobFailed:
    """kind is the toolkit's error class: ExecuteUserScriptError, InstallRequirementsError."""
    extra = '\nExtraInfo "OutOfMemory: Process killed by SIGKILL (signal 9)"' if exit_code == 137 else ""
    return JobFailed(f'{kind}:\nExitCode {exit_code}\nErrorMessage "{said}"{extra}\nCommand "{command}"', exit_code)
