"""How a training job's statuses are worded, and how they are written down."""

from datetime import datetime
from typing import Any

from skylab.services.sagemaker.jobs.job import ENDS, status_of

WORDS = {
    "Starting": "Preparing the instances for training",
    "Downloading": "Downloading input data",
    "Training": "Training image download completed. Training in progress.",
    "Uploading": "Uploading generated training model",
    "Stopping": "Stopping the training job",
    "Completed": "Training job completed",
    "Failed": "Training job failed",
    "Stopped": "Training job stopped",
    "MaxRuntimeExceeded": "Training job runtime exceeded MaxRuntimeInSeconds provided",
    "MaxWaitTimeExceeded": "Training job runtime exceeded MaxWaitTimeInSeconds provided",
    "Interrupted": "Training job interrupted: the Spot capacity was taken back",
}
ON_INSTANCES = ("Downloading", "Training", "Uploading", "Stopping", "Interrupted")


def to(doc: dict[str, Any], status: str, now: datetime) -> dict[str, Any]:
    """The document with this SecondaryStatus from now on, and the TrainingJobStatus that goes with it."""
    past = list(doc.get("SecondaryStatusTransitions", []))
    if past and past[-1]["Status"] == status:
        return doc
    if past:
        past[-1] = past[-1] | {"EndTime": now}
    one = {"Status": status, "StartTime": now, "StatusMessage": WORDS[status]}
    if status in ENDS:
        one["EndTime"] = now
    return doc | {
        "TrainingJobStatus": status_of(doc["TrainingJobStatus"], status),
        "SecondaryStatus": status,
        "SecondaryStatusTransitions": [*past, one],
        "LastModifiedTime": now,
    }


def spent(doc: dict[str, Any], statuses: tuple[str, ...], now: datetime) -> float:
    """Seconds in these statuses, all attempts together."""
    changes = doc["SecondaryStatusTransitions"]
    return sum((c.get("EndTime", now) - c["StartTime"]).total_seconds() for c in changes if c["Status"] in statuses)
