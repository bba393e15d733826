"""The condition keys of one check, each worked out when a policy asks for it, and once.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-keys.html
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any

from skylab.services.access import Need, Source, given, tag_map, texts
from skylab.services.call import Call

Values = Sequence[str] | None
TYPES = {"Root": "Account", "IAMUser": "User", "WebIdentityUser": "AssumedRole"}  # the others have AWS's own word
GLOBAL_REGION = "us-east-1"
GLOBAL_SERVICES = {"iam"}


class Context(Mapping[str, Sequence[str]]):
    """sources: of the service's own keys. principal_tags: of the user or role. resource_tags: how they are found."""

    def __init__(
        self,
        call: Call,
        need: Need,
        parameters: Mapping[str, Any],
        sources: Mapping[str, Source],
        owner: str,
        principal_tags: Mapping[str, str],
        resource_tags: Callable[[], Mapping[str, str]],
    ) -> None:
        self.call, self.need, self.parameters, self.sources, self.owner = call, need, parameters, sources, owner
        self.principal_tags, self.resource_tags = principal_tags, resource_tags
        self._known: dict[str, Values] = {}
        self._families: dict[str, Mapping[str, str]] = {}

    def get(self, key: str, default: Any = None) -> Any:
        if key not in self._known:
            self._known[key] = self._found(key)
        found = self._known[key]
        return default if found is None else found

    def __getitem__(self, key: str) -> Sequence[str]:
        if (found := self.get(key)) is None:
            raise KeyError(key)
        values: Sequence[str] = found
        return values

    def __contains__(self, key: object) -> bool:
        return self.get(str(key)) is not None

    def __iter__(self) -> Iterator[str]:
        """Those without a family."""
        return (key for key in {**GLOBAL, **self.sources, **self.need.sources} if key in self)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _found(self, key: str) -> Values:
        if known := GLOBAL.get(key):
            return known(self)
        for sources in (self.need.sources, self.sources):
            if key in sources:
                return texts(given(sources[key], self.call, self.parameters))
        for family, name in _families(key):
            if (value := self._family(family).get(name)) is not None:
                return (value,)
        return None

    def _family(self, family: str) -> Mapping[str, str]:
        """The names behind a family, in lower case: IAM takes no difference between Team and team."""
        if family not in self._families:
            made = self._members(family) or {}
            self._families[family] = {str(name).lower(): value for name, value in made.items()}
        return self._families[family]

    def _members(self, family: str) -> Mapping[str, str] | None:
        if family == "aws:principaltag/":
            session = self.call.principal.session
            return {**_lower(self.principal_tags), **_lower(session.tags if session else {})}
        if family == "aws:requesttag/":
            return self.request_tags
        if family.endswith(":resourcetag/"):
            return self.resource_tags()
        source = self.need.sources.get(family) or self.sources.get(family)
        return given(source, self.call, self.parameters) if source else None

    @property
    def request_tags(self) -> Mapping[str, str]:
        return tag_map(given(self.need.tags, self.call, self.parameters)) if self.need.tags else {}


def _families(key: str) -> Iterator[tuple[str, str]]:
    """Each way to read a key as a family and a name, which may hold signs too: kms:EncryptionContext:aws:s3:arn."""
    for end, sign in enumerate(key[:-1], 1):
        if sign in "/:":
            yield key[:end], key[end:]


def _lower(tags: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in tags.items()}


def _who(attribute: str) -> Callable[[Context], Values]:
    return lambda context: texts(getattr(context.call.principal, attribute) or None)


def _principal_arn(context: Context) -> Values:
    """Of a session its role's; a service has none."""
    who = context.call.principal
    return None if who.type in ("AWSService", "Anonymous") else (who.role or who.arn,)


def _principal_type(context: Context) -> Values:
    type = context.call.principal.type
    return None if type == "AWSService" else (TYPES.get(type, type),)


def _account(context: Context) -> Values:
    return None if context.call.principal.type == "AWSService" else texts(context.call.principal.account or None)


def _user_id(context: Context) -> Values:
    who = context.call.principal
    return None if who.type == "AWSService" else (who.id,)


def _user_name(context: Context) -> Values:
    who = context.call.principal
    return (who.arn.rpartition("/")[2],) if who.type == "IAMUser" else None


def _is_service(context: Context) -> Values:
    return ("true" if context.call.principal.type == "AWSService" else "false",)


def _service(context: Context) -> Values:
    who = context.call.principal
    return (who.arn,) if who.type == "AWSService" else None


def _inside(context: Context) -> bool:
    """The call comes from one of our own services and has passed no network."""
    return bool(context.call.principal.via) or context.call.principal.type == "AWSService"


def _source_ip(context: Context) -> Values:
    """Of the caller, not of the services that work for it: https://docs.aws.amazon.com/IAM/latest/UserGuide/access_forward_access_sessions.html"""
    return None if _inside(context) else (context.call.http.source,)


def _secure(context: Context) -> Values:
    return ("true" if context.call.http.secure or _inside(context) else "false",)


def _region(context: Context) -> Values:
    return (GLOBAL_REGION if context.call.service in GLOBAL_SERVICES else context.call.region,)


def _header(name: str) -> Callable[[Context], Values]:
    return lambda context: texts(context.call.http.headers.get(name))


def _mfa(context: Context) -> Values:
    """Only temporary credentials know whether there was a device."""
    session = context.call.principal.session
    return None if session is None else ("true" if session.mfa else "false",)


def _mfa_age(context: Context) -> Values:
    session = context.call.principal.session
    if session is None or not session.mfa or session.created is None:
        return None
    return (str(int((context.call.now - session.created).total_seconds())),)


def _issued(context: Context) -> Values:
    session = context.call.principal.session
    return texts(session.created) if session else None


def _of_session(attribute: str) -> Callable[[Context], Values]:
    def found(context: Context) -> Values:
        session = context.call.principal.session
        return texts(getattr(session, attribute) or None) if session else None

    return found


def _called_via(context: Context) -> Values:
    return context.call.principal.via or None


def _via_service(context: Context) -> Values:
    return ("true" if context.call.principal.via else "false",)


def _kms_via(context: Context) -> Values:
    service = context.call.principal.invoked_by.removesuffix(".amazonaws.com")
    return (f"{service}.{context.call.region}.amazonaws.com",) if service else None


def _tag_keys(context: Context) -> Values:
    keys = context.request_tags or (
        given(context.need.untags, context.call, context.parameters) if context.need.untags else ()
    )
    return tuple(keys or ()) or None


def _source_account(context: Context) -> Values:
    arn = context.call.principal.source_arn
    return (arn.split(":")[4] or context.call.account,) if arn else None


def _owner(context: Context) -> Values:
    return (context.owner,) if context.owner else None


def _now(context: Context) -> Values:
    return texts(context.call.now)


def _epoch(context: Context) -> Values:
    now: datetime = context.call.now
    return (str(int(now.timestamp())),)


GLOBAL: dict[str, Callable[[Context], Values]] = {
    "aws:principalarn": _principal_arn,
    "aws:principaltype": _principal_type,
    "aws:principalaccount": _account,
    "aws:principalisawsservice": _is_service,
    "aws:principalservicename": _service,
    "aws:principalservicenameslist": _service,
    "aws:userid": _user_id,
    "aws:username": _user_name,
    "aws:sourceidentity": _of_session("source_identity"),
    "aws:federatedprovider": _of_session("provider"),
    "aws:tokenissuetime": _issued,
    "aws:multifactorauthpresent": _mfa,
    "aws:multifactorauthage": _mfa_age,
    "aws:sourceip": _source_ip,
    "aws:securetransport": _secure,
    "aws:useragent": _header("user-agent"),
    "aws:referer": _header("referer"),
    "aws:requestedregion": _region,
    "aws:currenttime": _now,
    "aws:epochtime": _epoch,
    "aws:calledvia": _called_via,
    "aws:calledviafirst": lambda context: context.call.principal.via[:1] or None,
    "aws:calledvialast": lambda context: context.call.principal.via[-1:] or None,
    "aws:viaawsservice": _via_service,
    "kms:viaservice": _kms_via,
    "aws:sourcearn": _who("source_arn"),
    "aws:sourceaccount": _source_account,
    "aws:tagkeys": _tag_keys,
    "aws:resourceaccount": _owner,
    "s3:resourceaccount": _owner,
}
