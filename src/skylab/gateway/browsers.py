"""What browsers ask of S3 beside its operations: whether a page may ask at all, and to take a form's file."""

from typing import Any

from skylab.gateway.routes import to_path_style
from skylab.gateway.service import Service
from skylab.kernel.store import Store
from skylab.services.s3 import cors
from skylab.services.s3.common import bucket_key
from skylab.wire.errors import AwsError
from skylab.wire.http import HttpRequest, HttpResponse
from skylab.wire.protocols import protocol


def asks(service: Service, request: HttpRequest) -> bool:
    """Whether it is a preflight, which nobody signs."""
    return service.signs_as == "s3" and request.method == "OPTIONS"


def preflight(store: Store, service: Service, request: HttpRequest, request_id: str) -> HttpResponse:
    bucket, key = _address(request)
    try:
        return HttpResponse(200, cors.preflight(_bucket(store, bucket), request.headers, bool(key)))
    except AwsError as error:
        return protocol(service.model, request).refuse(None, error, request_id, request)


def shown(store: Store, service: Service, request: HttpRequest, response: HttpResponse) -> HttpResponse:
    """An answer, also one that refuses, with what the bucket's rules let a page of another origin see of it."""
    if service.signs_as == "s3" and "origin" in request.headers:
        rules = (_bucket(store, _address(request)[0]) or {}).get("_cors", ())
        if (rule := cors.fitting(rules, request.headers, request.method)) is not None:
            response.headers.update(cors.shown(rule, request.headers))
    return response


def _address(request: HttpRequest) -> tuple[str, str]:
    """Bucket and key."""
    bucket, _, key = to_path_style(request).path.lstrip("/").partition("/")
    return bucket, key


def _bucket(store: Store, name: str) -> dict[str, Any] | None:
    with store.reading() as tx:
        return tx.find(bucket_key(name))
