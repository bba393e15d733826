"""Executions as tests carry them on, and what is read of their refusals."""

DONE = 7  # looks from the end of a job's process to what follows it


def finish(processes, steps, exit_code=0):
    """The oldest job that runs comes to its end."""
    steps(3)
    processes.end(exit_code, processes.one())
    steps(DONE)


def code(caught):
    return caught.value.response["Error"]["Code"]


def no(type="Equals", left=1, right=2):
    return {"Type": type, "LeftValue": left, "RightValue": right}
