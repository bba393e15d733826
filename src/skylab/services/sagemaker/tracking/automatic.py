"""What is tracked by itself of packages and endpoints: they are linked in lineage with what they were made of.

Each function takes part in the transaction that changes what it is about, so that neither is there without the other,
whatever kills the cloud; and what is there already is left as it is.

    registered(tx, key, doc, now)    a model package: data and image -> package -> its group
    approved(tx, key, doc, now, …)   a change of its approval
    deployed(tx, key, config, …)     an endpoint: models -> deployment -> endpoint

Jobs are jobs.py's. https://docs.aws.amazon.com/sagemaker/latest/dg/lineage-tracking-auto-creation.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.services.sagemaker.tracking import edges, entities, groups
from skylab.services.sagemaker.tracking.artifacts import identity
from skylab.services.sagemaker.tracking.entities import ACTION, ARTIFACT, CONTEXT


def artifact(tx: Transaction, near: Key, uri: str, type: str, now: datetime, by: Any) -> str:
    """The ARN of the artifact with this URI, which is made where there is none yet."""
    source = {"SourceUri": uri, "SourceTypes": []}
    place = near._replace(type=ARTIFACT, name=identity(source))
    if tx.find(place) is None:
        _make(tx, place, {"Source": {"SourceUri": uri}, "ArtifactType": type}, now, by)
    return entities.arn(place)


def _make(tx: Transaction, place: Key, members: Mapping[str, Any], now: datetime, by: Any) -> None:
    doc = {f"{entities.WORDS[place.type]}Arn": entities.arn(place), "LineageGroupArn": groups.of(tx, place, now)}
    times = {"CreationTime": now, "LastModifiedTime": now, "_": {"tags": {}}} | ({"CreatedBy": by} if by else {})
    tx.create(place, doc | times | dict(members), now)


def link(tx: Transaction, near: Key, source: str, destination: str, type: str, now: datetime, by: Any) -> None:
    edges.add(tx, (near.account, near.region), source, destination, type, now, by or {})


def registered(tx: Transaction, key: Key, doc: Mapping[str, Any], now: datetime) -> str:
    """The ARN of the package's artifact."""
    by = doc.get("CreatedBy")
    package = artifact(tx, key, doc["ModelPackageArn"], "ModelPackage", now, by)
    for container in doc.get("InferenceSpecification", {}).get("Containers", []):
        for uri, type in _parts(container):
            link(tx, key, artifact(tx, key, uri, type, now, by), package, "ContributedTo", now, by)
    if "ModelPackageGroupName" in doc:
        arn = doc["ModelPackageArn"].rpartition("/")[0].replace(":model-package/", ":model-package-group/")
        group = _context(tx, key, f"{doc['ModelPackageGroupName']}-aws-model-group", arn, "ModelGroup", now, by)
        link(tx, key, package, group, "AssociatedWith", now, by)
    return package


def _parts(container: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    data = container.get("ModelDataUrl") or container.get("ModelDataSource", {}).get("S3DataSource", {}).get("S3Uri")
    found = ((data, "Model"), (container.get("Image"), "Image"))
    return [(uri, type) for uri, type in found if uri]


def _context(tx: Transaction, near: Key, name: str, uri: str, type: str, now: datetime, by: Any) -> str:
    place = near._replace(type=CONTEXT, name=name.lower())
    if tx.find(place) is None:
        source = {"SourceUri": uri, "SourceType": "ARN"}
        _make(tx, place, {"ContextName": name, "Source": source, "ContextType": type}, now, by)
    return entities.arn(place)


def approved(tx: Transaction, key: Key, doc: Mapping[str, Any], now: datetime, by: Any, number: int) -> None:
    """One action for each change of a version's approval: who, when and why. number: of the change."""
    name = f"{key.name.replace('/', '-')}-aws-approval-{number}"
    place = key._replace(type=ACTION, name=name.lower())
    source = {"SourceUri": doc["ModelPackageArn"], "SourceType": "ARN"}
    members = {"ActionName": name, "ActionType": "Approval", "Status": "Completed", "Source": source}
    members |= {"Properties": {"ModelApprovalStatus": doc["ModelApprovalStatus"]}}
    if doc.get("ApprovalDescription"):
        members["Description"] = doc["ApprovalDescription"]
    _make(tx, place, members, now, by)
    package = artifact(tx, key, doc["ModelPackageArn"], "ModelPackage", now, doc.get("CreatedBy"))
    link(tx, key, package, entities.arn(place), "ContributedTo", now, by)


def deployed(tx: Transaction, key: Key, config: str, now: datetime, task: str, by: Any = None) -> None:
    """An endpoint and the models of the configuration that it is to have from now on. task: a new id."""
    arn = f"arn:aws:sagemaker:{key.region}:{key.account}:endpoint/{key.name.lower()}"
    context = _context(tx, key, f"{key.name}-aws-endpoint", arn, "Endpoint", now, by)
    name = f"{key.name}-{sha256(config.encode()).hexdigest()[:8]}-aws-deployment"
    place = key._replace(type=ACTION, name=name.lower())
    if tx.find(place) is None:
        source = {"SourceUri": arn, "SourceType": "ARN"}
        members = {"ActionName": name, "ActionType": "ModelDeployment", "Source": source}
        _make(tx, place, members | {"Properties": {"EndpointConfigName": config}}, now, by)
    tx.put(place, tx.get(place) | {"Status": "InProgress", "LastModifiedTime": now}, now)
    tx.start("deployment", place, now, task, endpoint=key.name, config=config)
    link(tx, key, entities.arn(place), context, "AssociatedWith", now, by)
    for model in _models(tx, key, config):
        link(tx, key, _model(tx, key, model, now, by), entities.arn(place), "ContributedTo", now, by)


def _models(tx: Transaction, near: Key, config: str) -> list[dict[str, Any]]:
    found = tx.find(near._replace(type="endpoint-config", name=config)) or {}
    variants = [*found.get("ProductionVariants", []), *found.get("ShadowProductionVariants", [])]
    names = dict.fromkeys(variant["ModelName"] for variant in variants if "ModelName" in variant)
    return [model for name in names if (model := tx.find(near._replace(type="model", name=name)))]


def _model(tx: Transaction, near: Key, model: Mapping[str, Any], now: datetime, by: Any) -> str:
    """The ARN of a model's artifact, with all that it is made of before it."""
    made = artifact(tx, near, model["ModelArn"], "Model", now, by)
    primary = [model["PrimaryContainer"]] if model.get("PrimaryContainer") else []
    for container in [*primary, *model.get("Containers", [])]:
        for uri, type in _parts(container):
            link(tx, near, artifact(tx, near, uri, type, now, by), made, "ContributedTo", now, by)
        if given := container.get("ModelPackageName", "").lower():
            own = f"arn:aws:sagemaker:{near.region}:{near.account}:model-package/{given}"
            package = artifact(tx, near, given if given.startswith("arn:") else own, "ModelPackage", now, by)
            link(tx, near, package, made, "ContributedTo", now, by)
    return made
