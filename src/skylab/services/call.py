"""What an operation is given besides its request: who asks, where, when, and the tools to answer."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import TYPE_CHECKING, Any, NoReturn

from skylab.kernel.clock import Ids
from skylab.kernel.key import Key
from skylab.kernel.store import Store, Transaction
from skylab.settings import Settings
from skylab.wire.errors import AwsError
from skylab.wire.http import HttpRequest

if TYPE_CHECKING:
    from skylab.services.access import Need


@dataclass(frozen=True)
class Issuer:
    """Whom a session stands for: a role, or the user or root that a session or federated user was made from."""

    arn: str = ""
    id: str = ""
    name: str = ""


@dataclass(frozen=True)
class Session:
    """policies and policy_arns: what narrows it, texts and managed policies; None where nothing does."""

    issuer: Issuer = Issuer()
    created: datetime | None = None
    mfa: bool = False
    source_identity: str = ""
    tags: Mapping[str, str] = field(default_factory=dict)
    transitive: tuple[str, ...] = ()
    policies: tuple[str, ...] | None = None
    policy_arns: tuple[str, ...] | None = None
    provider: str = ""  # of a web or SAML identity

    @property
    def narrowed(self) -> bool:
        return self.policies is not None or self.policy_arns is not None


@dataclass(frozen=True)
class Principal:
    """Who signed: arn as GetCallerIdentity shows it, id as AWS's UserId, and the role a session stands for.

    type: Root, IAMUser, AssumedRole, FederatedUser, WebIdentityUser, AWSService (arn is then "s3.amazonaws.com") or
    Anonymous. via: the services through which the call came in its name; the last one is who makes it.
    source_arn: for what resource a service acts.
    """

    arn: str
    id: str
    account: str
    access_key: str = ""
    role: str | None = None  # ARN of the role behind an assumed-role session
    type: str = "IAMUser"
    session: Session | None = None
    via: tuple[str, ...] = ()
    source_arn: str = ""

    @property
    def invoked_by(self) -> str:
        """The service that makes the call, "sagemaker.amazonaws.com"; empty where the caller itself does."""
        return self.via[-1] if self.via else ""


ANONYMOUS = Principal("anonymous", "anonymous", "", type="Anonymous")


def nobody(*_: Any, **__: Any) -> NoReturn:
    """In place of the gateway, where a call was made without it: nothing is allowed, nothing assumed."""
    raise AwsError("AccessDenied", "There is nobody who could allow this.", 403)


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
    judge: Callable[[Call, Need, Mapping[str, Any]], None] = nobody  # raises AwsError unless the need is allowed
    become: Callable[..., Any] = nobody  # World.assume

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
        """A boto3 client that calls this cloud as the caller of this operation. Never inside writing().

        What it calls sees that it came through this service: aws:CalledVia, aws:ViaAWSService, kms:ViaService.
        """
        caller = replace(self.principal, via=(*self.principal.via, f"{self.service}.amazonaws.com"))
        return self.connect(service, self.region, caller)

    def assume(self, service: str, role: str) -> Any:
        """A boto3 client that acts as a role which this service assumes. Raises AwsError (AccessDenied) where the role
        is not there or its trust policy does not name the service. Never inside writing()."""
        return self.become(service, self.region, role, self.service, f"{self.service}.amazonaws.com")

    def demand(self, need: Need, parameters: Mapping[str, Any]) -> None:
        """For what the access table cannot know before: raises AwsError (AccessDenied) unless the caller may."""
        self.judge(self, need, parameters)

    def may(self, need: Need, parameters: Mapping[str, Any]) -> bool:
        try:
            self.judge(self, need, parameters)
        except AwsError:
            return False
        return True
