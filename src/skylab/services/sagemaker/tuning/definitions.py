"""A tuning job's definitions of training jobs: how they are filled in, and the training job that each makes."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from typing import Any

from skylab.kernel.key import Key
from skylab.services.sagemaker.common import arn_of
from skylab.services.sagemaker.jobs.custom import puller
from skylab.services.sagemaker.jobs.runtimes import resolve
from skylab.services.sagemaker.tuning.ranges import Range, parse
from skylab.services.sagemaker.tuning.search import Search, derived
from skylab.wire.errors import invalid

OBJECTIVE = "_tuning_objective_metric"
DAY = 86400
SAME = (
    *("RoleArn", "InputDataConfig", "VpcConfig", "OutputDataConfig", "ResourceConfig", "StoppingCondition"),
    *("EnableNetworkIsolation", "EnableInterContainerTrafficEncryption", "EnableManagedSpotTraining"),
    *("CheckpointConfig", "RetryStrategy", "Environment", "AlgorithmSpecification"),
)


def definitions(doc: dict[str, Any]) -> list[dict[str, Any]]:
    one = doc.get("TrainingJobDefinition")
    return [one] if one else doc["TrainingJobDefinitions"]


def objective(doc: dict[str, Any], definition: dict[str, Any]) -> dict[str, Any]:
    """Type and MetricName."""
    found: dict[str, Any] = (
        definition.get("TuningObjective") or doc["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]
    )
    return found


def searched(doc: dict[str, Any], definition: dict[str, Any]) -> list[Range]:
    config = doc["HyperParameterTuningJobConfig"]
    return parse(definition.get("HyperParameterRanges") or config.get("ParameterRanges", {}))


def search(doc: dict[str, Any], definition: dict[str, Any]) -> Search:
    """Without a RandomSeed every job has one of its own."""
    config = doc["HyperParameterTuningJobConfig"]
    seed = config.get("RandomSeed", f"{doc['HyperParameterTuningJobArn']} {doc['CreationTime'].timestamp()}")
    type = objective(doc, definition)["Type"]
    own = derived(f"{seed}/{definition.get('DefinitionName', '')}")
    return Search(config["Strategy"], type, own, searched(doc, definition))


def filled(definition: dict[str, Any], metric: str, assume: Callable[[str], Any]) -> dict[str, Any]:
    """With the service's defaults, which SDKs look up. assume: as for a training job. Raises AwsError."""
    algorithm = definition["AlgorithmSpecification"]
    if "TrainingImage" not in algorithm:
        raise invalid("AlgorithmSpecification.TrainingImage is required: algorithms by name are not supported here.")
    fixed = definition.get("StaticHyperParameters", {})
    script = {"sagemaker_program", "SAGEMAKER_PROGRAM"} & {*fixed, *definition.get("Environment", {})}
    metrics = algorithm.get("MetricDefinitions") or ([] if script else _implicit(algorithm["TrainingImage"], assume))
    doc: dict[str, Any] = {f"Enable{member}": False for member in ("NetworkIsolation", "ManagedSpotTraining")}
    doc["EnableInterContainerTrafficEncryption"] = False
    doc |= definition | {
        "StaticHyperParameters": {OBJECTIVE: metric} | fixed,
        "AlgorithmSpecification": algorithm | {"MetricDefinitions": metrics},
        "OutputDataConfig": {"KmsKeyId": ""} | definition["OutputDataConfig"],
        "ResourceConfig": _resources(definition),
        "StoppingCondition": {"MaxRuntimeInSeconds": DAY} | definition["StoppingCondition"],
    }
    if "CheckpointConfig" in doc:
        doc["CheckpointConfig"] = {"LocalPath": "/opt/ml/checkpoints"} | doc["CheckpointConfig"]
    return doc


def _implicit(image: str, assume: Callable[[str], Any]) -> list[dict[str, str]]:
    return resolve(image, puller(lambda: assume("ecr"))).metrics


def _resources(definition: dict[str, Any]) -> dict[str, Any]:
    """Of several InstanceConfigs the first: there is always capacity for it here."""
    one, flexible = definition.get("ResourceConfig"), definition.get("HyperParameterTuningResourceConfig")
    if bool(one) == bool(flexible):
        raise invalid("Specify one of ResourceConfig and HyperParameterTuningResourceConfig for each training job.")
    if one:
        return one
    assert flexible
    alone = {"InstanceType", "InstanceCount", "VolumeSizeInGB"} & set(flexible)
    if ("InstanceConfigs" in flexible) == bool(alone):
        raise invalid(
            "HyperParameterTuningResourceConfig needs either InstanceConfigs, or InstanceType, InstanceCount and "
            "VolumeSizeInGB."
        )
    chosen = flexible["InstanceConfigs"][0] if "InstanceConfigs" in flexible else flexible
    members = ("InstanceType", "InstanceCount", "VolumeSizeInGB")
    resources = {member: chosen[member] for member in members if member in chosen}
    return resources | {member: flexible[member] for member in ("VolumeKmsKeyId",) if member in flexible}


def child_key(tuning: Key, doc: dict[str, Any], number: int) -> Key:
    """<tuning>-001-<hash>: the same for the same number, so that none is made twice."""
    digest = sha256(f"{arn_of(tuning)} {doc['CreationTime'].timestamp()} {number}".encode()).hexdigest()
    return tuning._replace(type="training-job", name=f"{tuning.name}-{number:03d}-{digest[:8]}")


def child_request(child: Key, definition: dict[str, Any], tuned: dict[str, str], tags: dict[str, str]) -> Any:
    """As CreateTrainingJob takes it. Every training job has checkpoints of its own, below its name."""
    request = {member: definition[member] for member in SAME if member in definition}
    if "CheckpointConfig" in request:
        kept = request["CheckpointConfig"]
        request["CheckpointConfig"] = kept | {"S3Uri": f"{kept['S3Uri'].rstrip('/')}/{child.name}"}
    return request | {
        "TrainingJobName": child.name,
        "HyperParameters": definition["StaticHyperParameters"] | tuned,
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }
