"""Versions of managed policies: five at most, numbers are never used twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skylab.services.call import Call
from skylab.services.iam.names import conflict, encoded, no_such, page
from skylab.services.iam.policies import check_policy, policy, readable
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.iam import *

MOST = 5


class Versions:
    def create_policy_version(self, call: Call, request: CreatePolicyVersionRequest) -> dict[str, Any]:
        check_policy(request["PolicyDocument"])
        with call.writing() as tx:
            key, doc = policy(tx, call.account, request["PolicyArn"])
            kept = doc["_"]
            if len(kept["versions"]) >= MOST:
                raise AwsError(
                    "LimitExceeded",
                    "A managed policy can have up to 5 versions. Before you create a new version, you must delete an"
                    " existing version.",
                    409,
                )
            kept["last"] += 1
            version = {
                "VersionId": f"v{kept['last']}",
                "CreateDate": call.now,
                "Document": request["PolicyDocument"],
            }
            kept["versions"].append(version)
            doc["UpdateDate"] = call.now
            if request.get("SetAsDefault"):
                doc["DefaultVersionId"] = version["VersionId"]
            tx.put(key, doc, call.now)
        shown = _shown(doc, version)
        del shown["Document"]
        return {"PolicyVersion": shown}

    def get_policy_version(self, call: Call, request: GetPolicyVersionRequest) -> dict[str, Any]:
        with call.reading() as tx:
            doc = readable(tx, call.account, request["PolicyArn"])
        return {"PolicyVersion": _shown(doc, _find(doc, request["VersionId"]))}

    def list_policy_versions(self, call: Call, request: ListPolicyVersionsRequest) -> dict[str, Any]:
        """Of one of AWS's, the default version: no other is kept."""
        with call.reading() as tx:
            doc = readable(tx, call.account, request["PolicyArn"])
        versions = [_shown(doc, version) for version in doc["_"]["versions"]]
        for version in versions:
            del version["Document"]
        return page(request, "Versions", versions, lambda version: f"{int(version['VersionId'][1:]):09d}")

    def set_default_policy_version(self, call: Call, request: SetDefaultPolicyVersionRequest) -> None:
        with call.writing() as tx:
            key, doc = policy(tx, call.account, request["PolicyArn"])
            doc["DefaultVersionId"] = _find(doc, request["VersionId"])["VersionId"]
            tx.put(key, doc | {"UpdateDate": call.now}, call.now)

    def delete_policy_version(self, call: Call, request: DeletePolicyVersionRequest) -> None:
        with call.writing() as tx:
            key, doc = policy(tx, call.account, request["PolicyArn"])
            version = _find(doc, request["VersionId"])
            if version["VersionId"] == doc["DefaultVersionId"]:
                raise conflict("Cannot delete the default version of a policy.")
            doc["_"]["versions"].remove(version)
            tx.put(key, doc | {"UpdateDate": call.now}, call.now)


def _find(doc: dict[str, Any], version: str) -> dict[str, Any]:
    for each in doc["_"]["versions"]:
        if each["VersionId"] == version:
            return each
    raise no_such(f"Policy {doc['Arn']} version {version} does not exist or is not attachable.")


def _shown(doc: dict[str, Any], version: dict[str, Any]) -> dict[str, Any]:
    default = version["VersionId"] == doc["DefaultVersionId"]
    return version | {"Document": encoded(version["Document"]), "IsDefaultVersion": default}
