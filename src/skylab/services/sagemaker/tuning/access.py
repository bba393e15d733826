"""What the operations of tuning jobs need. Each definition of training jobs is judged by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from skylab.services.access import Entry, Need, Parameters, Source, given
from skylab.services.call import Call
from skylab.services.sagemaker.needs import PRINCIPAL, create, instance_types, listing, named, on
from skylab.services.sagemaker.training.access import TRAINING

CREATE = "CreateHyperParameterTuningJob"
TYPE, NAME = "hyper-parameter-tuning-job", "HyperParameterTuningJobName"
MOST_DEFINITIONS = 10
KEYS = set(TRAINING) - {"sagemaker:EnableRemoteDebug", "sagemaker:KeepAlivePeriod"}


def definitions(parameters: Parameters) -> list[Any]:
    one = parameters.get("TrainingJobDefinition")
    return ([one] if one else []) + list(parameters.get("TrainingJobDefinitions") or [])


def _of(place: int, source: Source) -> Callable[[Call, Parameters], Any]:
    """What a source says of one definition, as if it were the request; None where there is none."""

    def found(call: Call, parameters: Parameters) -> Any:
        every = definitions(parameters)
        return given(source, call, every[place]) if place < len(every) else None

    return found


def _types(call: Call, definition: Parameters) -> list[str]:
    flexible = definition.get("HyperParameterTuningResourceConfig") or {}
    every = [flexible, *flexible.get("InstanceConfigs", [])]
    return [*instance_types(call, definition), *(each["InstanceType"] for each in every if "InstanceType" in each)]


def _volume_key(call: Call, definition: Parameters) -> Any:
    flexible = definition.get("HyperParameterTuningResourceConfig") or definition.get("ResourceConfig") or {}
    return flexible.get("VolumeKmsKeyId")


SOURCES: dict[str, Source] = {key: TRAINING[key] for key in KEYS} | {
    "sagemaker:InstanceTypes": _types,
    "sagemaker:VolumeKmsKey": _volume_key,
}


def _keys(place: int) -> dict[str, Source]:
    return {key: _of(place, source) for key, source in SOURCES.items()}


def _there(place: int) -> Callable[[Call, Parameters], bool]:
    return lambda call, parameters: place < len(definitions(parameters))


def _roles(call: Call, parameters: Parameters) -> list[str]:
    return [each["RoleArn"] for each in definitions(parameters)]


PASSED_TO: dict[str, Source] = {"iam:PassedToService": lambda call, parameters: PRINCIPAL}
PASS_ROLES = Need("iam:PassRole", _roles, PASSED_TO, when=_roles)
MORE = [
    Need(f"sagemaker:{CREATE}", named(TYPE, NAME), _keys(place), tags="Tags", when=_there(place))
    for place in range(1, MOST_DEFINITIONS)
]

ACCESS: dict[str, Entry] = {
    CREATE: create(CREATE, TYPE, NAME, _keys(0), *MORE, PASS_ROLES),
    "DescribeHyperParameterTuningJob": on("DescribeHyperParameterTuningJob", TYPE, NAME),
    "ListHyperParameterTuningJobs": listing("ListHyperParameterTuningJobs"),
    "ListTrainingJobsForHyperParameterTuningJob": on("ListTrainingJobsForHyperParameterTuningJob", TYPE, NAME),
    "StopHyperParameterTuningJob": on("StopHyperParameterTuningJob", TYPE, NAME),
    "DeleteHyperParameterTuningJob": on("DeleteHyperParameterTuningJob", TYPE, NAME),
}
