"""What AWS accepts of a tuning job, beyond what its shapes say.

Quotas: https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-limits.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skylab.services.sagemaker.records import refuse
from skylab.services.sagemaker.tuning.definitions import definitions, objective, searched
from skylab.services.sagemaker.tuning.ranges import Range, combinations
from skylab.wire.errors import AwsError, invalid

MOST_JOBS = {"Random": 10_000}  # others:
MOST = 750
MOST_PARALLEL, MOST_SEARCHED, MOST_METRICS, MOST_HYPERPARAMETERS = 100, 30, 20, 100
MOST_RESOURCE = 20_000
EPOCHS = ("epochs", "numepochs", "n-epochs", "n_epochs", "num_epochs")


def exceeded(what: str, most: int, given: int) -> AwsError:
    return AwsError(
        "ResourceLimitExceeded",
        f"The account-level service limit '{what}' is {most}, with a request of {given}. "
        "Please contact AWS support to request an increase for this limit.",
    )


def check_form(request: Mapping[str, Any]) -> None:
    """One definition with its objective and ranges in the configuration, or several with their own. Raises AwsError."""
    refuse(request, ("Autotune",))
    config, several = request["HyperParameterTuningJobConfig"], request.get("TrainingJobDefinitions", [])
    if bool(request.get("TrainingJobDefinition")) == bool(several):
        raise invalid("Specify one of TrainingJobDefinition and TrainingJobDefinitions.")
    own = ("TuningObjective", "HyperParameterRanges")
    shared = ("HyperParameterTuningJobObjective", "ParameterRanges")
    if several and (given := [member for member in shared if member in config]):
        raise invalid(f"{given[0]} belongs into each of the TrainingJobDefinitions, where there are several.")
    if not several and "HyperParameterTuningJobObjective" not in config:
        raise invalid("HyperParameterTuningJobConfig.HyperParameterTuningJobObjective is required.")
    for each in several:
        if lacking := [member for member in ("DefinitionName", *own) if member not in each]:
            raise invalid(f"Each of several TrainingJobDefinitions needs {', '.join(lacking)}.")
    if not several and (own_given := [member for member in own if member in request["TrainingJobDefinition"]]):
        raise invalid(f"{own_given[0]} is for TrainingJobDefinitions: of one it is in HyperParameterTuningJobConfig.")
    names = [each["DefinitionName"] for each in several]
    if len(set(names)) < len(names):
        raise invalid("The names of the training job definitions must be distinct.")
    _check_metrics([request["TrainingJobDefinition"]] if not several else several)
    for ranges in (config.get("ParameterRanges", {}), *(each.get("HyperParameterRanges", {}) for each in several)):
        refuse(ranges, ("AutoParameters",))


def _check_metrics(every: list[dict[str, Any]]) -> None:
    defined = {m["Name"] for each in every for m in each["AlgorithmSpecification"].get("MetricDefinitions", [])}
    if len(defined) > MOST_METRICS:
        raise exceeded("Number of metrics defined per hyperparameter tuning job", MOST_METRICS, len(defined))


def check(doc: dict[str, Any]) -> None:
    """Raises AwsError."""
    config = doc["HyperParameterTuningJobConfig"]
    for each in definitions(doc):
        _check_searched(each, searched(doc, each))
        _check_objective(each, objective(doc, each)["MetricName"])
    _check_jobs(config["Strategy"], config["ResourceLimits"])
    if config["Strategy"] == "Hyperband":
        _check_hyperband(config)
    elif config.get("StrategyConfig"):
        raise invalid("StrategyConfig is only supported for the Hyperband strategy.")


def _check_searched(definition: dict[str, Any], ranges: list[Range]) -> None:
    names = [each.name for each in ranges]
    static = set(definition["StaticHyperParameters"])
    if not names:
        raise invalid("At least one hyperparameter range must be specified.")
    if len(set(names)) < len(names):
        raise invalid("The names of the hyperparameter ranges must be distinct.")
    if both := sorted(static & set(names)):
        raise invalid(f"Hyperparameters cannot be both static and tunable: {', '.join(both)}")
    if len(names) > MOST_SEARCHED:
        raise exceeded("Number of hyperparameters that can be searched", MOST_SEARCHED, len(names))
    if len(static) + len(names) > MOST_HYPERPARAMETERS:
        raise exceeded("Number of hyperparameters", MOST_HYPERPARAMETERS, len(static) + len(names))


def _check_objective(definition: dict[str, Any], metric: str) -> None:
    known = [each["Name"] for each in definition["AlgorithmSpecification"]["MetricDefinitions"]]
    if metric not in known:
        raise invalid(
            f"The objective metric for the hyperparameter tuning job, [{metric}], isn't valid. "
            f"Choose one that is defined: [{', '.join(known)}]"
        )


def _check_jobs(strategy: str, limits: dict[str, Any]) -> None:
    most = MOST_JOBS.get(strategy, MOST)
    if (jobs := limits["MaxNumberOfTrainingJobs"]) > most:
        raise exceeded(f"[{strategy}] Number of training jobs per hyperparameter tuning job", most, jobs)
    if (parallel := limits["MaxParallelTrainingJobs"]) > MOST_PARALLEL:
        raise exceeded("Number of parallel training jobs per hyperparameter tuning job", MOST_PARALLEL, parallel)


def _check_hyperband(config: dict[str, Any]) -> None:
    if config["TrainingJobEarlyStoppingType"] != "Off":
        raise invalid("TrainingJobEarlyStoppingType must be Off to use the Hyperband strategy.")
    resources = config.get("StrategyConfig", {}).get("HyperbandStrategyConfig", {})
    if "MaxResource" not in resources:
        raise invalid(f"HyperbandStrategyConfig needs MaxResource, or one of the static {', '.join(EPOCHS)}.")
    if not resources.get("MinResource", 1) <= resources["MaxResource"] <= MOST_RESOURCE:
        raise invalid(f"HyperbandStrategyConfig: MinResource <= MaxResource <= {MOST_RESOURCE} must hold.")


def total(config: dict[str, Any], ranges: list[list[Range]]) -> int:
    """MaxNumberOfTrainingJobs, or what goes for it: of a grid its size, else the quota. Raises AwsError."""
    limits, strategy = config["ResourceLimits"], config["Strategy"]
    given: int | None = limits.get("MaxNumberOfTrainingJobs")
    if strategy != "Grid":
        return given or MOST_JOBS.get(strategy, MOST)
    if any(each.kind is not str for own in ranges for each in own):
        raise invalid("Grid search supports only categorical hyperparameters.")
    size = sum(combinations(each) for each in ranges)
    if given is not None and given != size:
        raise invalid(
            f"MaxNumberOfTrainingJobs of a grid search must be the number of its combinations, {size}, or be left out."
        )
    return size


def max_resource(config: dict[str, Any], every: list[dict[str, Any]]) -> dict[str, Any]:
    """The HyperbandStrategyConfig with what it leaves out: MaxResource as the static hyperparameters tell it."""
    resources = dict(config.get("StrategyConfig", {}).get("HyperbandStrategyConfig", {}))
    static = [each["StaticHyperParameters"] for each in every]
    numbers = [each[name].strip('"') for each in static for name in EPOCHS if name in each]
    if "MaxResource" not in resources and numbers and numbers[0].isdecimal():
        resources["MaxResource"] = int(numbers[0])
    return {"MinResource": 1} | resources
