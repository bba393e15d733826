"""Why a step failed, in SageMaker's words, and whether a policy says to try it again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.services.sagemaker.pipelines import records
from skylab.services.sagemaker.pipelines.language.retrypolicies import (
    CAPACITY,
    DEFAULT,
    FAULT,
    INTERNAL,
    LIMIT,
    THROTTLING,
    RetryPolicy,
)  # fmt: skip

if TYPE_CHECKING:
    from skylab.services.sagemaker.pipelines.language.steps import Step

THROTTLED = {"Throttling", "ThrottlingException", "TooManyRequestsException", "RequestLimitExceeded"}
REASONS = {"InternalServerError": INTERNAL, "CapacityError": CAPACITY, "ResourceLimitExceeded": LIMIT}


class Failed(Exception):
    """type: the exception type of retry policies; empty for what none is about, as a program's own failure."""

    def __init__(self, reason: str, type: str = "") -> None:
        super().__init__(reason)
        self.reason, self.type = reason, type


def of_call(operation: str, problem: ClientError, service: str = "sagemaker") -> Failed:
    error, code = problem.response["Error"], problem.response["Error"]["Code"]
    status = problem.response["ResponseMetadata"]["HTTPStatusCode"]
    type = THROTTLING if code in THROTTLED or status == 429 else LIMIT if code == "ResourceLimitExceeded" else ""
    type = FAULT if status >= 500 and status != 501 else type
    said = "ServiceFault" if type == FAULT else "ClientError"
    return Failed(f"{said}: Failed to invoke {service}:{operation}. Error Details: {error['Message']}", type)


def of_job(step: str, reason: str) -> Failed:
    """Of a job that ran. Tuning retries its own jobs: no policy is about their failures."""
    head = reason.partition(":")[0].strip()
    type = "" if step == "Tuning" and head == "InternalServerError" else REASONS.get(head, "")
    return Failed(reason if type else f"ClientError: {reason}", type)


def settle(
    tx: Transaction,
    execution: Key,
    arn: str,
    step: Step,
    doc: dict[str, Any],
    failed: Failed,
    new_id: Callable[[], str],
    now: datetime,
    stopping: bool,
) -> None:
    """Writes down the failure, or the next attempt."""
    policy = _policy(step, failed.type)
    attempt = doc["AttemptCount"] - doc["_"]["first"] + 1
    due = policy.next(attempt, doc["StartTime"], now) if policy and not stopping else None
    if due is not None:
        records.again(tx, execution, doc, new_id()[:10], new_id(), due, now)
        return
    reason = failed.reason
    if failed.type:
        why = f"Max attempts were exhausted for the exception type {_upper(failed.type)}."
        if policy is None:
            why = f"No retry policy configured for the exception type {_upper(failed.type)}."
        reason += (
            f"\nRetry not appropriate on execution of step with PipelineExecutionArn {arn} and StepId {step.name}. "
        ) + why
    records.end(tx, execution, doc, "Failed", now, reason)


def _policy(step: Step, type: str) -> RetryPolicy | None:
    own = next((policy for policy in step.retries if type in policy.types), None)
    return own or (DEFAULT if type in DEFAULT.types else None)


def _upper(type: str) -> str:
    """SageMaker.RESOURCE_LIMIT as the reasons have it: SAGEMAKER_RESOURCE_LIMIT."""
    return type.replace(".", "_").upper()
