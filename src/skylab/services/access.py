"""The form of the access tables: what an operation needs, said once, in the service's own access.py.

    ACCESS = {
        "GetObject": (Need("s3:GetObject", "arn:aws:s3:::{Bucket}/{Key}"),),
        "CreateModel": (Need("sagemaker:CreateModel", model, tags="Tags"), pass_role("ExecutionRoleArn", SERVICE)),
        "GetCallerIdentity": NOTHING,
    }

An operation that is not in the table is denied. Every need must be allowed: the first that is not refuses the call.
Beside ACCESS a service's access.py may define, all of it asked only where a policy's answer depends on it:

    COMMON: Mapping[str, Source]                    condition keys that all its operations have
    resource_policy(call, arn) -> str | None        the resource's own policy: a bucket's, a key's, a role's trust
    POLICY: "required" | "trust"                    nobody is allowed without it: a key's policy; a role's trust
    resource_tags(call, arn) -> Mapping[str, str]   aws:ResourceTag/…
    resource_owner(call, arn) -> str | None         the account of a resource whose ARN does not say it (a bucket)
    granted(call, action, arn, parameters) -> bool  asked where no policy allows: what else does, as a grant of KMS
    HIDDEN: Mapping[error code, Need]               an error that only who is allowed the need is told

Actions, resource types and condition keys are those of AWS's Service Authorization Reference
(https://docs.aws.amazon.com/service-authorization/latest/reference/), against which tests hold every table.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from skylab.services.call import Call

Parameters = Mapping[str, Any]  # the request as the operation gets it, in AWS's member names
Source = str | Callable[[Call, Parameters], Any]


@dataclass(frozen=True)
class Need:
    """One check.

    on: the resource's ARN, with {region}, {account} (the caller's) and {Member} of the request; or a function that
    makes one or several of them: several are as many checks.
    keys: condition key -> where its value comes from: a member's path ("ResourceConfig.InstanceType") or a function;
    None is absent. A key that ends in "/" or ":" is a family: its source is a map of the names behind it.
    tags: member with the tags that the request sets (aws:RequestTag/…, aws:TagKeys), a list of Key and Value or a map.
    untags: member with the keys of tags that the request takes away (aws:TagKeys).
    when: the check is made only if this member is given (or the function says so).
    creates: the resource will be the caller's, whoever has one of that name, and there is no policy of it yet.
    unlocked: the root user of the resource's owner is not held by its policy.
    """

    action: str
    on: str | Callable[[Call, Parameters], str | Iterable[str]] = "*"
    keys: Mapping[str, Source] = field(default_factory=dict)
    tags: str = ""
    untags: str = ""
    when: Source = ""
    creates: bool = False
    unlocked: bool = False
    sources: Mapping[str, Source] = field(init=False, repr=False)  # keys by their names in lower case

    def __post_init__(self) -> None:
        object.__setattr__(self, "sources", {key.lower(): source for key, source in self.keys.items()})

    def asked(self, call: Call, parameters: Parameters) -> bool:
        return not self.when or bool(given(self.when, call, parameters))

    def resources(self, call: Call, parameters: Parameters) -> Iterator[str]:
        if isinstance(self.on, str):
            yield self.on.format_map({"region": call.region, "account": call.account, **parameters})
        else:
            made = self.on(call, parameters)
            yield from [made] if isinstance(made, str) else made


Entry = tuple[Need, ...]
NOTHING: Entry = ()  # whoever has valid credentials may: AWS asks no permission for it
ITSELF: Entry = ()  # the operation asks for each of its parts: call.demand(Need(...), parameters), call.may(...)


def pass_role(member: str, service: str, when: Source = "") -> Need:
    """iam:PassRole on the role a request hands to a service: service is its principal, "sagemaker.amazonaws.com"."""
    keys: dict[str, Source] = {"iam:PassedToService": lambda call, parameters: service}
    return Need("iam:PassRole", lambda call, parameters: given(member, call, parameters), keys, when=when or member)


def given(source: Source, call: Call, parameters: Parameters) -> Any:
    """The value of a source in this request; None where it is not given."""
    if not isinstance(source, str):
        return source(call, parameters)
    value: Any = parameters
    for name in source.split("."):
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def texts(value: Any) -> tuple[str, ...] | None:
    """A request's value as the texts that conditions compare; nothing (None, an empty list) is absent."""
    if value is None:
        return None
    if isinstance(value, str):
        return (value,)
    if isinstance(value, bool):
        return ("true" if value else "false",)
    if isinstance(value, datetime):
        return (value.strftime("%Y-%m-%dT%H:%M:%SZ"),)
    if isinstance(value, Iterable):
        return tuple(text for item in value for text in texts(item) or ()) or None
    return (str(value),)


def tag_map(tags: Any) -> dict[str, str]:
    """A request's tags as a map: given as a list of Key and Value (TagKey and TagValue in KMS), or as a map already."""
    if isinstance(tags, Mapping):
        return dict(tags)
    return {tag.get("Key", tag.get("TagKey", "")): tag.get("Value", tag.get("TagValue", "")) for tag in tags or ()}
