"""What a container's failures are called: ModelError, with its status, the beginning of what it said, and its log."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Any, TypeVar

from skylab.services.call import Call
from skylab.services.sagemaker_runtime.connection import Broken
from skylab.wire.errors import AwsError

T = TypeVar("T")
SHOWN = 1024  # characters of a container's answer in an error
LATE = (
    "Your invocation timed out while waiting for a response from container {}. Review the latency metrics for "
    "each container in Amazon CloudWatch, resolve the issue, and try again."
)


async def in_time(
    call: Call, request: Mapping[str, Any], answer: Awaitable[T], seconds: float, host: str = "primary"
) -> T:
    """Raises AwsError (ModelError) for an answer that comes too late, or breaks off."""
    try:
        async with asyncio.timeout(seconds):
            return await answer
    except TimeoutError:
        raise model_error(call, request["EndpointName"], 0, LATE.format(host), host) from None
    except Broken as problem:
        raise model_error(call, request["EndpointName"], 500, str(problem), host) from None


def refused(call: Call, request: Mapping[str, Any], status: int, body: bytes, host: str = "primary") -> AwsError:
    return model_error(call, request["EndpointName"], status, body.decode(errors="replace"), host)


def model_error(call: Call, name: str, status: int, text: str, host: str = "primary") -> AwsError:
    side = "client" if 400 <= status < 500 else "server"
    group = f"/aws/sagemaker/Endpoints/{name}"
    console = f"https://{call.region}.console.aws.amazon.com/cloudwatch/home?region={call.region}"
    return AwsError(
        "ModelError",
        f'Received {side} error ({status}) from {host} with message "{text[:SHOWN]}". '
        f"See {console}#logEventViewer:group={group} in account {call.account} for more information.",
        OriginalStatusCode=status,
        OriginalMessage=text[:SHOWN],
        LogStreamArn=f"arn:aws:logs:{call.region}:{call.account}:log-group:{group}",
    )
