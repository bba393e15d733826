"""The policy of a model package group: who, of other accounts too, may do what with it and its versions.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-deploy-xaccount.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skylab.policy import kinds
from skylab.policy.document import Malformed, parse
from skylab.services.call import Call
from skylab.services.sagemaker.registry import names
from skylab.services.sagemaker.registry.names import GROUP, PACKAGE
from skylab.wire.errors import invalid

if TYPE_CHECKING:
    from skylab.shapes.sagemaker import *


class GroupPolicies:
    def put_model_package_group_policy(self, call: Call, request: PutModelPackageGroupPolicyInput) -> dict[str, Any]:
        try:
            kinds.resource(parse(request["ResourcePolicy"]))
        except Malformed as problem:
            raise invalid(f"Invalid resource policy: {problem}") from None
        return {"ModelPackageGroupArn": _write(call, request["ModelPackageGroupName"], request["ResourcePolicy"])}

    def get_model_package_group_policy(self, call: Call, request: GetModelPackageGroupPolicyInput) -> dict[str, Any]:
        with call.reading() as tx:
            key, doc = names.find(tx, call, GROUP, request["ModelPackageGroupName"])
        if (policy := doc["_"].get("policy")) is None:
            raise invalid(f"Resource policy of {names.arn(key)} does not exist.")
        return {"ResourcePolicy": policy}

    def delete_model_package_group_policy(self, call: Call, request: DeleteModelPackageGroupPolicyInput) -> None:
        _write(call, request["ModelPackageGroupName"], None)


def _write(call: Call, name: str, policy: str | None) -> str:
    with call.writing() as tx:
        key, doc = names.find(tx, call, GROUP, name)
        if policy is None and doc["_"].get("policy") is None:
            raise invalid(f"Resource policy of {names.arn(key)} does not exist.")
        doc["_"]["policy"] = policy
        tx.put(key, doc, call.now)
    return names.arn(key)


def attached(call: Call, arn: str) -> str | None:
    """The policy that a group, or one of its versions, is held by; None of any other resource."""
    found = names.ARN.fullmatch(arn)
    if not found or found["type"] not in (GROUP, PACKAGE):
        return None
    group = found["name"] if found["type"] == GROUP else found["name"].rpartition("/")[0]
    with call.reading() as tx:
        doc = tx.find(names.spelled(tx, names.wanted(call, found["type"], arn)._replace(type=GROUP, name=group)))
    policy: str | None = doc["_"].get("policy") if doc else None
    return policy


def tagged(arn: str) -> str:
    """Whose tags a resource has: a version's are its group's."""
    found = names.ARN.fullmatch(arn)
    if not found or found["type"] != PACKAGE or "/" not in found["name"]:
        return arn
    return arn.rpartition("/")[0].replace(f":{PACKAGE}/", f":{GROUP}/")
