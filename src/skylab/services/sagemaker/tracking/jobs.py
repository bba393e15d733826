"""Jobs become trial components: made with the job, completed with its end, in the very transactions of both.

    begun(tx, key, doc, now, by)    in the transaction that makes a training, processing or transform job
    record(tx, key, doc, now)       in each that changes its status; the one that ends it writes its metrics, once

So neither is there without the other, whatever kills the cloud. A component that its owner deleted stays deleted.
https://docs.aws.amazon.com/sagemaker/latest/dg/lineage-tracking-auto-creation.html
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from skylab.kernel import points
from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.services.sagemaker.tracking import entities, groups, members
from skylab.services.sagemaker.tracking.automatic import artifact, link
from skylab.services.sagemaker.tracking.entities import COMPONENT, EXPERIMENT, TRIAL
from skylab.services.sagemaker.tracking.facts import KINDS, Facts
from skylab.wire.errors import invalid

ENDED = ("Completed", "Failed", "Stopped")


def begun(tx: Transaction, key: Key, doc: Mapping[str, Any], now: datetime, by: Any) -> None:
    """by: who made it, as people.context() says it. Raises AwsError for an ExperimentConfig whose experiment, trial or
    run is not there."""
    source, read = KINDS[key.type]
    facts, config, place = read(doc), doc.get("ExperimentConfig", {}), _place(key, doc)
    known = tx.find(place)
    if known is None:
        if "RunName" in config:
            raise entities.missing(place)
        known = _component(tx, place, f"{key.name}-aws-{key.type}", config, now, by)
    tx.put(place, _attached(tx, place, known, facts.arn, source), now)
    _join(tx, place, config, now, by)
    record(tx, key, doc, now)


def record(tx: Transaction, key: Key, doc: Mapping[str, Any], now: datetime) -> None:
    if key.type not in KINDS:
        return
    place = _place(key, doc)
    facts = KINDS[key.type][1](doc)
    known = tx.find(place)
    if known is None or facts.arn not in known["_"].get("jobs", {}):
        return
    run = "RunName" in doc.get("ExperimentConfig", {})
    tx.put(place, _filled(tx, place, known, facts, run) | {"LastModifiedTime": now}, now)
    arn, who = entities.arn(place), known.get("CreatedBy") or {}
    for uri, type in facts.sources:
        link(tx, place, artifact(tx, place, uri, type, now, who), arn, "ContributedTo", now, who)
    for uri, type in facts.products:
        link(tx, place, arn, artifact(tx, place, uri, type, now, who), "Produced", now, who)


def _place(key: Key, doc: Mapping[str, Any]) -> Key:
    """The component of a job: its own, or that of the run which it belongs to."""
    name = doc.get("ExperimentConfig", {}).get("RunName", f"{key.name}-aws-{key.type}")
    return key._replace(type=COMPONENT, name=name.lower())


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
    others = [each for each in known.get("Sources", []) if each["SourceArn"] != arn]
    return known | {"Source": one, "Sources": [*others, one], "_": private}


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
