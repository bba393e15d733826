"""What the operations of the model registry need."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from skylab.services.access import Entry, Need, Parameters, Source
from skylab.services.call import Call
from skylab.services.sagemaker import common
from skylab.services.sagemaker.needs import create, listing
from skylab.services.sagemaker.registry import names
from skylab.services.sagemaker.registry.names import CARD, GROUP, PACKAGE


def either(type: str, member: str) -> Callable[[Call, Parameters], str]:
    """The ARN of a resource that a member names, or that is given as an ARN."""

    def found(call: Call, parameters: Parameters) -> str:
        given: str = parameters[member]
        return given if given.startswith("arn:") else common.arn(call, type, given)

    return found


def _made(call: Call, parameters: Parameters) -> str:
    """A new version is its group's affair."""
    member = "ModelPackageGroupName" if "ModelPackageGroupName" in parameters else "ModelPackageName"
    return either(GROUP if member == "ModelPackageGroupName" else PACKAGE, member)(call, parameters)


def _current(member: str, read: Callable[[dict[str, Any]], Any]) -> Source:
    """What the package that a request is about says now."""

    def found(call: Call, parameters: Parameters) -> Any:
        with call.reading() as tx:
            doc = tx.find(names.spelled(tx, names.wanted(call, PACKAGE, parameters[member])))
        return read(doc) if doc else None

    return found


def _existing(member: str) -> dict[str, Source]:
    prefix = "sagemaker:Current"
    return {
        f"{prefix}CustomerMetadataProperties/": _current(member, lambda doc: doc.get("CustomerMetadataProperties")),
        f"{prefix}ModelLifeCycleStage": _current(member, lambda doc: doc.get("ModelLifeCycle", {}).get("Stage")),
        f"{prefix}ModelLifeCycleStageStatus": _current(
            member, lambda doc: doc.get("ModelLifeCycle", {}).get("StageStatus")
        ),
    }


ASKED: dict[str, Source] = {
    "sagemaker:ModelApprovalStatus": "ModelApprovalStatus",
    "sagemaker:CustomerMetadataProperties/": "CustomerMetadataProperties",
    "sagemaker:ModelLifeCycle:Stage": "ModelLifeCycle.Stage",
    "sagemaker:ModelLifeCycle:StageStatus": "ModelLifeCycle.StageStatus",
}
UPDATED = ASKED | {"sagemaker:CustomerMetadataPropertiesToRemove": "CustomerMetadataPropertiesToRemove"}


def _on(operation: str, type: str, member: str, keys: Mapping[str, Source] | None = None) -> Entry:
    return (Need(f"sagemaker:{operation}", either(type, member), keys or {}),)


def _versions(call: Call, parameters: Parameters) -> str:
    """To list is asked of what is listed: a group's versions, or all packages."""
    if "ModelPackageGroupName" not in parameters:
        return call.arn(f"{PACKAGE}/*")
    return either(GROUP, "ModelPackageGroupName")(call, parameters).replace(f":{GROUP}/", f":{PACKAGE}/") + "/*"


def _batch(call: Call, parameters: Parameters) -> list[str]:
    return list(parameters["ModelPackageArnList"])


def _card_of_job(call: Call, parameters: Parameters) -> str:
    return str(parameters["ModelCardExportJobArn"])


GROUP_NAME, PACKAGE_NAME, CARD_NAME = "ModelPackageGroupName", "ModelPackageName", "ModelCardName"
ACCESS: dict[str, Entry] = {
    "CreateModelPackageGroup": create("CreateModelPackageGroup", GROUP, GROUP_NAME, {}),
    "DescribeModelPackageGroup": _on("DescribeModelPackageGroup", GROUP, GROUP_NAME),
    "DeleteModelPackageGroup": _on("DeleteModelPackageGroup", GROUP, GROUP_NAME),
    "ListModelPackageGroups": listing("ListModelPackageGroups"),
    "PutModelPackageGroupPolicy": _on("PutModelPackageGroupPolicy", GROUP, GROUP_NAME),
    "GetModelPackageGroupPolicy": _on("GetModelPackageGroupPolicy", GROUP, GROUP_NAME),
    "DeleteModelPackageGroupPolicy": _on("DeleteModelPackageGroupPolicy", GROUP, GROUP_NAME),
    "CreateModelPackage": (
        Need("sagemaker:CreateModelPackage", _made, ASKED, tags="Tags"),
        Need(
            "sagemaker:AddTags",
            _made,
            {"sagemaker:TaggingAction": lambda call, parameters: "CreateModelPackage"},
            tags="Tags",
            when="Tags",
        ),
    ),
    "DescribeModelPackage": _on("DescribeModelPackage", PACKAGE, PACKAGE_NAME, _existing(PACKAGE_NAME)),
    "UpdateModelPackage": _on("UpdateModelPackage", PACKAGE, "ModelPackageArn", UPDATED | _existing("ModelPackageArn")),
    "DeleteModelPackage": _on("DeleteModelPackage", PACKAGE, PACKAGE_NAME, _existing(PACKAGE_NAME)),
    "ListModelPackages": (Need("sagemaker:ListModelPackages", _versions),),
    "BatchDescribeModelPackage": (Need("sagemaker:BatchDescribeModelPackage", _batch),),
    "CreateModelCard": create("CreateModelCard", CARD, CARD_NAME, {}),
    "UpdateModelCard": _on("UpdateModelCard", CARD, CARD_NAME),
    "DescribeModelCard": _on("DescribeModelCard", CARD, CARD_NAME),
    "DeleteModelCard": _on("DeleteModelCard", CARD, CARD_NAME),
    "ListModelCards": listing("ListModelCards"),
    "ListModelCardVersions": _on("ListModelCardVersions", CARD, CARD_NAME),
    "CreateModelCardExportJob": _on("CreateModelCardExportJob", CARD, CARD_NAME),
    "DescribeModelCardExportJob": (Need("sagemaker:DescribeModelCardExportJob", _card_of_job),),
    "ListModelCardExportJobs": _on("ListModelCardExportJobs", CARD, CARD_NAME),
}
