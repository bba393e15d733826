"""What Search searches: for each kind of resource its documents, and what a result shows beside them.

Tags, metrics and parents are read for all documents at once where an expression asks for them, and for those of one
page otherwise.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from botocore.model import Shape

from skylab.kernel import points
from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.services.sagemaker.tracking import members
from skylab.services.sagemaker.tracking.components import measured
from skylab.services.sagemaker.tracking.entities import COMPONENT, TRIAL
from skylab.wire.errors import invalid
from skylab.wire.model import service_model

GROUP, PACKAGE = "model-package-group", "model-package"


@dataclass(frozen=True)
class Subject:
    """type: of the documents' keys. member: of the SearchRecord, which a result is under. name: what no other has."""

    type: str
    member: str
    name: str

    @property
    def shape(self) -> Shape:
        shape = service_model("sagemaker").shape_for("SearchRecord").members[self.member]
        return shape.members["Model"] if self.member == "Model" else shape

    def result(self, record: dict[str, Any]) -> dict[str, Any]:
        return {self.member: {"Model": record} if self.member == "Model" else record}


SUBJECTS = {
    "TrainingJob": Subject("training-job", "TrainingJob", "TrainingJobName"),
    "Experiment": Subject("experiment", "Experiment", "ExperimentName"),
    "ExperimentTrial": Subject(TRIAL, "Trial", "TrialName"),
    "ExperimentTrialComponent": Subject(COMPONENT, "TrialComponent", "TrialComponentName"),
    "Endpoint": Subject("endpoint", "Endpoint", "EndpointName"),
    "Model": Subject("model", "Model", "ModelName"),
    "ModelPackage": Subject(PACKAGE, "ModelPackage", "ModelPackageArn"),
    "ModelPackageGroup": Subject(GROUP, "ModelPackageGroup", "ModelPackageGroupName"),
    "ModelCard": Subject("model-card", "ModelCard", "ModelCardName"),
    "Pipeline": Subject("pipeline", "Pipeline", "PipelineName"),
    "PipelineExecution": Subject("pipeline-execution", "PipelineExecution", "PipelineExecutionArn"),
    "HyperParameterTuningJob": Subject(
        "hyper-parameter-tuning-job", "HyperParameterTuningJob", "HyperParameterTuningJobName"
    ),
}


def subject(resource: str) -> Subject:
    """Raises AwsError for what is not searched here."""
    if resource not in SUBJECTS:
        raise invalid(f"Search of the resource {resource} is not offered yet.")
    return SUBJECTS[resource]


class Beside:
    """What is looked up beside the documents of one search, each kind once at most."""

    def __init__(self, tx: Transaction, call: Call, subject: Subject) -> None:
        self.tx, self.call, self.subject = tx, call, subject

    @cached_property
    def summaries(self) -> dict[str, list[Any]]:
        return points.summaries(self.tx, self.call.account, self.call.region)

    @cached_property
    def trials(self) -> dict[str, list[str]]:
        return members.all_trials(self.tx, self.call.account, self.call.region)

    @cached_property
    def above(self) -> dict[str, dict[str, str]]:
        """By the name of a trial's key: its name as it was given, and its experiment's."""
        found = self.tx.all(self.call.account, self.call.region, "sagemaker", TRIAL)
        names = ("TrialName", "ExperimentName")
        return {doc["TrialName"].lower(): {name: doc[name] for name in names} for doc in found}

    @cached_property
    def group_tags(self) -> dict[str, dict[str, str]]:
        found = self.tx.all(self.call.account, self.call.region, "sagemaker", GROUP)
        return {doc["ModelPackageGroupName"]: doc["_"]["tags"] for doc in found}

    def tags(self, doc: Mapping[str, Any]) -> dict[str, str]:
        """A version of a model package has the tags of its group."""
        if self.subject.type == PACKAGE and "ModelPackageVersion" in doc:
            return self.group_tags.get(doc["ModelPackageGroupName"], {})
        tags: dict[str, str] = doc.get("_", {}).get("tags", {})
        return tags

    def metrics(self, doc: dict[str, Any]) -> list[dict[str, Any]]:
        if self.subject.type == COMPONENT:
            return measured(doc, self.summaries)
        return list(doc.get("FinalMetricDataList", []))

    def parents(self, doc: Mapping[str, Any]) -> list[dict[str, str]]:
        trials = self.trials.get(doc["TrialComponentName"].lower(), [])
        return [self.above[trial] for trial in trials]

    def source(self, doc: Mapping[str, Any]) -> dict[str, Any]:
        """The job that a component is about."""
        _, _, type_and_name = doc.get("Source", {}).get("SourceArn", "").rpartition(":")
        type, _, name = type_and_name.partition("/")
        kind = {"training-job": "TrainingJob", "processing-job": "ProcessingJob", "transform-job": "TransformJob"}
        job = self._job(type, name, doc) if type in kind else None
        return {"SourceArn": doc["Source"]["SourceArn"], kind[type]: self._tagged(job)} if job else {}

    def _job(self, type: str, name: str, doc: Mapping[str, Any]) -> dict[str, Any] | None:
        """A component made by itself is named after its job, whose letters an ARN has lost."""
        own = doc["TrialComponentName"].removesuffix(f"-aws-{type}")
        key = Key(self.call.account, self.call.region, "sagemaker", type, own if own.lower() == name else name)
        return self.tx.find(key)

    def record(self, doc: dict[str, Any]) -> dict[str, Any]:
        """A document as a result shows it."""
        record = self._tagged(doc)
        if self.subject.type == COMPONENT:
            record |= {"Metrics": self.metrics(doc), "Parents": self.parents(doc)}
            record |= {"SourceDetail": detail} if (detail := self.source(doc)) else {}
        if self.subject.type == TRIAL:
            record["TrialComponentSummaries"] = self._summaries(doc)
        return record

    def _tagged(self, doc: dict[str, Any]) -> dict[str, Any]:
        tags = self.tags(doc)
        return doc | {"Tags": [{"Key": name, "Value": tags[name]} for name in sorted(tags)]}

    def _summaries(self, trial: Mapping[str, Any]) -> list[dict[str, Any]]:
        key = Key(self.call.account, self.call.region, "sagemaker", TRIAL, trial["TrialName"].lower())
        found = (self.tx.find(component) for component in members.components(self.tx, key))
        return [
            doc | ({"TrialComponentSource": doc["Source"]} if "Source" in doc else {})
            for doc in found
            if doc is not None
        ]
