"""Starting, seeing, ending and forgetting a cloud."""

import os
import shutil
import subprocess
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from skylab.compute.processes import LocalProcesses
from skylab.kernel.clock import SystemClock
from skylab.root import Refused, Root, Server, held

START_SECONDS, STOP_SECONDS = 60, 30


def detach(root: Root, port: int) -> str:
    """Starts a server in a session of its own; returns its URL once it answers. Raises Refused with its reason."""
    root.prepare()
    reading, writing = os.pipe()
    with open(root.path / "skylab.log", "ab") as log:
        argv = [sys.executable, "-m", "skylab.server", str(root.path), str(port), str(writing)]
        child = subprocess.Popen(
            argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, pass_fds=[writing]
        )
    os.close(writing)
    with os.fdopen(reading) as report:
        word, _, rest = report.readline().strip().partition(" ")
    if word == "ready":
        child.returncode = 0  # it lives on: nobody waits for it
        return rest
    child.wait()
    raise Refused(rest or f"Skylab did not start: the reason is at the end of {root.path / 'skylab.log'}.")


def down(root: Root) -> str:
    """Asks the server to end and waits for it; returns a sentence. Raises Refused when it does not end in time."""
    server = root.running()
    try:
        os.kill(server.pid, 15)
    except ProcessLookupError:
        pass  # it ended by itself just now
    if (lock := root.lock(STOP_SECONDS)) is None:
        raise Refused(
            f"Skylab (process {server.pid}) has not ended within {STOP_SECONDS} seconds; it may still be writing. "
            f"Wait and try again; its log is {root.path / 'skylab.log'}."
        )
    os.close(lock)
    return "Skylab has stopped. Jobs and endpoints that were running go on; the next `skylab up` takes them over."


def reset(root: Root) -> None:
    """Ends what jobs still run, and deletes the folder. Raises Refused for a folder in use, or not a cloud's."""
    check_reset(root)
    lock = root.lock()
    if lock is None:
        raise Refused(f"Skylab runs in {root.path}: end it first with `skylab down`.")
    try:
        for run in orphans(root):
            end(run)
        shutil.rmtree(root.path)
    finally:
        os.close(lock)


def check_reset(root: Root) -> None:
    if root.locked():
        raise Refused(f"Skylab runs in {root.path}: end it first with `skylab down`.")
    if not (root.path / "state.db").is_file():
        raise Refused(f"{root.path} is not a Skylab folder (it has no state.db): nothing was deleted.")


def orphans(root: Root) -> list[Path]:
    """The folders of jobs and replicas that run on while the server is down."""
    folders = (Path(folder) for folder, _, files in os.walk(root.path) if {"lock", "launch.json"} <= set(files))
    return [folder for folder in folders if held(folder / "lock")]


def end(run: Path) -> None:
    """Kills a job or replica and all that it started. Raises Refused when something of it stays."""
    for _ in range(STOP_SECONDS):
        LocalProcesses(run.parent).stop(run.name, hard=True)
        if (lock := Root(run).lock(1.0)) is not None:
            return os.close(lock)
    raise Refused(f"The job in {run} does not end: nothing was deleted.")


def age(server: Server) -> timedelta:
    return SystemClock().now() - datetime.fromisoformat(server.started)


def client(root: Root, server: Server, service: str) -> Any:
    """A boto3 client of the local cloud, with the account's own credentials."""
    import boto3

    given = root.credentials()
    return boto3.client(
        service,
        endpoint_url=server.url,
        region_name=given.region,
        aws_access_key_id=given.key,
        aws_secret_access_key=given.secret,
        aws_session_token=given.token or None,
    )


def jobs_in_progress(sagemaker: Any) -> list[str]:
    pages = sagemaker.get_paginator("list_training_jobs").paginate(StatusEquals="InProgress")
    return [job["TrainingJobName"] for page in pages for job in page["TrainingJobSummaries"]]


def endpoints(sagemaker: Any) -> list[tuple[str, str]]:
    pages = sagemaker.get_paginator("list_endpoints").paginate()
    return [(one["EndpointName"], one["EndpointStatus"]) for page in pages for one in page["Endpoints"]]
