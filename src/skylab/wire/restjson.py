"""The rest-json protocol: URL and headers as in REST, bodies in JSON or raw."""

from typing import Any

import orjson
from botocore.model import OperationModel, ServiceModel, Shape

from skylab.wire import json, rest
from skylab.wire.errors import AwsError
from skylab.wire.http import HttpRequest, HttpResponse
from skylab.wire.model import error_shape, error_status
from skylab.wire.values import Malformed

# What these services answer for the platform's own refusals, which no model lists.
STATUS = {
    "AccessDeniedException": 403,
    "ExpiredTokenException": 403,
    "IncompleteSignatureException": 403,
    "InvalidSignatureException": 403,
    "MissingAuthenticationTokenException": 403,
    "UnrecognizedClientException": 403,
    "UnknownOperationException": 404,
}


class RestJsonProtocol:
    def __init__(self, model: ServiceModel) -> None:
        self._model = model
        self._routes = rest.Routes(model)

    def operation(self, request: HttpRequest) -> OperationModel:
        try:
            return self._routes.find(request.method, request.path, rest.fields(request.query), request.headers)
        except (KeyError, UnicodeDecodeError):
            message = f"No operation is at {request.method} {request.path[:256]}"
            raise AwsError("UnknownOperationException", message) from None

    def parse(self, operation: OperationModel, request: HttpRequest) -> dict[str, Any]:
        shape = operation.input_shape
        if shape is None:
            return {}
        try:
            params = rest_members(operation, shape, request)
        except (Malformed, UnicodeDecodeError) as wrong:
            raise AwsError("SerializationException", str(wrong)) from None
        places = rest.locations(shape)
        if places.payload is not None:
            name, member = places.payload
            if (value := self._payload(member, request)) is not None:
                params[name] = value
        elif places.in_body and isinstance(request.body, bytes):
            params |= json.parse_body(shape, request.body)
        return params

    def _payload(self, member: Shape, request: HttpRequest) -> Any:
        if member.type_name == "blob" or not isinstance(request.body, bytes):
            return request.body
        if member.type_name == "string":
            return request.body.decode(errors="replace")
        return json.parse_body(member, request.body) if request.body else None

    def answer(self, operation: OperationModel, result: dict[str, Any], request_id: str) -> HttpResponse:
        shape = operation.output_shape
        status = operation.http.get("responseCode", 200)
        answer = HttpResponse(status, {"x-amzn-requestid": request_id})
        if shape is None:
            return answer
        places = rest.locations(shape)
        answer.headers |= rest.write_headers(places, result)
        if places.status is not None and result.get(places.status) is not None:
            answer.status = result[places.status]
        if places.payload is None:
            answer.headers.setdefault("content-type", "application/json")
            answer.body = orjson.dumps(json.write(shape, result))
        else:
            _write_payload(answer, places.payload[1], result.get(places.payload[0]))
        return answer

    def refuse(
        self, operation: OperationModel | None, error: AwsError, request_id: str, request: HttpRequest
    ) -> HttpResponse:
        shape = error_shape(self._model, error.code)
        headers = {"x-amzn-requestid": request_id, "x-amzn-errortype": rest.header_text(error.code)}
        headers["content-type"] = "application/json"
        if shape is not None:
            headers |= rest.write_headers(rest.locations(shape), error.members)
        status = STATUS.get(error.code) if shape is None and error.status is None else None
        body = json.error_body(self._model, error)
        return HttpResponse(status or error_status(self._model, error), headers, orjson.dumps(body))


def rest_members(operation: OperationModel, shape: Shape, request: HttpRequest) -> dict[str, Any]:
    """The members in path, query and headers. Malformed and UnicodeDecodeError for what they cannot hold."""
    places = rest.locations(shape)
    params = dict(rest.read_headers(places, request.headers))
    if request.query:
        params |= rest.read_query(places, rest.fields(request.query))
    labels = rest.path_of(operation.http["requestUri"]).match(request.path)
    params |= rest.read_labels(places, labels or {})
    return params


def _write_payload(answer: HttpResponse, member: Shape, value: Any) -> None:
    if member.serialization.get("eventstream"):
        answer.headers.setdefault("content-type", "application/vnd.amazon.eventstream")
    if value is None:
        return
    if member.type_name == "structure" and isinstance(value, dict):
        answer.headers.setdefault("content-type", "application/json")
        value = orjson.dumps(json.write(member, value))
    answer.body = value.encode() if isinstance(value, str) else value
