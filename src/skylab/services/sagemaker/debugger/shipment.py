"""Brings to S3 what a training job says of itself while it trains: tensors, TensorBoard's events, its profile.

    <DebugHookConfig.S3OutputPath>/<job>/debug-output/         what the hook writes, and training_job_end.ts at the end
    <TensorBoardOutputConfig.S3OutputPath>/<job>/tensorboard-output/
    <ProfilerConfig.S3OutputPath>/<job>/profiler-output/       system/incremental/…, framework/pevents/…

An index comes after the events that it is of, so who reads it finds them.
"""

import json
import logging
import os
import re
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta
from pathlib import Path
from typing import IO, Any

from botocore.exceptions import BotoCoreError, ClientError

from skylab.compute import leavings
from skylab.compute.leavings import Left
from skylab.images.debugging.configuration import asked
from skylab.services.sagemaker.debugger.evaluation import location
from skylab.services.sagemaker.jobs.job import Job
from skylab.services.sagemaker.jobs.staging import DataFailed, split

log = logging.getLogger(__name__)

END = "training_job_end.ts"
EVENTS, HEAD = re.compile(rb'"event_file_name": *"([^"]+)"'), 4096  # an index begins with it
PACE = timedelta(seconds=1)  # between two looks for new files: rules wait for them
ML = "/opt/ml/"
FIRST = Path(__file__).parents[3] / "images/debugging/first"


def hooked(doc: dict[str, Any]) -> bool:
    return asked(doc.get("DebugHookConfig", {}))


def profiled(doc: dict[str, Any]) -> bool:
    return bool(doc.get("ProfilerConfig", {}).get("S3OutputPath"))


def wanted(doc: dict[str, Any]) -> bool:
    return hooked(doc) or profiled(doc) or "TensorBoardOutputConfig" in doc


def env(doc: dict[str, Any], given: dict[str, str]) -> dict[str, str]:
    """What lets the hook into the job's programs. given: the variables they have anyway."""
    if not hooked(doc):
        return {}
    return {"PYTHONPATH": os.pathsep.join(filter(None, [str(FIRST), given.get("PYTHONPATH")]))}


def profile(job: Job, host: str) -> Path:
    """Where the samples of an instance are written, out of reach of its programs."""
    return job.folder / "profiles" / host


def begin(job: Job, s3: Any) -> None:
    """Before the programs start. A job of the same name, deleted since, may have left the word that it has ended."""
    tell(job)
    for _, uri in _folders(job, job.hosts[0].name) if wanted(job.doc) else ():
        bucket, prefix = split(uri)
        with suppress(ClientError):  # the role may not; then rules see what was there
            s3.delete_object(Bucket=bucket, Key=f"{prefix}/{END}")


def tell(job: Job) -> None:
    """The samplers' folders, and what they are told."""
    config = job.doc.get("ProfilerConfig", {})
    on = profiled(job.doc) and not config["DisableProfiler"]
    for host in job.hosts:
        folder = profile(job, host.name)
        folder.mkdir(parents=True, exist_ok=True)
        draft = folder / "interval.tmp"
        draft.write_text(str(config["ProfilingIntervalInMilliseconds"] if on else 0))
        draft.rename(folder / "interval")


def save(job: Job, s3: Any) -> None:
    """What is new since the last time. Raises DataFailed."""
    tell(job)
    for host in job.hosts:
        record = job.folder / f"{host.name}.shipped.json"
        known = json.loads(record.read_text()) if record.exists() else {}
        for folder, uri in _folders(job, host.name):
            try:
                _ship(s3, folder, uri, job.doc["OutputDataConfig"]["KmsKeyId"], known)
            except (ClientError, BotoCoreError, OSError) as problem:
                _failed(problem, uri)
        draft = record.with_suffix(".draft")
        draft.write_text(json.dumps(known))
        draft.rename(record)


def end(job: Job, s3: Any) -> None:
    """The last of it, and the word that there is no more. Raises DataFailed."""
    save(job, s3)
    ends = {uri for host in job.hosts for _, uri in _folders(job, host.name) if not uri.endswith("tensorboard-output")}
    for uri in ends:
        bucket, prefix = split(uri)
        try:
            s3.put_object(Bucket=bucket, Key=f"{prefix}/{END}", Body=b"")
        except (ClientError, BotoCoreError) as problem:
            _failed(problem, uri)


def _failed(problem: Exception, uri: str) -> None:
    """Raises DataFailed; but SDKs profile jobs unasked, and no job is to fail of that."""
    if not uri.endswith("profiler-output"):
        raise DataFailed(f'ClientError: Debugger output upload failed: {problem} ("{uri}")') from problem
    log.warning("The profile could not be brought to %s: %s", uri, problem)


def _folders(job: Job, host: str) -> Iterator[tuple[Left, str]]:
    doc, name = job.doc, job.key.name
    if hooked(doc):
        hook = doc["DebugHookConfig"]
        yield _left(job, host, hook, "output/tensors"), location(hook["S3OutputPath"], name, "debug-output")
    if board := doc.get("TensorBoardOutputConfig"):
        yield _left(job, host, board, "output/tensorboard"), location(board["S3OutputPath"], name, "tensorboard-output")
    if profiled(doc):
        uri = location(doc["ProfilerConfig"]["S3OutputPath"], name, "profiler-output")
        yield Left(job.folder, f"profiles/{host}"), uri
        yield Left(job.ml(_named(job, host)), "output/profiler"), uri


def _left(job: Job, host: str, config: dict[str, Any], default: str) -> Left:
    return Left(job.ml(_named(job, host)), config.get("LocalPath", ML + default).removeprefix(ML).strip("/"))


def _named(job: Job, host: str) -> Any:
    return next(each for each in job.hosts if each.name == host)


def _ship(s3: Any, folder: Left, uri: str, key_id: str, known: dict[str, str]) -> None:
    bucket, prefix = split(uri)
    encrypted = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key_id} if key_id else {}
    for name, file in leavings.files(folder):
        stat = os.fstat(file.fileno())
        key, version = f"{prefix}/{name}", f"{stat.st_size} {stat.st_mtime_ns}"
        if name.endswith((".tmp", "interval")) or known.get(f"{bucket}/{key}") == version:
            continue
        if name.startswith("index/") and (events := _events(file)) and f"{bucket}/{prefix}/{events}" not in known:
            continue  # written since we looked into events/: the next look brings both, the last look finds all
        s3.put_object(Bucket=bucket, Key=key, Body=file, **encrypted)
        known[f"{bucket}/{key}"] = version


def _events(index: IO[bytes]) -> str:
    """The file of events that an index says it is of; whatever else a program has written there says nothing."""
    found = EVENTS.search(index.read(HEAD))
    index.seek(0)
    return found[1].decode(errors="replace") if found else ""
