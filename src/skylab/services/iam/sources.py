"""The policies of a simulation, each with the name and kind by which the answer refers to it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, get_args

from skylab.kernel.store import Transaction
from skylab.policy.document import Policy, parse
from skylab.services.iam.aws import PREFIX
from skylab.services.iam.documents import check_identity
from skylab.services.iam.effective import document
from skylab.services.iam.names import Kind, key_of, no_such
from skylab.wire.errors import AwsError

Known = dict[str, list[str]]


@dataclass(frozen=True)
class Source:
    """kind: PolicySourceType of the answer. policy.source is unique among those of one simulation."""

    name: str
    kind: str
    policy: Policy


def given(request: Any) -> list[Source]:
    """The policies in the request. Raises InvalidInput."""
    found = []
    for number, text in enumerate(request.get("PolicyInputList", []), start=1):
        try:
            check_identity(text)
        except AwsError as problem:
            raise AwsError("InvalidInput", f"Invalid Policy Document: {problem.message}") from problem
        name = f"PolicyInputList.{number}"
        found.append(Source(name, "none", parse(text, name)))
    return found


def principal(tx: Transaction, account: str, arn: str) -> tuple[list[Source], str | None, Known]:
    """Policies, boundary (its text) and condition keys of a user, group or role. Raises NoSuchEntity, InvalidInput."""
    parts = arn.split(":")
    kind, _, name = parts[5].partition("/") if len(parts) == 6 else ("", "", "")
    if kind not in ("user", "group", "role") or kind not in get_args(Kind):
        raise AwsError("InvalidInput", f"Invalid Entity Arn: {arn} does not clearly define entity type and name.")
    doc = tx.find(key_of(account, kind, name.rsplit("/", 1)[-1]))  # type: ignore[arg-type]  # it is one, just seen
    if doc is None or doc["Arn"] != arn:
        raise no_such(f"The {kind} with name {name} cannot be found.")
    sources = list(_of(tx, account, kind, doc))
    for group in doc["_"].get("groups", []):
        sources += _of(tx, account, "group", tx.get(key_of(account, "group", group)))
    bound = doc.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    return sources, document(tx, account, bound)[1] if bound else None, _known(kind, doc)


def _of(tx: Transaction, account: str, kind: str, doc: dict[str, Any]) -> Iterator[Source]:
    owner = doc[f"{kind.capitalize()}Name"]
    for name, text in doc["_"]["inline"].items():
        yield Source(name, kind, parse(text, f"{kind}/{owner}/{name}"))
    for arn in doc["_"]["attached"]:
        managed = "aws-managed" if arn.startswith(PREFIX) else "user-managed"
        yield Source(arn.rsplit("/", 1)[-1], managed, parse(document(tx, account, arn)[1], f"{owner}/{arn}"))


def _known(kind: str, doc: dict[str, Any]) -> Known:
    """The condition keys that a call of it would have."""
    if kind == "group":
        return {}
    tags = {f"aws:principaltag/{tag['Key'].lower()}": [tag["Value"]] for tag in doc.get("Tags", [])}
    known = {"aws:principalarn": [doc["Arn"]], "aws:principalaccount": [doc["Arn"].split(":")[4]]}
    if kind == "user":
        known |= {"aws:username": [doc["UserName"]], "aws:userid": [doc["UserId"]], "aws:principaltype": ["User"]}
    return tags | known
