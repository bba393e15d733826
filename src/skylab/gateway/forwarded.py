"""What a call that another program answered was: its operation, parameters and answer, by botocore's model of it."""

import re
from typing import Any

from botocore.exceptions import BotoCoreError, UnknownServiceError
from botocore.model import ServiceModel
from botocore.parsers import ResponseParserError, create_parser

from skylab.gateway.actions import MODELS
from skylab.gateway.audit import Seen
from skylab.wire.errors import AwsError
from skylab.wire.http import HttpRequest, HttpResponse
from skylab.wire.model import service_model
from skylab.wire.protocols import protocol

ACTION = re.compile(r"(?:^|&)Action=([A-Za-z0-9]{1,128})(?:&|$)")
TARGET = re.compile(r"[A-Za-z0-9]{1,128}")


def understand(seen: Seen, answer: HttpResponse) -> None:
    """Fills in what can be known. Without a model the name of the operation is what the request says, if it does."""
    if seen.principal is None:
        return  # nobody proved to be anybody: that is not recorded
    request = seen.request
    seen.name = _said(request)
    _operation(seen)
    seen.name = seen.operation.name if seen.operation else seen.name or f"{request.method}{request.path[:100]}"
    if seen.error is None and seen.model is not None and isinstance(answer.body, bytes):
        _read(seen, seen.model, answer, answer.body)


def _operation(seen: Seen) -> None:
    for name in MODELS.get(seen.service, (seen.service,)):
        try:
            model = service_model(name)
            words = protocol(model, seen.request)
            seen.model, seen.operation = model, words.operation(seen.request)
            seen.parameters = words.parse(seen.operation, seen.request)
            return
        except (AwsError, UnknownServiceError):
            continue


def _said(request: HttpRequest) -> str:
    target = request.headers.get("x-amz-target", "").rpartition(".")[2]
    if TARGET.fullmatch(target):
        return target
    body = request.body[:65536].decode("latin-1") if isinstance(request.body, bytes) else ""
    found = ACTION.search(request.query) or ACTION.search(body)
    return found[1] if found else ""


def _read(seen: Seen, model: ServiceModel, answer: HttpResponse, body: bytes) -> None:
    headers = {name.lower(): value for name, value in answer.headers.items()}
    shape = seen.operation.output_shape if seen.operation else None
    if shape is None and answer.status < 400:
        return
    try:
        parsed: dict[str, Any] = create_parser(model.resolved_protocol).parse(
            {"body": body, "headers": headers, "status_code": answer.status}, shape
        )
    except (ResponseParserError, BotoCoreError, ValueError, KeyError, AttributeError, TypeError):
        return  # an answer that is not what the model says is recorded without its elements
    if answer.status >= 400:
        error = parsed.get("Error") or {}
        seen.error = AwsError(str(error.get("Code") or answer.status), str(error.get("Message") or ""), answer.status)
    else:
        seen.result = parsed
