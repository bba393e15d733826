"""Who approved a version, who rejected it, when and why: every change of the status is kept, the last one is shown.

"For versioned models, the value of this parameter must be set to Approved to deploy the model."
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateModelPackage.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skylab.services.call import Call
from skylab.services.sagemaker import people
from skylab.wire.errors import invalid

MEMBERS = ("ModelApprovalStatus", "ApprovalDescription")


def check(doc: Mapping[str, Any], request: Mapping[str, Any]) -> None:
    """Raises AwsError for an approval of what needs none."""
    if "ModelPackageVersion" not in doc and any(member in request for member in MEMBERS):
        raise invalid("ModelApprovalStatus does not apply to unversioned model packages.")


def recorded(call: Call, doc: dict[str, Any], request: Mapping[str, Any]) -> dict[str, Any]:
    """The document with the status of the request, and with what it says about it in the history."""
    if not any(member in request for member in MEMBERS):
        return doc
    doc = doc | {member: request[member] for member in MEMBERS if member in request}
    entry: dict[str, Any] = {"status": doc["ModelApprovalStatus"], "at": call.now, "by": people.context(call)}
    if "ApprovalDescription" in request:
        entry["description"] = request["ApprovalDescription"]
    doc["_"] = doc["_"] | {"history": [*doc["_"].get("history", []), entry]}
    return doc


def changes(doc: Mapping[str, Any]) -> int:
    """How often its approval was said."""
    return len(doc["_"].get("history", []))


def deployable(doc: Mapping[str, Any]) -> None:
    """Raises AwsError for a version that is not approved."""
    if "ModelPackageVersion" in doc and doc["ModelApprovalStatus"] != "Approved":
        raise invalid(
            f"Model package {doc['ModelPackageArn']} is not approved: its ModelApprovalStatus is "
            f"{doc['ModelApprovalStatus']}, and it must be set to Approved to deploy the model."
        )
