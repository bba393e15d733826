"""The json protocol (1.0 and 1.1): X-Amz-Target names the operation, bodies are JSON both ways."""

import base64
import math
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import orjson
from botocore.model import OperationModel, ServiceModel, Shape

from skylab.wire.errors import AwsError
from skylab.wire.http import HttpRequest, HttpResponse
from skylab.wire.model import OLD_CODES, error_shape, error_status
from skylab.wire.values import DEPTH, Malformed, blob, moment, scalar_text, too_deep, whole

_JSON_NAMES = {
    str: "STRING_VALUE",
    int: "NUMBER_VALUE",
    float: "DECIMAL_VALUE",
    bool: "BOOLEAN_VALUE",
    list: "START_ARRAY",
    dict: "START_OBJECT",
}


def document(body: bytes) -> dict[str, Any]:
    """The object a JSON body holds; an empty body is an empty object. AwsError SerializationException otherwise."""
    try:
        value = orjson.loads(body) if body.strip() else {}
    except orjson.JSONDecodeError:
        raise AwsError("SerializationException", "The request body is not valid JSON") from None
    if not isinstance(value, dict):
        raise AwsError("SerializationException", f"{_JSON_NAMES.get(type(value), 'NULL_VALUE')} is not an object")
    if body.count(b"[") + body.count(b"{") > DEPTH and too_deep([value]):
        raise AwsError("SerializationException", "The request body nests too deeply")
    return value


def read(shape: Shape, value: Any) -> Any:
    """A JSON value as a Python value of the shape; members it does not know, and nulls, are dropped."""
    return _READERS[shape.type_name](shape, value)


def _wrong(value: Any, wanted: str) -> Malformed:
    return Malformed(f"{_JSON_NAMES.get(type(value), 'NULL_VALUE')} can not be converted to {wanted}")


def _read_structure(shape: Shape, value: Any) -> Any:
    if shape.is_document_type:
        return value
    if not isinstance(value, dict):
        raise _wrong(value, "a structure")
    result = {}
    name = ""
    try:
        for name, member in shape.members.items():
            found = value.get(member.serialization.get("name", name))
            if found is not None and "location" not in member.serialization:
                result[name] = _READERS[member.type_name](member, found)
    except Malformed as wrong:
        raise wrong.at(name) from None
    return result


def _read_list(shape: Shape, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise _wrong(value, "a list")
    member, result = shape.member, []
    try:
        for item in value:
            result.append(None if item is None else _READERS[member.type_name](member, item))
    except Malformed as wrong:
        raise wrong.at(str(len(result) + 1)) from None
    return result


def _read_map(shape: Shape, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise _wrong(value, "a map")
    reader, key = _READERS[shape.value.type_name], ""
    try:
        result = {}
        for key, item in value.items():
            result[key] = None if item is None else reader(shape.value, item)
        return result
    except Malformed as wrong:
        raise wrong.at(key) from None


def _read_string(shape: Shape, value: Any) -> str:
    if not isinstance(value, str):
        raise _wrong(value, "String")
    return value


def _read_boolean(shape: Shape, value: Any) -> bool:
    if not isinstance(value, bool):
        raise _wrong(value, "Boolean")
    return value


def _read_integer(shape: Shape, value: Any) -> int:
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool):
        raise _wrong(value, "Integer" if shape.type_name == "integer" else "Long")
    return whole(shape, value)


def _read_float(shape: Shape, value: Any) -> float:
    if value in ("NaN", "Infinity", "-Infinity"):
        return float(value)
    if not isinstance(value, int | float) or isinstance(value, bool):
        raise _wrong(value, "Double")
    return float(value)


def _read_timestamp(shape: Shape, value: Any) -> datetime:
    if isinstance(value, bool | list | dict):
        raise _wrong(value, "a timestamp")
    return moment(value, shape.serialization.get("timestampFormat"))


def _read_blob(shape: Shape, value: Any) -> bytes:
    return blob(_read_string(shape, value))


_READERS: dict[str, Callable[[Shape, Any], Any]] = {
    "structure": _read_structure,
    "list": _read_list,
    "map": _read_map,
    "string": _read_string,
    "character": _read_string,
    "boolean": _read_boolean,
    "integer": _read_integer,
    "long": _read_integer,
    "float": _read_float,
    "double": _read_float,
    "timestamp": _read_timestamp,
    "blob": _read_blob,
}


def parse_body(shape: Shape, body: bytes) -> dict[str, Any]:
    """A JSON body as the members of a structure that are not elsewhere in the request."""
    try:
        return read(shape, document(body))
    except Malformed as wrong:
        raise AwsError("SerializationException", str(wrong)) from None


def write(shape: Shape, value: Any) -> Any:
    """The part of a value that a shape shows, as JSON; a Describe is nothing else."""
    match shape.type_name:
        case "structure":
            return value if shape.is_document_type else _write_structure(shape, value)
        case "list":
            return [None if v is None else write(shape.member, v) for v in value]
        case "map":
            return {str(k): write(shape.value, v) for k, v in value.items() if v is not None}
        case "timestamp":
            return _write_time(shape, value)
        case "blob":
            return base64.b64encode(value.encode() if isinstance(value, str) else value).decode()
        case "float" | "double":
            return value if math.isfinite(value) else scalar_text(shape, value)
    return value


def _write_structure(shape: Shape, value: dict[str, Any]) -> dict[str, Any]:
    known = shape.members
    return {
        known[k].serialization.get("name", k): write(known[k], v)
        for k, v in value.items()
        if v is not None and k in known and "location" not in known[k].serialization
    }


def _write_time(shape: Shape, value: Any) -> Any:
    format = shape.serialization.get("timestampFormat", "unixtimestamp")
    if format != "unixtimestamp":
        return scalar_text(shape, value)
    seconds = round(moment(value).astimezone(UTC).timestamp(), 3)
    return int(seconds) if seconds.is_integer() else seconds


def error_body(model: ServiceModel, error: AwsError) -> dict[str, Any]:
    """{"message"} and the modelled members; under "Message" too where the model spells it so."""
    shape = error_shape(model, error.code)
    body: dict[str, Any] = {"message": error.message}
    if shape is not None:
        body |= _write_structure(shape, error.members)
        if "Message" in shape.members:
            body["Message"] = error.message
    return body


class JsonProtocol:
    def __init__(self, model: ServiceModel) -> None:
        self._model = model
        self._names = frozenset(model.operation_names)
        self._type = f"application/x-amz-json-{model.metadata.get('jsonVersion', '1.1')}"

    def operation(self, request: HttpRequest) -> OperationModel:
        prefix, _, name = request.headers.get("x-amz-target", "").rpartition(".")
        if name not in self._names or prefix != self._model.metadata["targetPrefix"]:
            raise AwsError("UnknownOperationException", f"Unknown operation {name[:128]}" if name else "")
        return self._model.operation_model(name)

    def parse(self, operation: OperationModel, request: HttpRequest) -> dict[str, Any]:
        if operation.input_shape is None:
            return {}
        assert isinstance(request.body, bytes)
        return parse_body(operation.input_shape, request.body)

    def answer(self, operation: OperationModel, result: dict[str, Any], request_id: str) -> HttpResponse:
        shape = operation.output_shape
        headers = {"x-amzn-requestid": request_id, "content-type": self._type}
        if shape is None:
            return HttpResponse(200, headers, b"{}" if self._model.metadata.get("jsonVersion") == "1.0" else b"")
        if shape.event_stream_name and not isinstance(stream := result.get(shape.event_stream_name), dict | None):
            return HttpResponse(200, headers | {"content-type": "application/vnd.amazon.eventstream"}, stream)
        return HttpResponse(200, headers, orjson.dumps(write(shape, result)))

    def refuse(
        self, operation: OperationModel | None, error: AwsError, request_id: str, request: HttpRequest
    ) -> HttpResponse:
        shape = error_shape(self._model, error.code)
        body = {"__type": shape.name if shape is not None else error.code} | error_body(self._model, error)
        headers = {"x-amzn-requestid": request_id, "content-type": self._type}
        if "awsQueryCompatible" in self._model.metadata:
            # What used to be a query service says its old code here; boto3 puts it where scripts look for it.
            code = shape.error_code if shape is not None else error.code
            if self._model.service_name == "sqs":
                code = OLD_CODES.get(code, code)
            fault = "Receiver" if error_status(self._model, error) >= 500 else "Sender"
            headers["x-amzn-query-error"] = f"{code};{fault}"
        return HttpResponse(error_status(self._model, error), headers, orjson.dumps(body))
