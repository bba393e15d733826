"""Model package groups: the versions of one model. A group knows the last number it gave, so none is given twice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skylab.services.call import Call
from skylab.services.sagemaker import common, pages, people, records
from skylab.services.sagemaker.registry import names
from skylab.services.sagemaker.registry.names import GROUP, PACKAGE
from skylab.wire.errors import AwsError, invalid

if TYPE_CHECKING:
    from skylab.shapes.sagemaker import *


class ModelPackageGroups:
    def create_model_package_group(self, call: Call, request: CreateModelPackageGroupInput) -> dict[str, Any]:
        records.refuse(request, ("ManagedConfiguration",))
        key = call.key(GROUP, request["ModelPackageGroupName"])
        doc: dict[str, Any] = {member: value for member, value in request.items() if member != "Tags"}
        doc |= people.created(call) | {"ModelPackageGroupArn": names.arn(key), "ModelPackageGroupStatus": "Completed"}
        private = {"tags": common.tags(request), "last": 0, "tokens": {}}
        with call.writing() as tx:
            if tx.find(names.spelled(tx, key)) is not None:
                raise invalid(f"Model Package Group already exists: ModelPackageGroup already exists: {names.arn(key)}")
            tx.create(key, doc | {"_": private}, call.now)
        return {"ModelPackageGroupArn": doc["ModelPackageGroupArn"]}

    def describe_model_package_group(self, call: Call, request: DescribeModelPackageGroupInput) -> dict[str, Any]:
        with call.reading() as tx:
            return names.find(tx, call, GROUP, request["ModelPackageGroupName"])[1]

    def list_model_package_groups(self, call: Call, request: ListModelPackageGroupsInput) -> dict[str, Any]:
        """Only the caller's own: nothing says which of another account's groups it has been shared."""
        if request.get("CrossAccountFilterOption") == "CrossAccount":
            raise invalid("CrossAccountFilterOption CrossAccount is not offered yet.")
        name = "ModelPackageGroupName"
        with call.reading() as tx:
            found = [
                doc
                for doc in tx.all(call.account, call.region, "sagemaker", GROUP)
                if request.get("NameContains", "").lower() in doc[name].lower()
                and pages.between(request, "CreationTimeAfter", "CreationTimeBefore", doc["CreationTime"])
            ]
        column = {"Name": name}.get(request.get("SortBy", ""), "CreationTime")
        return pages.page(
            found,
            request,
            "ModelPackageGroupSummaryList",
            lambda doc: (pages.value(doc[column]), doc[name]),
            "Ascending",
        )

    def delete_model_package_group(self, call: Call, request: DeleteModelPackageGroupInput) -> None:
        with call.writing() as tx:
            key, _ = names.find(tx, call, GROUP, request["ModelPackageGroupName"])
            if next(tx.all(key.account, key.region, "sagemaker", PACKAGE, f"{key.name}/"), None):
                raise AwsError(
                    "ConflictException",
                    f"Model Package Group {names.arn(key)} cannot be deleted because it still contains model packages.",
                )
            tx.delete(key)
