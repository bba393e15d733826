"""What a server and a model say to one another."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Protocol

CUSTOM_ATTRIBUTES = "x-amzn-sagemaker-custom-attributes"


@dataclass(slots=True)
class Request:
    """headers: names in lower case. method and path: of a server of several models, which is asked for more."""

    headers: dict[str, str]
    body: bytes
    method: str = "POST"
    path: str = "/invocations"

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "")

    @property
    def accept(self) -> str:
        """ "" where the caller leaves it to us."""
        accept = self.headers.get("accept", "")
        return "" if accept == "*/*" else accept


@dataclass(slots=True)
class Answer:
    """body: bytes, or pieces that go out as they come."""

    body: bytes | Iterator[bytes]
    content_type: str = "text/plain; charset=utf-8"
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


class Refused(Exception):
    """The caller's mistake, with its status: 400 bad payload, 406 accept, 415 content type."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status, self.message = status, message


class Model(Protocol):
    def quick(self, request: Request) -> bool:
        """Whether predict takes so little time that a thread would cost more than it saves."""
        ...

    def predict(self, request: Request) -> Answer:
        """Raises Refused for the caller's mistakes; anything else is a 500."""
        ...

    def execution_parameters(self) -> dict[str, object] | None:
        """What GET /execution-parameters tells a batch transform; None: 404."""
        ...
