"""What is tracked by itself: jobs become trial components; they, packages and endpoints are linked in lineage.

Each function takes part in the transaction that changes what it is about, so that neither is there without the other,
whatever kills the cloud; and each may be called again with a newer document, which is how a component follows its job.

    record(tx, key, doc, now)        a training, processing or transform job: when it is made, when its status changes
    registered(tx, key, doc, now)    a model package: data and image -> package -> its group
    approved(tx, key, doc, now, …)   a change of its approval
    deployed(tx, key, config, now)   an endpoint: models -> deployment -> endpoint

https://docs.aws.amazon.com/sagemaker/latest/dg/lineage-tracking-auto-creation.html
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime
from hashlib import sha256
from typing import Any

from skylab.kernel import points
from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.services.sagemaker.tracking import edges, entities, groups, members
from skylab.services.sagemaker.tracking.artifacts import identity
from skylab.services.sagemaker.tracking.entities import ACTION, ARTIFACT, COMPONENT, CONTEXT, EXPERIMENT, TRIAL
from skylab.services.sagemaker.tracking.facts import KINDS, Facts
from skylab.wire.errors import invalid

ENDED = ("Completed", "Failed", "Stopped")


def record(tx: Transaction, key: Key, doc: Mapping[str, Any], now: datetime, by: Any = None) -> None:
    """Raises AwsError for an ExperimentConfig whose experiment, trial or run is not there. by: who made the job."""
    source, read = KINDS[key.type]
    facts, config = read(doc), doc.get("ExperimentConfig", {})
    place = key._replace(type=COMPONENT, name=config.get("RunName", f"{key.name}-aws-{key.type}").lower())
    known = tx.find(place)
    if known is None:
        if "RunName" in config:
            raise entities.missing(place)
        known = _component(tx, place, f"{key.name}-aws-{key.type}", config, now, by)
    if facts.arn not in known["_"].get("jobs", {}):
        known = _attached(tx, place, known, facts.arn, source)
        _join(tx, place, config, now, by)
    tx.put(place, _filled(tx, place, known, facts, "RunName" in config) | {"LastModifiedTime": now}, now)
    arn, who = entities.arn(place), known.get("CreatedBy") or {}
    for uri, type in facts.sources:
        link(tx, place, artifact(tx, place, uri, type, now, who), arn, "ContributedTo", now, who)
    for uri, type in facts.products:
        link(tx, place, arn, artifact(tx, place, uri, type, now, who), "Produced", now, who)


def _component(tx: Transaction, place: Key, name: str, config: Mapping[str, Any], now: datetime, by: Any) -> Any:
    display = config.get("TrialComponentDisplayName", name)
    doc: dict[str, Any] = {"TrialComponentName": name, "TrialComponentArn": entities.arn(place), "DisplayName": display}
    doc |= {"CreationTime": now, "LastModifiedTime": now, "LineageGroupArn": groups.of(tx, place, now)}
    doc |= {"_": {"tags": {}}} | ({"CreatedBy": by} if by else {})
    tx.create(place, doc, now)
    return doc


def _attached(tx: Transaction, place: Key, known: dict[str, Any], arn: str, source: str) -> dict[str, Any]:
    """The component says which job it is about; a run may be about several, of which Source is the last."""
    one = {"SourceArn": arn, "SourceType": source}
    members.about(tx, place, arn)
    private = known["_"] | {"jobs": known["_"].get("jobs", {}) | {arn: ""}}
    return known | {"Source": one, "Sources": [*known.get("Sources", []), one], "_": private}


def _join(tx: Transaction, component: Key, config: Mapping[str, Any], now: datetime, by: Any) -> None:
    """Into the trial of the ExperimentConfig; a trial of its own where only an experiment is named."""
    if not config.get("ExperimentName") and not config.get("TrialName"):
        return
    experiment = None
    if config.get("ExperimentName"):
        experiment = component._replace(type=EXPERIMENT, name=config["ExperimentName"].lower())
        found = entities.find(tx, experiment)
    if config.get("TrialName"):
        trial = component._replace(type=TRIAL, name=config["TrialName"].lower())
        owner = entities.find(tx, trial)["ExperimentName"]
        if experiment and owner.lower() != experiment.name:
            raise invalid(f"Trial {trial.name} belongs to the experiment {owner}, not to {experiment.name}.")
    else:
        trial = component._replace(type=TRIAL)
        if tx.find(trial) is None:
            doc: dict[str, Any] = {"TrialName": trial.name, "TrialArn": entities.arn(trial), "DisplayName": trial.name}
            doc |= {"ExperimentName": found["ExperimentName"], "CreationTime": now, "LastModifiedTime": now}
            tx.create(trial, doc | {"_": {"tags": {}}} | ({"CreatedBy": by} if by else {}), now)
    members.join(tx, trial, component)


def _filled(tx: Transaction, place: Key, known: dict[str, Any], facts: Facts, run: bool) -> dict[str, Any]:
    """What the job has come to by now. A run has its times and its status of who runs it. Metrics are written once."""
    doc = known | {
        "Parameters": known.get("Parameters", {}) | facts.parameters,
        "InputArtifacts": known.get("InputArtifacts", {}) | _shown(facts.inputs),
        "OutputArtifacts": known.get("OutputArtifacts", {}) | _shown(facts.outputs),
    }
    if not run:
        doc["Status"] = {"PrimaryStatus": facts.status, "Message": facts.message}
        doc |= {"StartTime": facts.started} if facts.started else {}
        doc |= {"EndTime": facts.ended} if facts.ended else {}
    before = known["_"]["jobs"][facts.arn]
    if facts.status in ENDED and before not in ENDED:
        for name, value, time in facts.metrics:
            point = points.Point(round(time.timestamp() * 1000), points.STEPLESS, value)
            points.add(tx, points.Owner(*place[:2], place.name), name, point)
    return doc | {"_": known["_"] | {"jobs": known["_"]["jobs"] | {facts.arn: facts.status}}}


def _shown(uris: Mapping[str, tuple[str, str]]) -> dict[str, dict[str, str]]:
    return {name: ({"MediaType": media} if media else {}) | {"Value": uri} for name, (uri, media) in uris.items()}


# -- lineage


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


def deployed(tx: Transaction, key: Key, config: str, now: datetime, by: Any = None) -> None:
    """An endpoint and the models of the configuration that it is to have from now on."""
    arn = f"arn:aws:sagemaker:{key.region}:{key.account}:endpoint/{key.name.lower()}"
    context = _context(tx, key, f"{key.name}-aws-endpoint", arn, "Endpoint", now, by)
    name = f"{key.name}-{sha256(config.encode()).hexdigest()[:8]}-aws-deployment"
    place = key._replace(type=ACTION, name=name.lower())
    if tx.find(place) is None:
        source = {"SourceUri": arn, "SourceType": "ARN"}
        members = {"ActionName": name, "ActionType": "ModelDeployment", "Status": "Completed", "Source": source}
        _make(tx, place, members | {"Properties": {"EndpointConfigName": config}}, now, by)
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
