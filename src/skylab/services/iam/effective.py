"""What IAM's documents come to for one user or role: the texts that decide, for whoever evaluates them."""

from dataclasses import dataclass, field
from typing import Any

from skylab.kernel.store import Transaction
from skylab.services.access import tag_map
from skylab.services.iam.aws import aws_policy
from skylab.services.iam.names import Kind, key_of

Text = tuple[str, str]  # a policy's ARN, or "" for an inline one, and its document
NOTHING = '{"Version": "2012-10-17", "Statement": []}'


@dataclass(frozen=True)
class Effective:
    policies: tuple[Text, ...] = ()
    boundary: Text | None = None
    tags: dict[str, str] = field(default_factory=dict)


def effective(tx: Transaction, account: str, kind: Kind, name: str) -> Effective:
    """Of a user, with its groups, or a role; nothing for one that is not there."""
    doc = tx.find(key_of(account, kind, name))
    if doc is None:
        return Effective()
    groups = (tx.find(key_of(account, "group", group)) for group in doc["_"].get("groups", []))
    kept = [each["_"] for each in (doc, *groups) if each]
    attached = [document(tx, account, arn) for each in kept for arn in each["attached"]]
    inline = [("", text) for each in kept for text in each["inline"].values()]
    boundary = doc.get("PermissionsBoundary", {}).get("PermissionsBoundaryArn")
    return Effective(
        (*inline, *attached), document(tx, account, boundary) if boundary else None, tag_map(doc.get("Tags"))
    )


def document(tx: Transaction, account: str, arn: str) -> Text:
    """The default version of a managed policy. One that is gone says nothing: it allows nothing."""
    doc: dict[str, Any] | None = aws_policy(arn) or tx.find(key_of(account, "policy", arn.rsplit("/", 1)[-1]))
    if doc is None or doc["Arn"] != arn:
        return arn, NOTHING
    default = doc["DefaultVersionId"]
    return arn, next(version["Document"] for version in doc["_"]["versions"] if version["VersionId"] == default)
