"""Customer managed policies. Their text is in versions, which are private members of the policy's document."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from skylab.kernel import credentials
from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.services.iam.documents import check_identity, size
from skylab.services.iam.names import arn_of, conflict, docs, key_of, no_such, page, too_many
from skylab.services.iam.tags import checked
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.iam import *

AWS_MANAGED = "arn:aws:iam::aws:policy/"
# Those of AWS that may be attached by name. What they allow is not kept here, so GetPolicy does not know them.
AWS_NAMES = {
    "AdministratorAccess",
    "AmazonS3FullAccess",
    "AmazonS3ReadOnlyAccess",
    "AmazonSageMakerFullAccess",
    "CloudWatchLogsFullAccess",
}
SIZE = 6144


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
        }
        if "Description" in request:
            doc["Description"] = request["Description"]
        if request.get("Tags"):
            doc["Tags"] = checked(request["Tags"])
        with call.writing() as tx:
            tx.create(key, doc, call.now)
        return {"Policy": doc | {"AttachmentCount": 0, "PermissionsBoundaryUsageCount": 0}}

    def get_policy(self, call: Call, request: GetPolicyRequest) -> dict[str, Any]:
        with call.reading() as tx:
            _, doc = policy(tx, call.account, request["PolicyArn"])
            return {"Policy": doc | _uses(tx, call.account)(doc["Arn"])}

    def list_policies(self, call: Call, request: ListPoliciesRequest) -> dict[str, Any]:
        """Scope AWS is empty: AWS's own policies are names here, not documents."""
        by_boundary = request.get("PolicyUsageFilter") == "PermissionsBoundary"
        counted = "PermissionsBoundaryUsageCount" if by_boundary else "AttachmentCount"
        with call.reading() as tx:
            uses = _uses(tx, call.account)
            found = (doc | uses(doc["Arn"]) for doc in docs(tx, call.account, "policy", request.get("PathPrefix", "/")))
            if request.get("OnlyAttached") or by_boundary:
                found = (doc for doc in found if doc[counted])
            wanted = iter(()) if request.get("Scope") == "AWS" else found
            answer = page(request, "Policies", wanted, lambda doc: doc["PolicyName"])
        hidden = ("Description", "Tags", "_")
        answer["Policies"] = [{m: v for m, v in doc.items() if m not in hidden} for doc in answer["Policies"]]
        return answer

    def delete_policy(self, call: Call, request: DeletePolicyRequest) -> None:
        with call.writing() as tx:
            key, doc = policy(tx, call.account, request["PolicyArn"])
            if any(_uses(tx, call.account)(doc["Arn"]).values()):
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
    """A customer managed policy by its ARN. Raises NoSuchEntity."""
    key = key_of(account, "policy", arn.rsplit("/", 1)[-1])
    doc = tx.find(key)
    if doc is None or doc["Arn"] != arn:
        raise no_such(f"Policy {arn} was not found.")
    return key, doc


def attachable(tx: Transaction, arn: str) -> str:
    """The name of a policy that may be attached: one of the account's, or a known one of AWS's."""
    name = arn.rsplit("/", 1)[-1]
    if arn.startswith(AWS_MANAGED):
        if name not in AWS_NAMES or arn != AWS_MANAGED + name:
            raise no_such(f"Policy {arn} does not exist or is not attachable.")
        return name
    parts = arn.split(":")
    if len(parts) != 6 or not parts[5].startswith("policy/"):
        raise AwsError("InvalidInput", f"ARN {arn} is not valid.")
    doc = tx.find(key_of(parts[4], "policy", name))
    if doc is None or doc["Arn"] != arn:
        raise no_such(f"Policy {arn} does not exist or is not attachable.")
    return name


def entities(tx: Transaction, account: str) -> Iterator[dict[str, Any]]:
    """Everything that policies are attached to."""
    yield from docs(tx, account, "role")
    yield from docs(tx, account, "user")


def _uses(tx: Transaction, account: str) -> Any:
    """arn -> its counts, from one pass over all that could use it."""
    attached: Counter[str] = Counter()
    bounding: Counter[str] = Counter()
    for doc in entities(tx, account):
        attached.update(doc["_"]["attached"])
        if boundary := doc.get("PermissionsBoundary"):
            bounding[boundary["PermissionsBoundaryArn"]] += 1
    return lambda arn: {"AttachmentCount": attached[arn], "PermissionsBoundaryUsageCount": bounding[arn]}
