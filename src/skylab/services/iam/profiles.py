"""Instance profiles: a role's name for machines. Nothing here runs on one yet; they are kept as templates make them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skylab.kernel import credentials
from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.services.iam.names import arn_of, conflict, docs, encoded, key_of, make, no_such, page, too_many
from skylab.services.iam.tagging import tagged

if TYPE_CHECKING:
    from skylab.shapes.iam import *


class Profiles:
    def create_instance_profile(self, call: Call, request: CreateInstanceProfileRequest) -> dict[str, Any]:
        key, path = key_of(call.account, "instance-profile", request["InstanceProfileName"]), request.get("Path", "/")
        doc: dict[str, Any] = {
            "Path": path,
            "InstanceProfileName": key.name,
            "InstanceProfileId": credentials.unique_id("AIPA"),
            "Arn": arn_of(key, path),
            "CreateDate": call.now,
            "_": {"role": None},
        } | tagged(request)
        with call.writing() as tx:
            make(tx, key, doc, call.now)
        return {"InstanceProfile": doc | {"Roles": []}}

    def get_instance_profile(self, call: Call, request: GetInstanceProfileRequest) -> dict[str, Any]:
        with call.reading() as tx:
            doc = tx.get(key_of(call.account, "instance-profile", request["InstanceProfileName"]))
            return {"InstanceProfile": _shown(tx, call.account, doc)}

    def list_instance_profiles(self, call: Call, request: ListInstanceProfilesRequest) -> dict[str, Any]:
        with call.reading() as tx:
            found = docs(tx, call.account, "instance-profile", request.get("PathPrefix", "/"))
            answer = page(request, "InstanceProfiles", found, lambda doc: doc["InstanceProfileName"])
            shown = [_shown(tx, call.account, doc) for doc in answer["InstanceProfiles"]]
        return answer | {"InstanceProfiles": [{m: v for m, v in doc.items() if m != "Tags"} for doc in shown]}

    def list_instance_profiles_for_role(
        self, call: Call, request: ListInstanceProfilesForRoleRequest
    ) -> dict[str, Any]:
        with call.reading() as tx:
            tx.get(key_of(call.account, "role", request["RoleName"]))
            found = of_role(tx, call.account, request["RoleName"])
        return page(request, "InstanceProfiles", found, lambda doc: doc["InstanceProfileName"])

    def add_role_to_instance_profile(self, call: Call, request: AddRoleToInstanceProfileRequest) -> None:
        key = key_of(call.account, "instance-profile", request["InstanceProfileName"])
        with call.writing() as tx:
            doc = tx.get(key)
            role = tx.get(key_of(call.account, "role", request["RoleName"]))
            if doc["_"]["role"] is not None:
                raise too_many("InstanceSessionsPerInstanceProfile", 1)
            tx.put(key, doc | {"_": {"role": role["RoleName"]}}, call.now)

    def remove_role_from_instance_profile(self, call: Call, request: RemoveRoleFromInstanceProfileRequest) -> None:
        key = key_of(call.account, "instance-profile", request["InstanceProfileName"])
        with call.writing() as tx:
            doc = tx.get(key)
            if doc["_"]["role"] != request["RoleName"]:
                raise no_such(f"Role {request['RoleName']} does not exist in Instance Profile {key.name}.")
            tx.put(key, doc | {"_": {"role": None}}, call.now)

    def delete_instance_profile(self, call: Call, request: DeleteInstanceProfileRequest) -> None:
        key = key_of(call.account, "instance-profile", request["InstanceProfileName"])
        with call.writing() as tx:
            if tx.get(key)["_"]["role"] is not None:
                raise conflict("Cannot delete entity, must remove roles from instance profile first.")
            tx.delete(key)


def of_role(tx: Transaction, account: str, role: str) -> list[dict[str, Any]]:
    """The profiles that a role is in, by name, as Get shows them."""
    return [_shown(tx, account, doc) for doc in docs(tx, account, "instance-profile") if doc["_"]["role"] == role]


def _shown(tx: Transaction, account: str, doc: dict[str, Any]) -> dict[str, Any]:
    if (name := doc["_"]["role"]) is None:
        return doc | {"Roles": []}
    role = tx.get(key_of(account, "role", name))
    return doc | {"Roles": [role | {"AssumeRolePolicyDocument": encoded(role["AssumeRolePolicyDocument"])}]}
