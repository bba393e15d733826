"""How a step's state is written down: each change is one transaction with all that it means.

(none) → Starting → Executing → Succeeded | Failed | Stopped
            ↑            │ Stopping ↗
            └── retried ─┘
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.services.sagemaker.pipelines import names

if TYPE_CHECKING:
    from skylab.services.sagemaker.pipelines.language.steps import Step

REASON = 1024  # the longest FailureReason
ENDED = ("Succeeded", "Failed", "Stopped")


def begin(tx: Transaction, execution: Key, step: Step, number: int, attempt: int, job: str, now: datetime) -> None:
    """Written before the call is made: a repeat finds its own by the name of the job."""
    doc: dict[str, Any] = {
        "StepName": step.name,
        "StepStatus": "Starting",
        "StartTime": now,
        "AttemptCount": attempt,
        "Metadata": {},
        "_": {"n": number, "job": job, "first": attempt},
    }
    doc |= {"StepDisplayName": step.display} if step.display else {}
    doc |= {"StepDescription": step.description} if step.description else {}
    tx.create(names.beside(execution, names.STEP, step.name), doc, now)


def put(tx: Transaction, execution: Key, doc: dict[str, Any], now: datetime) -> None:
    tx.put(names.beside(execution, names.STEP, doc["StepName"]), doc, now)


def end(
    tx: Transaction, execution: Key, doc: dict[str, Any], status: str, now: datetime, reason: str | None = None
) -> None:
    doc |= {"StepStatus": status, "EndTime": now}
    if reason is not None:
        doc["FailureReason"] = reason[:REASON]
    put(tx, execution, doc, now)


def succeed(tx: Transaction, execution: Key, doc: dict[str, Any], properties: Any, now: datetime) -> None:
    """properties: what other steps may refer to."""
    key = names.beside(execution, names.PROPERTIES, doc["StepName"])
    if tx.find(key) is None:
        tx.create(key, {"shown": properties}, now)
    else:
        tx.put(key, {"shown": properties}, now)
    doc.pop("FailureReason", None)
    end(tx, execution, doc, "Succeeded", now)


def again(
    tx: Transaction, execution: Key, doc: dict[str, Any], job: str, task: str, due: datetime, now: datetime
) -> None:
    """The next attempt, with a job of its own; the task wakes the executor when it is due."""
    due = max(due, now + timedelta(milliseconds=1))
    doc |= {"StepStatus": "Starting", "AttemptCount": doc["AttemptCount"] + 1, "Metadata": {}}
    doc["_"] |= {"job": job, "due": due}
    put(tx, execution, doc, now)
    tx.start("pipeline-retry", execution, due, task)


def output(type: str, value: Any) -> Any:
    """An output parameter in its declared type; as it is, where it cannot be."""
    if type == "Boolean":
        return str(value).lower() == "true"
    try:
        return int(value) if type == "Integer" else float(value) if type == "Float" else str(value)
    except ValueError:
        return value
