"""Steps that need not run: the last run of the same step of the same pipeline with the same attributes stands for it.

https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-caching.html
https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-default-keys.html
"""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.services.sagemaker.pipelines import names, records

if TYPE_CHECKING:
    from skylab.services.sagemaker.pipelines.language.steps import Step

ATTRIBUTES = {
    "Processing": ("AppSpecification", "Environment", "ProcessingInputs"),
    "Training": (
        "AlgorithmSpecification", "CheckpointConfig", "DebugHookConfig", "DebugRuleConfigurations", "Environment",
        "HyperParameters", "InputDataConfig",
    ),
    "Tuning": ("HyperParameterTuningJobConfig", "TrainingJobDefinition", "TrainingJobDefinitions"),
    "Transform": ("DataProcessing", "Environment", "ModelName", "TransformInput"),
}  # fmt: skip
DEFINITION = (
    "AlgorithmSpecification", "HyperParameterRanges", "InputDataConfig", "StaticHyperParameters", "TuningObjective",
)  # fmt: skip


def signature(step: Step, arguments: dict[str, Any]) -> str:
    """Of what counts; empty for a type of step that is never reused."""
    if step.type not in ATTRIBUTES:
        return ""
    counted = {name: arguments[name] for name in ATTRIBUTES[step.type] if name in arguments}
    if "TrainingJobDefinition" in counted:
        given = counted["TrainingJobDefinition"]
        counted["TrainingJobDefinition"] = {name: given[name] for name in DEFINITION if name in given}
    text = json.dumps([step.type, counted], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _key(execution: Key, pipeline: str, step: str, signature: str) -> Key:
    return execution._replace(type=names.CACHE, name=f"{pipeline}/{step}/{signature}")


def remember(tx: Transaction, execution: Key, run: dict[str, Any], doc: dict[str, Any], now: datetime) -> None:
    """A step that has just succeeded of itself, whether it was asked to be cached or not."""
    key = _key(execution, run["_"]["pipeline"], doc["StepName"], doc["_"]["signature"])
    last = {"execution": execution.name, "arn": run["PipelineExecutionArn"], "ended": now}
    tx.put(key, last, now) if tx.find(key) else tx.create(key, last, now)


def reuse(tx: Transaction, execution: Key, run: dict[str, Any], step: Step, doc: dict[str, Any], now: datetime) -> bool:
    """Whether the step has succeeded by an earlier run of it; then that is written down."""
    if step.lifetime is None:
        return False
    last = tx.find(_key(execution, run["_"]["pipeline"], step.name, doc["_"]["signature"]))
    if last is None or now - last["ended"] > step.lifetime:
        return False
    source = execution._replace(name=last["execution"])
    before = tx.find(names.beside(source, names.STEP, step.name))
    shown = tx.find(names.beside(source, names.PROPERTIES, step.name))
    if before is None or shown is None or before["StepStatus"] != "Succeeded":
        return False
    doc |= {"Metadata": before["Metadata"], "CacheHitResult": {"SourcePipelineExecutionArn": last["arn"]}}
    records.succeed(tx, execution, doc, shown["shown"], now)
    return True
