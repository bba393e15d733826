"""A container of an inference pipeline before the last one: its whole answer is the next one's request."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skylab.services.call import Call
from skylab.services.sagemaker_runtime.failures import in_time, refused
from skylab.services.sagemaker_runtime.heads import head
from skylab.wire.errors import AwsError

TIMEOUT = 60.0  # seconds that AWS gives each container


async def asked(call: Call, request: Mapping[str, Any], body: bytes, socket: str, host: str) -> tuple[bytes, str]:
    """(body, content type) of one container's answer. Accept is for the last one only. Raises AwsError."""
    pool = call.part["pool"].here()
    passed = {member: value for member, value in request.items() if member != "Accept"}
    try:
        connection = await pool.borrow(socket)
    except OSError as problem:
        words = f"Container {host} of endpoint {request['EndpointName']} cannot be reached."
        raise AwsError("ServiceUnavailable", words) from problem
    try:
        connection.send(head(passed, len(body)), body)
        answer = await in_time(call, request, connection.rest(), TIMEOUT, host)
    except BaseException:
        connection.close()
        raise
    finally:
        pool.give_back(socket, connection)
    if connection.status != 200:
        raise refused(call, request, connection.status, answer, host)
    return answer, connection.headers.get("content-type", "application/octet-stream")
