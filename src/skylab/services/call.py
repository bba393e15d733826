"""What an operation is given besides its request: who asks, where, when, and the tools to answer."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from skylab.kernel.clock import Ids
from skylab.kernel.key import Key
from skylab.kernel.store import Store, Transaction
from skylab.settings import Settings
from skylab.wire.http import HttpRequest


@dataclass(frozen=True)
class Principal:
    """Who signed: arn as GetCallerIdentity shows it, id as AWS's UserId, and the role a session stands for."""

    arn: str
    id: str
    account: str
    access_key: str = ""
    role: str | None = None  # ARN of the role behind an assumed-role session
    scope: str = "account"  # "account": root and administrators; "job": a job's execution role; "user": the rest


@dataclass(frozen=True)
class Call:
    store: Store
    ids: Ids
    settings: Settings
    service: str
    account: str
    region: str
    now: datetime  # one instant for the whole call: every time it writes agrees
    principal: Principal
    request_id: str
    http: HttpRequest  # what came over the wire: source address, TLS, headers; the body belongs to the operation
    part: dict[str, Any]  # what the service's open() made: data planes keep their files and tables there
    connect: Callable[[str, str, Principal], Any]  # (service, region, principal) -> boto3 client, in process

    def key(self, type: str, name: str) -> Key:
        return Key(self.account, self.region, self.service, type, name)

    def arn(self, resource: str) -> str:
        """arn:aws:service:region:account:resource"""
        return f"arn:aws:{self.service}:{self.region}:{self.account}:{resource}"

    @contextmanager
    def writing(self) -> Iterator[Transaction]:
        with self.store.writing() as tx:
            yield tx

    @contextmanager
    def reading(self) -> Iterator[Transaction]:
        with self.store.reading() as tx:
            yield tx

    def client(self, service: str) -> Any:
        """A boto3 client that calls this cloud as the caller of this operation. Never inside writing()."""
        return self.connect(service, self.region, self.principal)
