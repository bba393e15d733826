"""How a request becomes an operation with parameters, and a result an answer, by the protocol its model names.

protocol(model, request) -> operation(request) -> parse(operation, request) -> … -> answer(…) or refuse(…)
"""

import typing
from collections.abc import Callable
from functools import cache
from typing import Any

from botocore.model import OperationModel, ServiceModel

from skylab.wire.ec2 import Ec2Protocol
from skylab.wire.errors import AwsError
from skylab.wire.http import HttpRequest, HttpResponse
from skylab.wire.json import JsonProtocol
from skylab.wire.query import QueryProtocol
from skylab.wire.restjson import RestJsonProtocol
from skylab.wire.restxml import RestXmlProtocol


class Protocol(typing.Protocol):
    """One wire format for one model; holds routing tables and no state, so threads may share it."""

    def operation(self, request: HttpRequest) -> OperationModel:
        """The operation a request is for. AwsError, worded as the protocol's services do, if there is none."""

    def parse(self, operation: OperationModel, request: HttpRequest) -> dict[str, Any]:
        """The parameters as boto3's users know them: datetime in UTC, bytes for blobs.

        A raw payload is request.body itself, bytes or Stream. AwsError for what cannot be read; whether the values
        satisfy the model is validate's question.
        """

    def answer(self, operation: OperationModel, result: dict[str, Any], request_id: str) -> HttpResponse:
        """The part of the result that the output shape shows. A raw payload (a Stream) goes out as it is."""

    def refuse(
        self, operation: OperationModel | None, error: AwsError, request_id: str, request: HttpRequest
    ) -> HttpResponse:
        """The error as the caller's SDK reads it. operation is None if none was found."""


_PROTOCOLS: dict[str, Callable[[ServiceModel], Protocol]] = {
    "ec2": Ec2Protocol,
    "json": JsonProtocol,
    "query": QueryProtocol,
    "rest-json": RestJsonProtocol,
    "rest-xml": RestXmlProtocol,
}


def protocol(model: ServiceModel, request: HttpRequest) -> Protocol:
    """The protocol of the model, or, where the model has several, of the request."""
    return _of(model, _name(model, request))


def _name(model: ServiceModel, request: HttpRequest) -> str:
    known = model.metadata.get("protocols") or ()
    if len(known) > 1:
        if "json" in known and "x-amz-target" in request.headers:
            return "json"
        if "query" in known and _is_form(request):
            return "query"
    return model.resolved_protocol


def _is_form(request: HttpRequest) -> bool:
    form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    return form or "Action=" in request.query


@cache
def _of(model: ServiceModel, name: str) -> Protocol:
    return _PROTOCOLS[name](model)
