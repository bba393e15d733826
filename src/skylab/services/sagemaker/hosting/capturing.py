"""Data capture: what an endpoint configuration asks for, and the work that brings what was captured to S3.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html
"""

from __future__ import annotations

import logging
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from skylab.compute.world import World
from skylab.kernel.key import Key
from skylab.kernel.store import Task
from skylab.services.sagemaker.hosting.artifacts import place
from skylab.wire.errors import AwsError

log = logging.getLogger(__name__)

LOOK = 1.0  # seconds between two looks for records
REST = 15.0  # seconds after a delivery that failed
PATIENCE = 86400.0  # seconds for which what a deleted endpoint left is tried to deliver


def capture_key(account: str, region: str, endpoint: str, fleet: str) -> Key:
    return Key(account, region, "sagemaker", "capture", f"{endpoint}/{fleet}")


def planned(config: Mapping[str, Any] | None, fleet: str) -> dict[str, Any] | None:
    """How invocations of a fleet are recorded (see captured.py of the runtime); None where they are not."""
    if not config or not config.get("EnableCapture", True) or not config["InitialSamplingPercentage"]:
        return None
    modes = {option["CaptureMode"] for option in config["CaptureOptions"]}
    types = config.get("CaptureContentTypeHeader", {})
    return {
        "fleet": fleet,
        "percentage": config["InitialSamplingPercentage"],
        "input": bool(modes & {"Input", "InputAndOutput"}),
        "output": bool(modes & {"Output", "InputAndOutput"}),
        "csv": [each.lower() for each in types.get("CsvContentTypes", [])],
        "json": [each.lower() for each in types.get("JsonContentTypes", [])],
    }


def summary(config: Mapping[str, Any]) -> dict[str, Any]:
    """As DescribeEndpoint shows it."""
    enabled = config.get("EnableCapture", True)
    return {
        "EnableCapture": enabled,
        "CaptureStatus": "Started" if enabled else "Stopped",
        "CurrentSamplingPercentage": config["InitialSamplingPercentage"],
        "DestinationS3Uri": config["DestinationS3Uri"],
        "KmsKeyId": config.get("KmsKeyId", ""),
    }


class Capturing:
    """One task for each fleet that captures: it lasts until the fleet has gone and all it captured is delivered."""

    def __init__(self, world: World) -> None:
        self.world = world

    def advance(self, task: Task, now: datetime) -> float | None:
        data, world = task.data, self.world
        if (rest := data.get("rest", 0.0) - now.timestamp()) > 0 and task.stop is None:
            return rest
        spool = world.parts["sagemaker-runtime"]["spool"]
        age = 0.0 if task.stop is not None else world.settings.capture_delivery_seconds
        files: list[Path] = spool.closed(data["fleet"], now - timedelta(seconds=age))
        if not files:
            return self._idle(task)
        try:
            if world.background.done(f"{task.id}/captures", lambda: self._deliver(task, files)):
                self._noted(task, "Started", now)
            return None
        except (AwsError, ClientError, BotoCoreError, OSError) as problem:
            log.warning("captures of %s are not delivered: %s", data["endpoint"], problem)
            return self._failed(task, now)

    def _idle(self, task: Task) -> float | None:
        if task.stop is None:
            return LOOK
        self._end(task)
        return None

    def _end(self, task: Task) -> None:
        spool = self.world.parts["sagemaker-runtime"]["spool"]
        spool.forget(task.data["fleet"], lambda folder: shutil.rmtree(folder, ignore_errors=True))
        with self.world.store.writing() as tx:
            tx.move(task.id, "ended")

    def _deliver(self, task: Task, files: list[Path]) -> None:
        """Each under a key that its name alone decides, so that to deliver it again changes nothing."""
        data = task.data
        s3 = self.world.assume("s3", task.target.region, data["role"], "SageMaker")
        bucket, prefix = place(data["destination"])
        sealed = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": data["kms"]} if data["kms"] else {}
        for file in files:
            if file.stat().st_size:
                key = "/".join([*filter(None, [prefix.strip("/")]), data["endpoint"], file.parent.name, _name(file)])
                with file.open("rb") as body:
                    s3.put_object(Bucket=bucket, Key=key, Body=body, **sealed)
            file.unlink()

    def _failed(self, task: Task, now: datetime) -> float | None:
        self._noted(task, "Stopped", now)
        at = now.timestamp()
        if task.stop is not None and at - task.stop > PATIENCE:
            log.error("captures of %s, deleted a day ago, are given up", task.data["endpoint"])
            self._end(task)
            return None
        with self.world.store.writing() as tx:
            tx.move(task.id, task.state, rest=at + REST)
        return REST

    def _noted(self, task: Task, status: str, now: datetime) -> None:
        """Whether capture works, where the endpoint still serves by this fleet."""
        key = task.target._replace(type="endpoint", name=task.data["endpoint"])
        with self.world.store.reading() as tx:
            doc = tx.find(key)
        if doc is None or doc["_"]["fleet"] != task.data["fleet"] or "DataCaptureConfig" not in doc:
            return
        if doc["DataCaptureConfig"]["CaptureStatus"] != status:
            with self.world.store.writing() as tx:
                doc = tx.get(key)
                tx.put(key, doc | {"DataCaptureConfig": doc["DataCaptureConfig"] | {"CaptureStatus": status}}, now)


def _name(file: Path) -> str:
    """yyyy/mm/dd/hh/MM-SS-mmm-uuid.jsonl, of the first record's time."""
    milliseconds, _, id = file.stem.partition("-")
    begun = datetime.fromtimestamp(int(milliseconds) / 1000, UTC)
    return f"{begun:%Y/%m/%d/%H/%M-%S}-{int(milliseconds) % 1000:03d}-{id}.jsonl"
