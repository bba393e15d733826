"""Managed policies: customers' and, to be read, AWS's. Their text is in versions, private members of the document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from heapq import merge
from typing import TYPE_CHECKING, Any, Literal

from skylab.kernel import credentials
from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.services.iam.aws import SERVICE_ROLE, aws_policies, aws_policy
from skylab.services.iam.documents import check_identity, size
from skylab.services.iam.names import arn_of, conflict, docs, key_of, make, no_such, page, too_many
from skylab.services.iam.tagging import tagged
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.iam import *

SIZE = 6144
VERSIONS_IN_USE = 10_000


class Policies:
    def create_policy(self, call: Call, request: CreatePolicyRequest) -> dict[str, Any]:
        check_policy(request["PolicyDocument"])
        key, path = key_of(call.account, "policy", request["PolicyName"]), request.get("Path", "/")
        version = {"VersionId": "v1", "CreateDate": call.now, "Document": request["PolicyDocument"]}
        doc: dict[str, Any] = {
            "PolicyName": key.name,
            "PolicyId": credentials.unique_id("ANPA"),
            "Arn": arn_of(key, path),
            "Path": path,
            "DefaultVersionId": "v1",
            "IsAttachable": True,
            "CreateDate": call.now,
            "UpdateDate": call.now,
            "_": {"versions": [version], "last": 1},
        } | tagged(request)
        if "Description" in request:
            doc["Description"] = request["Description"]
        with call.writing() as tx:
            make(tx, key, doc, call.now)
        return {"Policy": doc | {"AttachmentCount": 0, "PermissionsBoundaryUsageCount": 0}}

    def get_policy(self, call: Call, request: GetPolicyRequest) -> dict[str, Any]:
        with call.reading() as tx:
            doc = readable(tx, call.account, request["PolicyArn"])
            return {"Policy": doc | uses(tx, call.account)(doc["Arn"])}

    def list_policies(self, call: Call, request: ListPoliciesRequest) -> dict[str, Any]:
        by_boundary = request.get("PolicyUsageFilter") == "PermissionsBoundary"
        counted = "PermissionsBoundaryUsageCount" if by_boundary else "AttachmentCount"
        with call.reading() as tx:
            counts = uses(tx, call.account)
            found = (doc | counts(doc["Arn"]) for doc in _scoped(tx, call.account, request))
            if request.get("OnlyAttached") or by_boundary:
                found = (doc for doc in found if doc[counted])
            answer = page(request, "Policies", found, _order)
        hidden = ("Description", "Tags", "_")
        answer["Policies"] = [{m: v for m, v in doc.items() if m not in hidden} for doc in answer["Policies"]]
        return answer

    def delete_policy(self, call: Call, request: DeletePolicyRequest) -> None:
        with call.writing() as tx:
            key, doc = policy(tx, call.account, request["PolicyArn"])
            if any(uses(tx, call.account)(doc["Arn"]).values()):
                raise conflict("Cannot delete a policy attached to entities.")
            if len(doc["_"]["versions"]) > 1:
                raise conflict(
                    "This policy has more than one version. Before you delete a policy, you must delete the policy's"
                    " versions. The default version is deleted with the policy."
                )
            tx.delete(key)


def check_policy(text: str) -> None:
    check_identity(text)
    if size(text) > SIZE:
        raise too_many("PolicySize", SIZE)


def policy(tx: Transaction, account: str, arn: str) -> tuple[Key, dict[str, Any]]:
    """A customer managed policy by its ARN, to be changed. Raises NoSuchEntity, and AccessDenied for one of AWS's."""
    if aws_policy(arn):
        raise AwsError("AccessDenied", "Cannot update policies outside your own account.", 403)
    key = key_of(account, "policy", arn.rsplit("/", 1)[-1])
    doc = tx.find(key)
    if doc is None or doc["Arn"] != arn:
        raise no_such(f"Policy {arn} was not found.")
    return key, doc


def readable(tx: Transaction, account: str, arn: str) -> dict[str, Any]:
    """A managed policy by its ARN, the account's or AWS's. Raises NoSuchEntity."""
    return aws_policy(arn) or policy(tx, account, arn)[1]


def attachable(tx: Transaction, account: str, arn: str, linked: bool = False) -> None:
    """Raises AwsError unless the policy is there and may be attached; linked: to a service-linked role."""
    parts = arn.split(":")
    if len(parts) != 6 or not parts[5].startswith("policy/"):
        raise AwsError("InvalidInput", f"ARN {arn} is not valid.")
    doc = aws_policy(arn) or tx.find(key_of(account, "policy", arn.rsplit("/", 1)[-1]))
    if doc is None or doc["Arn"] != arn:
        raise no_such(f"Policy {arn} does not exist or is not attachable.")
    if doc["Path"].startswith(SERVICE_ROLE) and not linked:
        raise AwsError("PolicyNotAttachable", "Cannot attach a Service Role Policy to a Customer Role.")


def _scoped(tx: Transaction, account: str, request: Any) -> Iterator[dict[str, Any]]:
    """The policies of a scope under a path, by name."""
    scope, prefix = request.get("Scope", "All"), request.get("PathPrefix", "/")
    own = docs(tx, account, "policy", prefix) if scope != "AWS" else iter(())
    theirs = aws_policies().values() if scope != "Local" else iter(())
    return merge(own, (doc for doc in theirs if doc["Path"].startswith(prefix)), key=_order)


def _order(doc: dict[str, Any]) -> str:
    return f"{doc['PolicyName']} {doc['Arn']}"


def entities(tx: Transaction, account: str) -> Iterator[dict[str, Any]]:
    """Everything that policies are attached to."""
    yield from docs(tx, account, "role")
    yield from docs(tx, account, "user")
    yield from docs(tx, account, "group")


def kind_of(entity: dict[str, Any]) -> Literal["Role", "User", "Group"]:
    return "Role" if "RoleName" in entity else "User" if "UserName" in entity else "Group"


def uses(tx: Transaction, account: str) -> Callable[[str], dict[str, int]]:
    """arn -> its counts, from one pass over all that could use it."""
    attached: Counter[str] = Counter()
    bounding: Counter[str] = Counter()
    for doc in entities(tx, account):
        attached.update(doc["_"]["attached"])
        if boundary := doc.get("PermissionsBoundary"):
            bounding[boundary["PermissionsBoundaryArn"]] += 1
    return lambda arn: {"AttachmentCount": attached[arn], "PermissionsBoundaryUsageCount": bounding[arn]}
