"""What a model package says of a model: from the request, from a model or from another package that it is made of."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skylab.services.call import Call
from skylab.services.sagemaker import records
from skylab.services.sagemaker.registry import names, sealing
from skylab.services.sagemaker.registry.names import PACKAGE
from skylab.services.sagemaker.registry.schema import check_content, sanitized
from skylab.wire.errors import invalid

MOST_SPECIFICATIONS = 15
NOT_YET = ("ValidationSpecification", "SourceAlgorithmSpecification", "CertifyForMarketplace", "ManagedStorageType")
CLONED = (
    "InferenceSpecification",
    "AdditionalInferenceSpecifications",
    "ModelMetrics",
    "DriftCheckBaselines",
    "Domain",
    "Task",
    "SamplePayloadUrl",
    "CustomerMetadataProperties",
    "MetadataProperties",
    "ModelPackageDescription",
)
NO_DOCUMENT = ("Tags", "ClientToken", "ModelPackageName", "ModelPackageGroupName", "ModelCard")
UPDATED = ("ModelPackageRegistrationType", "InferenceSpecification", "SourceUri", "ModelLifeCycle")


def check(request: Mapping[str, Any]) -> None:
    """Raises AwsError."""
    records.refuse(request, NOT_YET)
    if "ModelPackageGroupName" in request and "ModelPackageName" in request:
        raise invalid("Both ModelPackageName and ModelPackageGroupName are given: a versioned model has no name.")
    if "SourceUri" in request and "InferenceSpecification" in request:
        raise invalid("Both SourceUri and InferenceSpecification are given: one of them is enough.")
    logged = request.get("ModelPackageRegistrationType") == "Logged"
    if not logged and "SourceUri" not in request and "InferenceSpecification" not in request:
        raise invalid("InferenceSpecification must be given.")
    _check_specifications(request.get("AdditionalInferenceSpecifications", []))
    for container in request.get("InferenceSpecification", {}).get("Containers", []):
        records.refuse(container, ("ProductId",))


def made(call: Call, request: Mapping[str, Any], arn: str) -> dict[str, Any]:
    """The parts of a new document that are the request's. Raises AwsError."""
    doc: dict[str, Any] = {"_": {"tags": {}}} | _source(call, request)
    doc |= {member: value for member, value in request.items() if member not in NO_DOCUMENT}
    doc |= {"ModelPackageStatus": "Completed", "CertifyForMarketplace": False}  # there is nothing to be validated
    doc["ModelPackageStatusDetails"] = {"ValidationStatuses": [], "ImageScanStatuses": []}
    doc["_"] |= card(call, request, doc | {"ModelPackageArn": arn})
    return doc


def _source(call: Call, request: Mapping[str, Any]) -> dict[str, Any]:
    """What a package or a model that the SourceUri names has to say; any other URI is only kept."""
    uri = request.get("SourceUri", "")
    found = names.ARN.fullmatch(uri)
    if found and found["type"] == PACKAGE:
        with call.reading() as tx:
            _, source = names.find(tx, call, PACKAGE, uri)
        return {member: source[member] for member in CLONED if member in source}
    if found and found["type"] == "model":
        with call.reading() as tx:
            _, model = names.find(tx, call, "model", uri)
        containers = model.get("Containers") or [model["PrimaryContainer"]]
        kept = ("ContainerHostname", "Image", "ModelDataUrl", "ModelDataSource", "Environment")
        return {
            "InferenceSpecification": {"Containers": [{m: c[m] for m in kept if m in c} for c in containers]},
        }
    return {}


def card(call: Call, request: Mapping[str, Any], doc: Mapping[str, Any]) -> dict[str, Any]:
    """The private members that keep the request's model card, sealed under the package's key if it has one."""
    given = request.get("ModelCard")
    if not given:
        return {}
    kept = {"card": {"status": given.get("ModelCardStatus", doc.get("_", {}).get("card", {}).get("status", "Draft"))}}
    if "ModelCardContent" not in given:
        return {"card": doc.get("_", {}).get("card", {}) | kept["card"]}
    if doc.get("_", {}).get("card", {}).get("status") == "Archived":
        raise invalid("Model Card is in Archived state.")
    content = check_content(given["ModelCardContent"], of_package=True)
    kept["card"] |= sealing.kept(call, given["ModelCardContent"], doc.get("SecurityConfig", {}).get("KmsKeyId"))
    kept["card"]["plain"] = sanitized(content)
    return kept


def shown(call: Call, doc: dict[str, Any], included: str) -> dict[str, Any]:
    """The document with its model card. Raises AwsError where the caller may not decrypt it."""
    kept = doc["_"].get("card")
    if not kept:
        return doc
    content = {}
    if "plain" in kept:
        content["ModelCardContent"] = kept["plain"] if included == "MetadataOnly" else sealing.opened(call, kept)
    return doc | {"ModelCard": {"ModelCardStatus": kept["status"]} | content}


def updated(doc: dict[str, Any], request: Mapping[str, Any], card: dict[str, Any]) -> dict[str, Any]:
    """Raises AwsError."""
    doc = doc | {member: request[member] for member in UPDATED if member in request}
    properties = doc.get("CustomerMetadataProperties", {}) | request.get("CustomerMetadataProperties", {})
    for name in request.get("CustomerMetadataPropertiesToRemove", []):
        properties.pop(name, None)
    if properties or "CustomerMetadataProperties" in doc:
        doc["CustomerMetadataProperties"] = properties
    if more := request.get("AdditionalInferenceSpecificationsToAdd"):
        doc["AdditionalInferenceSpecifications"] = [*doc.get("AdditionalInferenceSpecifications", []), *more]
        _check_specifications(doc["AdditionalInferenceSpecifications"])
    doc["_"] = doc["_"] | card
    return doc


def _check_specifications(given: list[Any]) -> None:
    found = [each["Name"] for each in given]
    if len(found) > MOST_SPECIFICATIONS:
        raise invalid(f"Total number of additional Inference Specifications can not exceed {MOST_SPECIFICATIONS}.")
    if len(set(found)) < len(found):
        raise invalid("The names of additional inference specifications must be unique.")
