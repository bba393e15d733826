"""InvokeEndpointAsync: the request is written down, and answered before anybody has looked at it; queue.py does it."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.sagemaker_runtime import *

QUEUE, REQUEST = "async-queue", "async-request"
TTL, TIMEOUT = 21600, 900  # seconds: AWS's defaults
LARGEST_INLINE = 128_000  # bytes


class AsynchronousInvocations:
    def invoke_endpoint_async(self, call: Call, request: InvokeEndpointAsyncInput) -> dict[str, Any]:
        _check(request)
        inline = _inline(request.get("Body"))
        name, id = request["EndpointName"], _uuid(call)
        with call.writing() as tx:
            beside = _endpoint(tx, call, name)
            config = beside["async"]["OutputConfig"]
            locations = _locations(config, request, id)
            doc = {member: value for member, value in request.items() if member != "Body"}
            doc |= locations | {"InferenceId": request.get("InferenceId", id), "ReceivedTime": call.now}
            doc |= {"_": {"id": id, "role": beside["role"], "inline": inline, "key": config.get("KmsKeyId", "")}}
            tx.create(call.key(REQUEST, f"{name}/{call.now.timestamp():017.6f}-{id}"), doc, call.now)
            queue = call.key(QUEUE, name)
            if not tx.tasks(target=queue):
                tx.start(QUEUE, queue, call.now, call.ids.new())
        return {"InferenceId": doc["InferenceId"]} | locations


def _check(request: Mapping[str, Any]) -> None:
    if ("InputLocation" in request) == bool(request.get("Body")):
        raise AwsError("ValidationError", "Exactly one of InputLocation and Body must be given.")


def _inline(whole: bytes | None) -> str | None:
    if not whole:
        return None
    if len(whole) > LARGEST_INLINE:
        raise AwsError(
            "ValidationError",
            "1 validation error detected: Value at 'body' failed to satisfy constraint: "
            f"Member must have length less than or equal to {LARGEST_INLINE}",
        )
    return base64.b64encode(whole).decode()


def endpoint_key(queue: Key) -> Key:
    return queue._replace(service="sagemaker", type="endpoint")


def _endpoint(tx: Transaction, call: Call, name: str) -> dict[str, Any]:
    """How requests of an asynchronous endpoint are routed. Raises AwsError."""
    doc = tx.find(endpoint_key(call.key(QUEUE, name)))
    if doc is None or not doc["_"]["fleet"] or doc["EndpointStatus"] == "Deleting":
        raise AwsError("ValidationError", f"Endpoint {name} of account {call.account} not found.")
    for beside in doc["_"].get("serving", {}).get("routes", {}).values():
        if "async" in beside:
            found: dict[str, Any] = beside
            return found
    raise AwsError("ValidationError", f"Endpoint {name} is no asynchronous endpoint: it has no AsyncInferenceConfig.")


def _locations(config: Mapping[str, Any], request: Mapping[str, Any], id: str) -> dict[str, str]:
    """Where the answer and a failure will be: names that nobody else has, unless the caller chose them."""
    extension = request.get("S3OutputPathExtension", "").strip("/")
    below = f"{extension}/" if extension else ""
    output = f"{config['S3OutputPath'].rstrip('/')}/{below}{request.get('Filename', f'{id}.out')}"
    if "S3FailurePath" not in config:
        return {"OutputLocation": output}
    return {"OutputLocation": output, "FailureLocation": f"{config['S3FailurePath'].rstrip('/')}/{below}{id}-error.out"}


def _uuid(call: Call) -> str:
    digits = "".join(call.ids.new() for _ in range(3))[:32]
    return "-".join((digits[:8], digits[8:12], digits[12:16], digits[16:20], digits[20:]))
