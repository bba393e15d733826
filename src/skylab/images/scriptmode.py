"""Script mode: the user's program in a child, with the variables, arguments and endings of SageMaker's toolkit."""

import os
import shlex
import signal
import subprocess
import sys
from collections import deque
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import IO

from skylab.images import requirements, source
from skylab.images.environment import Environment
from skylab.images.failures import ClientError, JobFailed, command_failed

LINES_KEPT = 40  # of stderr, to find the traceback in
UNSUPPORTED = {
    "sagemaker_mpi_enabled": "MPI",
    "sagemaker_parameter_server_enabled": "parameter servers",
    "sagemaker_multi_worker_mirrored_strategy_enabled": "MultiWorkerMirroredStrategy",
    "sagemaker_distributed_dataparallel_enabled": "smdistributed data parallel",
    "sagemaker_pytorch_xla_multi_worker_enabled": "PyTorch XLA",
}


def run(environment: Environment) -> None:
    """Returns when the script ended with 0. Raises JobFailed with its exit code, else."""
    program = environment.program
    if not program:
        raise ClientError("No script to run: the hyperparameter sagemaker_program is missing.")
    for name, words in UNSUPPORTED.items():
        if environment.framework_params.get(name):
            raise ClientError(f"Distribution by {words} ({name}) is not supported here.")
    code = environment.folders.code
    source.lay_out(environment.submit_directory, code)
    if not (code / program).exists():
        raise ClientError(f"The script {program} is not in {environment.submit_directory}.")
    env = dict(os.environ) | environment.variables() | {"PYTHONUNBUFFERED": "1"}
    env["CURRENT_HOST"] = environment.current_host
    env = requirements.on_path(env, code, requirements.installed(code))
    argv = command(environment, program)
    print("Invoking script with the following command:\n\n" + shlex.join(argv) + "\n", flush=True)
    _run(argv, env, code)


def command(environment: Environment, program: str) -> list[str]:
    arguments = environment.arguments()
    if program.endswith(".sh"):
        return ["/bin/sh", program, *arguments]
    params = environment.framework_params
    if params.get("sagemaker_torch_distributed_enabled") or params.get("sagemaker_pytorch_ddp_enabled"):
        return [*_torchrun(environment), program, *arguments]
    if (environment.folders.code / "setup.py").exists():
        return [sys.executable, "-m", program.removesuffix(".py"), *arguments]
    return [sys.executable, program, *arguments]


def _torchrun(environment: Environment) -> list[str]:
    told = environment.told()
    hosts = told["distribution_hosts"]
    return [
        *(sys.executable, "-m", "torch.distributed.run"),
        *("--nnodes", str(len(hosts)), "--nproc_per_node", str(told["num_gpus"] or 1)),
        *("--master_addr", hosts[0], "--master_port", "7777"),
        *("--node_rank", str(hosts.index(environment.current_host))),
    ]


def _run(argv: list[str], env: dict[str, str], folder: Path) -> None:
    child = subprocess.Popen(argv, env=env, cwd=folder, stderr=subprocess.PIPE)
    _pass_on_stop(child)
    assert child.stderr is not None
    said = _echo(child.stderr)
    code = child.wait()
    if code:
        code = 128 - code if code < 0 else code  # a death by signal, as a shell tells it
        raise command_failed("ExecuteUserScriptError", code, traceback_of(said), shlex.join(argv))


def _pass_on_stop(child: "subprocess.Popen[bytes]") -> None:
    """A platform that stops a job signals its process group, so the script has heard it when we lead that group.

    A second SIGTERM would interrupt its saving.
    """

    def stop(number: int, frame: FrameType | None) -> None:
        if os.getpgrp() != os.getpid():
            child.send_signal(number)

    signal.signal(signal.SIGTERM, stop)


def _echo(stderr: IO[bytes]) -> list[str]:
    last: deque[str] = deque(maxlen=LINES_KEPT)
    for line in stderr:
        sys.stderr.buffer.write(line)
        sys.stderr.buffer.flush()
        last.append(line.decode("utf-8", "replace").rstrip("\n"))
    return list(last)


def traceback_of(lines: list[str]) -> str:
    """The last traceback in lines; without one, the last lines."""
    starts = [number for number, line in enumerate(lines) if line.startswith("Traceback (most recent call last)")]
    return "\n".join(lines[starts[-1] :] if starts else lines[-10:]).strip()


def report(environment: Environment, work: Callable[[Environment], None]) -> int:
    """Runs work and tells its end as the toolkit does: last log line, failure file, exit code."""
    try:
        work(environment)
    except JobFailed as failure:
        environment.folders.write_failure(failure.text)
        print("Reporting training FAILURE", flush=True)
        print(failure.text, file=sys.stderr, flush=True)
        return failure.exit_code
    print("Reporting training SUCCESS", flush=True)
    return 0
