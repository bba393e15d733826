"""Model packages: versions of a group, or single ones without a version. What Describe shows is what is stored."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.services.sagemaker import common, pages, people
from skylab.services.sagemaker.registry import approval, contents, names
from skylab.services.sagemaker.registry.names import GROUP, PACKAGE
from skylab.services.sagemaker.tracking import automatic
from skylab.wire.errors import AwsError, invalid

if TYPE_CHECKING:
    from skylab.shapes.sagemaker import *

TOKENS = 100  # so many clients' tokens of a group are remembered


class ModelPackages:
    def create_model_package(self, call: Call, request: CreateModelPackageInput) -> dict[str, Any]:
        contents.check(request)
        if "ModelPackageGroupName" in request:
            key = _version(call, request, request["ModelPackageGroupName"])
        else:
            key = _unversioned(call, request)
        return {"ModelPackageArn": names.arn(key)}

    def describe_model_package(self, call: Call, request: DescribeModelPackageInput) -> dict[str, Any]:
        with call.reading() as tx:
            _, doc = names.find(tx, call, PACKAGE, request["ModelPackageName"])
        return contents.shown(call, doc, request.get("IncludedData", "AllData"))

    def update_model_package(self, call: Call, request: UpdateModelPackageInput) -> dict[str, Any]:
        with call.reading() as tx:
            _, doc = names.find(tx, call, PACKAGE, request["ModelPackageArn"])
        card = contents.card(call, request, doc)
        with call.writing() as tx:
            key, doc = names.find(tx, call, PACKAGE, request["ModelPackageArn"])
            approval.check(doc, request)
            before = approval.changes(doc)
            doc = approval.recorded(call, contents.updated(doc, request, card), request) | people.modified(call)
            tx.put(key, doc, call.now)
            _track(tx, call, key, doc, before)
        return {"ModelPackageArn": names.arn(key)}

    def delete_model_package(self, call: Call, request: DeleteModelPackageInput) -> None:
        with call.writing() as tx:
            key, _ = names.find(tx, call, PACKAGE, request["ModelPackageName"])
            tx.delete(key)

    def list_model_packages(self, call: Call, request: ListModelPackagesInput) -> dict[str, Any]:
        with call.reading() as tx:
            found = [doc for doc in _candidates(tx, call, request) if _listed(doc, request)]

        def place(doc: dict[str, Any]) -> pages.Place:
            first = _name(doc) if request.get("SortBy") == "Name" else doc["CreationTime"].timestamp()
            return first, f"{_name(doc)}/{doc.get('ModelPackageVersion', 0):09d}"

        return pages.page(found, request, "ModelPackageSummaryList", place, "Ascending")

    def batch_describe_model_package(self, call: Call, request: BatchDescribeModelPackageInput) -> dict[str, Any]:
        found: dict[str, Any] = {}
        lost: dict[str, Any] = {}
        with call.reading() as tx:
            for arn in request["ModelPackageArnList"]:
                try:
                    found[arn] = names.find(tx, call, PACKAGE, arn)[1]
                except AwsError as problem:
                    lost[arn] = {"ErrorCode": problem.code, "ErrorResponse": problem.message}
        return {"ModelPackageSummaries": found, "BatchDescribeModelPackageErrorMap": lost}


def _version(call: Call, request: Any, group: str) -> Key:
    """A client's token that was seen before means the version that was made for it."""
    if "Tags" in request:
        raise invalid("Tags cannot be given for a versioned model package: it has those of its model package group.")
    with call.reading() as tx:
        owner, _ = names.find(tx, call, GROUP, group)
    parts = contents.made(call, request, f"{names.arn(owner._replace(type=PACKAGE))}")
    token = request.get("ClientToken")
    with call.writing() as tx:
        owner, known = names.find(tx, call, GROUP, group)
        private = known["_"]
        if token and (number := private["tokens"].get(token)):
            return owner._replace(type=PACKAGE, name=f"{owner.name}/{number}")
        number = private["last"] = private["last"] + 1
        if token:
            private["tokens"] = dict([*private["tokens"].items(), (token, number)][-TOKENS:])
        tx.put(owner, known, call.now)
        key = owner._replace(type=PACKAGE, name=f"{owner.name}/{number}")
        doc = parts | {"ModelPackageGroupName": owner.name, "ModelPackageVersion": number}
        doc |= {"ModelPackageArn": names.arn(key), "ModelApprovalStatus": "PendingManualApproval"}
        doc |= {name: request[name] for name in ("ModelApprovalStatus",) if name in request}
        doc = approval.recorded(call, doc | people.created(call), request)
        tx.create(key, doc, call.now)
        _track(tx, call, key, doc)
    return key


def _unversioned(call: Call, request: Any) -> Key:
    if "ModelPackageName" not in request:
        raise invalid("Either ModelPackageGroupName or ModelPackageName must be given.")
    if "ModelApprovalStatus" in request:
        raise invalid("ModelApprovalStatus does not apply to unversioned model packages.")
    key = call.key(PACKAGE, request["ModelPackageName"])
    doc = contents.made(call, request, names.arn(key)) | people.created(call)
    doc |= {"ModelPackageName": key.name, "ModelPackageArn": names.arn(key)}
    doc["_"] |= {"tags": common.tags(request), "token": request.get("ClientToken")}
    with call.writing() as tx:
        if (known := tx.find(names.spelled(tx, key))) is not None:
            if request.get("ClientToken") and known["_"]["token"] == request["ClientToken"]:
                return key
            raise invalid(f"ModelPackage already exists: {names.arn(key)}")
        tx.create(key, doc, call.now)
        _track(tx, call, key, doc)
    return key


def _track(tx: Transaction, call: Call, key: Key, doc: dict[str, Any], before: int = 0) -> None:
    automatic.registered(tx, key, doc, call.now)
    if (number := approval.changes(doc)) > before:
        automatic.approved(tx, key, doc, call.now, people.context(call), number)


def _candidates(tx: Transaction, call: Call, request: Any) -> list[dict[str, Any]]:
    if "ModelPackageGroupName" not in request:
        return list(tx.all(call.account, call.region, "sagemaker", PACKAGE))
    key, _ = names.find(tx, call, GROUP, request["ModelPackageGroupName"])
    return list(tx.all(key.account, key.region, "sagemaker", PACKAGE, f"{key.name}/"))


def _listed(doc: dict[str, Any], request: Any) -> bool:
    """Without a group and a type the unversioned are meant, as the model says; a group has versions only."""
    kind = "Versioned" if "ModelPackageVersion" in doc else "Unversioned"
    wanted = request.get("ModelPackageType", "Versioned" if "ModelPackageGroupName" in request else "Unversioned")
    return (
        wanted in (kind, "Both")
        and request.get("NameContains", "").lower() in _name(doc).lower()
        and request.get("ModelApprovalStatus") in (None, doc.get("ModelApprovalStatus"))
        and pages.between(request, "CreationTimeAfter", "CreationTimeBefore", doc["CreationTime"])
    )


def _name(doc: dict[str, Any]) -> str:
    name: str = doc.get("ModelPackageName") or doc["ModelPackageGroupName"]
    return name
