"""Which service a request is for: a look-up by what it was signed for, never a guess."""

import re
from collections.abc import Collection
from dataclasses import replace

from skylab.gateway.service import Service
from skylab.wire.http import HttpRequest

SCOPE = re.compile(r"Credential=[^/]+/\d{8}/(?P<region>[^/]+)/(?P<service>[^/,]+)/aws4_request")
PRESIGNED = re.compile(
    r"X-Amz-Credential=[^&]*?%2F\d{8}%2F(?P<region>[^&]+?)%2F(?P<service>[^&]+?)%2Faws4_request", re.I
)
BUCKET_HOST = re.compile(
    r"(?P<bucket>.+?)\.s3(?:\.dualstack)?(?:[.-][a-z0-9-]+)??\.(?:amazonaws\.com(?:\.cn)?|localhost(?:\.localstack\.cloud)?)(?::\d+)?"
)
AWS_HOST = re.compile(r"(?:.+\.)?(?P<service>s3|sts|iam|logs|sagemaker)[.-](?:[a-z0-9-]+\.)?amazonaws\.com")


class Routes:
    def __init__(self, services: Collection[Service]) -> None:
        self._by_signature: dict[str, list[Service]] = {}
        for service in services:
            self._by_signature.setdefault(service.signs_as, []).append(service)
        self._paths = {
            service.name: set(map(_first, _paths(service)))
            for service in services
            if "targetPrefix" not in service.model.metadata
        }

    def signed_for(self, request: HttpRequest) -> tuple[str, str] | None:
        """(service, region) of the credential scope; None when the request is not signed."""
        found = SCOPE.search(request.headers.get("authorization", "")) or PRESIGNED.search(request.query)
        return (found["service"], found["region"]) if found else None

    def service(self, name: str, request: HttpRequest) -> Service | None:
        """The service of that signing name which knows the request; the first of them where none does."""
        known = self._by_signature.get(name, [])
        if len(known) == 1:
            return known[0]
        target = request.headers.get("x-amz-target", "").rpartition(".")[0]
        for service in known:
            prefix = service.model.metadata.get("targetPrefix")
            if (target == prefix) if target else (prefix is None and _first(request.path) in self._paths[service.name]):
                return service
        return known[0] if known else None


def _paths(service: Service) -> list[str]:
    """Services without targets that sign by one name are told apart by the first part of the path."""
    return [service.model.operation_model(name).http["requestUri"] for name in service.model.operation_names]


def _first(path: str) -> str:
    return path.lstrip("/").partition("/")[0]


def to_path_style(request: HttpRequest) -> HttpRequest:
    """bucket.s3.region.amazonaws.com/key as /bucket/key: beyond this point S3 knows one form only."""
    found = BUCKET_HOST.fullmatch(request.headers.get("host", ""))
    if found is None:
        return request
    path = f"/{found['bucket']}{request.path}" if request.path != "/" else f"/{found['bucket']}"
    return replace(request, path=path)


def unsigned_service(request: HttpRequest) -> str:
    """Whose words to refuse an unsigned request in."""
    if found := AWS_HOST.fullmatch(request.headers.get("host", "").partition(":")[0]):
        return found["service"]
    if "x-amz-target" in request.headers:
        return "sagemaker"
    form = request.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
    return "sts" if form and request.method == "POST" else "s3"
