"""EC2's own dialect of the query protocol: other names of fields, flat lists, and errors of another form.

https://smithy.io/2.0/aws/protocols/aws-ec2-query-protocol.html
"""

from typing import Any

from botocore.model import OperationModel, Shape

from skylab.wire import xml
from skylab.wire.errors import AwsError
from skylab.wire.http import HttpRequest, HttpResponse
from skylab.wire.model import error_status
from skylab.wire.query import STATUS, Node, QueryProtocol, form, numbered, tree
from skylab.wire.values import Malformed, scalar


def read(shape: Shape, node: Node) -> Any:
    if shape.type_name == "structure":
        names = ((name, member, node.get(_field(name, member))) for name, member in shape.members.items())
        return {name: read(member, found) for name, member, found in names if found is not None}
    if shape.type_name == "list":
        return numbered(node, lambda child: read(shape.member, child))
    if None not in node:
        raise Malformed("Unexpected complex element")
    return scalar(shape, node[None])


def _field(name: str, member: Shape) -> str:
    said: str = member.serialization.get("queryName", "") or member.serialization.get("name", name)
    return said if "queryName" in member.serialization else said[0].upper() + said[1:]


class Ec2Protocol(QueryProtocol):
    """Nothing here answers for EC2: it is understood, allowed or refused, and forwarded."""

    def parse(self, operation: OperationModel, request: HttpRequest) -> dict[str, Any]:
        if operation.input_shape is None:
            return {}
        try:
            found: dict[str, Any] = read(operation.input_shape, tree(form(request)))
        except Malformed as wrong:
            raise AwsError("MalformedInput", str(wrong)) from None
        return found

    def answer(self, operation: OperationModel, result: dict[str, Any], request_id: str) -> HttpResponse:
        raise NotImplementedError(operation.name)

    def refuse(
        self, operation: OperationModel | None, error: AwsError, request_id: str, request: HttpRequest
    ) -> HttpResponse:
        status = error.status or STATUS.get(error.code) or error_status(self._model, error)
        code, message = xml.escape(error.code), xml.escape(error.message)
        out = f"<Response><Errors><Error><Code>{code}</Code><Message>{message}</Message></Error></Errors>"
        return self._xml(status, [out, f"<RequestID>{xml.escape(request_id)}</RequestID></Response>"], request_id)
