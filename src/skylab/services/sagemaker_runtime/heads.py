"""The head of a request to a container: what InvokeEndpoint passes on, as HTTP."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

PASSED_ON = {
    "ContentType": "Content-Type",
    "Accept": "Accept",
    "CustomAttributes": "X-Amzn-SageMaker-Custom-Attributes",
    "InferenceId": "X-Amzn-SageMaker-Inference-Id",
    "SessionId": "X-Amzn-SageMaker-Session-Id",
    "TargetModel": "X-Amzn-SageMaker-Target-Model",
}


def head(request: Mapping[str, Any], size: int, url: str = "/invocations") -> bytes:
    lines = [f"POST {url} HTTP/1.1", "Host: model.aws.local:8080", f"Content-Length: {size}"]
    for member, header in PASSED_ON.items():
        if member in request:
            lines.append(f"{header}: {_one_line(request[member])}")
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1", "replace")


def _one_line(value: str) -> str:
    return value.replace("\r", " ").replace("\n", " ")
