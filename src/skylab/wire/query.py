"""The query protocol: a form goes in (Action=...&Tags.member.1.Key=...), XML comes out."""

from collections.abc import Callable
from typing import Any

from botocore.model import OperationModel, ServiceModel, Shape

from skylab.wire import xml
from skylab.wire.errors import AwsError
from skylab.wire.http import HttpRequest, HttpResponse
from skylab.wire.model import error_shape, error_status
from skylab.wire.rest import fields
from skylab.wire.values import DEPTH, Malformed, scalar

# What these services answer for the platform's own refusals, which no model lists.
STATUS = {
    "AccessDenied": 403,
    "AuthFailure": 403,
    "ExpiredToken": 403,
    "IncompleteSignature": 400,
    "InvalidClientTokenId": 403,
    "MissingAuthenticationToken": 403,
    "OptInRequired": 403,
    "RequestExpired": 400,
    "SignatureDoesNotMatch": 403,
}

# "Tags.member.1.Key=a" as {"Tags": {"member": {"1": {"Key": {None: "a"}}}}}: a text sits under None.
Node = dict[str | None, Any]


def form(request: HttpRequest) -> dict[str, list[str]]:
    """The fields of a form, from the body and from the query string."""
    body = request.body if isinstance(request.body, bytes) else b""
    try:
        text = body.decode("ascii")
    except UnicodeDecodeError:
        raise AwsError("MalformedQueryString", "The form is not percent-encoded") from None
    try:
        return fields(text) | fields(request.query) if request.query else fields(text)
    except UnicodeDecodeError:
        raise AwsError("MalformedQueryString", "The form holds bytes that are not UTF-8") from None


def tree(flat: dict[str, list[str]]) -> Node:
    top: Node = {}
    for name, values in flat.items():
        parts = name.split(".", DEPTH + 1)
        if len(parts) > DEPTH:
            raise Malformed("The form nests too deeply")
        node = top
        for part in parts:
            node = node.setdefault(part, {})
        node[None] = values[0]
    return top


def read(shape: Shape, node: Node) -> Any:
    match shape.type_name:
        case "structure":
            return _read_structure(shape, node)
        case "list":
            return _read_list(shape, node)
        case "map":
            return _read_map(shape, node)
    if None not in node:
        raise Malformed("Unexpected complex element")
    return scalar(shape, node[None])


def _read_structure(shape: Shape, node: Node) -> dict[str, Any]:
    result = {}
    name = ""
    try:
        for name, member in shape.members.items():
            key = member.serialization.get("name", name)
            if member.type_name == "list" and member.serialization.get("flattened"):
                key = member.member.serialization.get("name", key)
            if (found := node.get(key)) is not None:
                result[name] = read(member, found)
    except Malformed as wrong:
        raise wrong.at(name) from None
    return result


def numbered(node: Node, read_one: Callable[[Node], Any]) -> list[Any]:
    """The children 1, 2, 3 … in order; gaps close, so an index of a billion is one item."""
    items = []
    for index, child in node.items():
        if index is None:
            continue
        if not (index.isascii() and index.isdigit() and len(index) < 10):
            raise Malformed(f"{index[:64]!r} is not a list index")
        items.append((int(index), child))
    return [read_one(child) for _, child in sorted(items, key=lambda item: item[0])]


def _read_list(shape: Shape, node: Node) -> list[Any]:
    if not shape.serialization.get("flattened"):
        name = shape.member.serialization.get("name", "member")
        # "member" is taken as well where the model renames it: old clients send that.
        node = node.get(name) or node.get("member") or {}
    return numbered(node, lambda child: read(shape.member, child))


def _read_map(shape: Shape, node: Node) -> dict[str, Any]:
    if not shape.serialization.get("flattened"):
        node = node.get("entry") or {}
    key, value = shape.key.serialization.get("name", "key"), shape.value.serialization.get("name", "value")

    def entry(child: Node) -> tuple[str, Any]:
        if key not in child or value not in child:
            raise Malformed("A map entry lacks its key or value")
        return read(shape.key, child[key]), read(shape.value, child[value])

    return dict(numbered(node, entry))


class QueryProtocol:
    def __init__(self, model: ServiceModel) -> None:
        self._model = model
        self._names = frozenset(model.operation_names)
        self._version = model.metadata["apiVersion"]
        self._space = model.metadata.get("xmlNamespace", "")

    def operation(self, request: HttpRequest) -> OperationModel:
        name = form(request).get("Action", [""])[0]
        if not name:
            raise AwsError("MissingAction", "The request must contain the parameter Action")
        if name not in self._names:
            message = f"Could not find operation {name[:128]} for version {self._version}"
            raise AwsError("InvalidAction", message)
        return self._model.operation_model(name)

    def parse(self, operation: OperationModel, request: HttpRequest) -> dict[str, Any]:
        if operation.input_shape is None:
            return {}
        try:
            return read(operation.input_shape, tree(form(request)))
        except Malformed as wrong:
            raise AwsError("MalformedInput", str(wrong)) from None

    def answer(self, operation: OperationModel, result: dict[str, Any], request_id: str) -> HttpResponse:
        name, shape = operation.name, operation.output_shape
        out = [f'<{name}Response xmlns="{self._space}">']
        if shape is not None:
            wrapper = shape.serialization.get("resultWrapper", f"{name}Result")
            out.append(f"<{wrapper}>")
            xml.write_members(out, shape, result)
            out.append(f"</{wrapper}>")
        out.append(f"<ResponseMetadata><RequestId>{xml.escape(request_id)}</RequestId></ResponseMetadata>")
        out.append(f"</{name}Response>")
        return self._xml(200, out, request_id)

    def refuse(
        self, operation: OperationModel | None, error: AwsError, request_id: str, request: HttpRequest
    ) -> HttpResponse:
        shape = error_shape(self._model, error.code)
        status = STATUS.get(error.code) if shape is None and error.status is None else None
        status = status or error_status(self._model, error)
        code = shape.error_code if shape is not None else error.code
        out = [f'<ErrorResponse xmlns="{self._space}"><Error>']
        out.append(f"<Type>{'Receiver' if status >= 500 else 'Sender'}</Type><Code>{xml.escape(code)}</Code>")
        out.append(f"<Message>{xml.escape(error.message)}</Message>")
        if shape is not None:
            said = ("message", "code", "type")
            members = {name: value for name, value in error.members.items() if name.lower() not in said}
            xml.write_members(out, shape, members)
        out.append(f"</Error><RequestId>{xml.escape(request_id)}</RequestId></ErrorResponse>")
        return self._xml(status, out, request_id)

    def _xml(self, status: int, out: list[str], request_id: str) -> HttpResponse:
        headers = {"x-amzn-requestid": request_id, "content-type": "text/xml"}
        return HttpResponse(status, headers, "".join(out).encode())
