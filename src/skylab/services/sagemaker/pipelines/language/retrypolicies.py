"""Retry policies of a step: which failures start it again, after how long, how often.

https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-retry-policy.html
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from skylab.services.sagemaker.pipelines.language.words import array, unreadable

FAULT, THROTTLING = "Step.SERVICE_FAULT", "Step.THROTTLING"
INTERNAL, CAPACITY, LIMIT = "SageMaker.JOB_INTERNAL_ERROR", "SageMaker.CAPACITY_ERROR", "SageMaker.RESOURCE_LIMIT"
TYPES = (FAULT, THROTTLING, INTERNAL, CAPACITY, LIMIT)
MEMBERS = {"ExceptionType", "IntervalSeconds", "BackoffRate", "MaxAttempts", "ExpireAfterMin"}
MOST_ATTEMPTS, LONGEST = 20, 14400  # of the SDK: sagemaker.workflow.retry


@dataclass(frozen=True)
class RetryPolicy:
    types: tuple[str, ...]
    interval: float = 1
    backoff: float = 2.0
    attempts: int | None = None  # further ones
    minutes: int | None = None

    def next(self, attempt: int, first: datetime, now: datetime) -> datetime | None:
        """When the attempt after this one is due; None where there is to be none."""
        if self.attempts is not None and attempt > self.attempts:
            return None
        if self.minutes is not None and now >= first + timedelta(minutes=self.minutes):
            return None
        try:
            return now + timedelta(seconds=self.interval * self.backoff ** (attempt - 1))
        except OverflowError:
            return None


# "Pipelines retries on this type of error automatically": how often is not said.
DEFAULT = RetryPolicy((FAULT, THROTTLING), attempts=5)


def parse(given: Any) -> tuple[RetryPolicy, ...]:
    """Raises AwsError."""
    if given is None:
        return ()
    return tuple(_policy(item) for item in array(given))


def _policy(item: Any) -> RetryPolicy:
    if not isinstance(item, dict):
        raise unreadable("Expecting start of Json Object.")
    for member in item.keys() - MEMBERS:
        raise unreadable(f"Unknown RetryPolicy member '{member}'.")
    types = item.get("ExceptionType") or []
    types = array([types] if isinstance(types, str) else types)
    for type in types:
        if type not in TYPES:
            raise unreadable(f"Unknown exception type [{type}] in a retry policy.")
    attempts, minutes = item.get("MaxAttempts"), item.get("ExpireAfterMin")
    if not types or (attempts is None) == (minutes is None):
        raise unreadable("A retry policy has an ExceptionType and exactly one of MaxAttempts and ExpireAfterMin.")
    return RetryPolicy(
        tuple(types),
        _number(item, "IntervalSeconds", 1),
        _number(item, "BackoffRate", 2.0),
        None if attempts is None else int(_number(item, "MaxAttempts", 1, 1, MOST_ATTEMPTS)),
        None if minutes is None else int(_number(item, "ExpireAfterMin", 1, 0, LONGEST)),
    )


def _number(item: dict[str, Any], member: str, default: float, least: float = 0, most: float = 1e6) -> float:
    value = item.get(member)
    if value is None:
        return default
    if isinstance(value, bool) or not isinstance(value, int | float) or not least <= value <= most:
        raise unreadable(f"Invalid {member} [{value}] in a retry policy.")
    return float(value)
