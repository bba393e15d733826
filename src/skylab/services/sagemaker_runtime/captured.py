"""The record of one invocation, as SageMaker's data capture writes it and Model Monitor reads it.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html
"""

from __future__ import annotations

import base64
from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson


def record(
    capture: Mapping[str, Any],
    request: Mapping[str, Any],
    event: str,
    now: datetime,
    body: bytes,
    answer: bytes,
    answered_type: str | None,
) -> bytes:
    """One line. capture: which halves (input, output), and the content types that are CSV and JSON.

    event: the id of the invocation.
    """
    data: dict[str, Any] = {}
    if capture["input"]:
        data["endpointInput"] = _half(capture, "INPUT", request.get("ContentType"), body)
    if capture["output"]:
        data["endpointOutput"] = _half(capture, "OUTPUT", answered_type, answer)
    about: dict[str, Any] = {"eventId": event}
    if "CustomAttributes" in request:
        about["customAttributes"] = [request["CustomAttributes"]]
    if "InferenceId" in request:
        about["inferenceId"] = request["InferenceId"]
    about["inferenceTime"] = now.strftime("%Y-%m-%dT%H:%M:%SZ")
    return orjson.dumps({"captureData": data, "eventMetadata": about, "eventVersion": "0"}) + b"\n"


def _half(capture: Mapping[str, Any], mode: str, type: str | None, body: bytes) -> dict[str, str]:
    encoding = _encoding(capture, type)
    try:
        data = base64.b64encode(body).decode() if encoding == "BASE64" else body.decode()
    except UnicodeDecodeError:
        encoding, data = "BASE64", base64.b64encode(body).decode()
    observed = {"observedContentType": type} if type else {}
    return observed | {"mode": mode, "data": data, "encoding": encoding}


def _encoding(capture: Mapping[str, Any], type: str | None) -> str:
    """By the type alone: what stands behind a semicolon (charset) does not count."""
    plain = (type or "").partition(";")[0].strip().lower()
    if plain in capture["csv"]:
        return "CSV"
    return "JSON" if plain in capture["json"] else "BASE64"
