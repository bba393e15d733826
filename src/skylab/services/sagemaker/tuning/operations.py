"""Hyperparameter tuning jobs: their operations. The work behind them is work.py's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.services.sagemaker.common import arn_of, check_role, hold, listed, paged, tags
from skylab.services.sagemaker.training import operations as training
from skylab.services.sagemaker.tuning import limits, progress, search, trials, warmstart
from skylab.services.sagemaker.tuning.definitions import child_key, child_request, definitions, filled, searched
from skylab.services.sagemaker.tuning.ranges import Range
from skylab.wire.errors import AwsError, invalid

if TYPE_CHECKING:
    from skylab.shapes.sagemaker import *

TYPE = "hyper-parameter-tuning-job"
ENDED = ("Completed", "Failed", "Stopped")
PAGE = 10
VALUE = "FinalObjectiveMetricValue"
COLUMNS = {"Status": "TrainingJobStatus", "CreationTime": "CreationTime"}


def missing(key: Key) -> AwsError:
    return AwsError("ResourceNotFound", f"Amazon SageMaker can't find a tuning job with the name {key.name}.")


def exists(key: Key) -> AwsError:
    return AwsError(
        "ResourceInUse",
        "Hyperparameter tuning job names must be unique within an AWS account and region, and a hyperparameter tuning "
        f"job with this name already exists ({arn_of(key)})",
    )


class TuningJobs:
    def create_hyper_parameter_tuning_job(
        self, call: Call, request: CreateHyperParameterTuningJobRequest
    ) -> dict[str, Any]:
        limits.check_form(request)
        search.check_installed()
        key = call.key(TYPE, request["HyperParameterTuningJobName"])
        doc = _document(call, key, request)
        limits.check(doc)
        for definition in definitions(doc):
            _check_child(call, key, doc, definition)
        with call.writing() as tx:
            if "WarmStartConfig" in doc:
                doc |= _warm(tx, call, key, doc)
            tx.create(key, doc, call.now)
            tx.start("tuning", key, call.now, call.ids.new())
        return {"HyperParameterTuningJobArn": doc["HyperParameterTuningJobArn"]}

    async def describe_hyper_parameter_tuning_job(
        self, call: Call, request: DescribeHyperParameterTuningJobRequest
    ) -> dict[str, Any]:
        key = call.key(TYPE, request["HyperParameterTuningJobName"])
        doc = await hold(call, lambda tx: tx.get(key), lambda doc: doc["HyperParameterTuningJobStatus"] in ENDED)
        runtime = {"RuntimeInSeconds": int((call.now - doc["CreationTime"]).total_seconds())}
        return {"ConsumedResources": runtime} | doc

    def list_hyper_parameter_tuning_jobs(
        self, call: Call, request: ListHyperParameterTuningJobsRequest
    ) -> dict[str, Any]:
        wanted = {"SortBy": "Name", "MaxResults": PAGE} | dict(request)
        names = ("HyperParameterTuningJobSummaries", "HyperParameterTuningJobName", "HyperParameterTuningJobStatus")
        return listed(call, TYPE, wanted, *names, "Ascending")

    def list_training_jobs_for_hyper_parameter_tuning_job(
        self, call: Call, request: ListTrainingJobsForHyperParameterTuningJobRequest
    ) -> dict[str, Any]:
        key = call.key(TYPE, request["HyperParameterTuningJobName"])
        with call.reading() as tx:
            tx.get(key)
            every = [_current(tx, key, trial) for trial in trials.every(tx, key)]
        by = request.get("SortBy", "Name")
        every = [each for each in every if request.get("StatusEquals") in (None, each["TrainingJobStatus"])]
        if by == VALUE:
            every = [each for each in every if trials.value(each) is not None]
        wanted = {"MaxResults": PAGE} | dict(request)
        descending = request.get("SortOrder") == "Descending"
        column = COLUMNS.get(by, "TrainingJobName")
        value = trials.value if by == VALUE else lambda trial: trial[column]
        return paged(every, wanted, "TrainingJobSummaries", "TrainingJobName", value, descending)

    def stop_hyper_parameter_tuning_job(self, call: Call, request: StopHyperParameterTuningJobRequest) -> None:
        key = call.key(TYPE, request["HyperParameterTuningJobName"])
        with call.writing() as tx:
            doc = tx.get(key)
            if (status := doc["HyperParameterTuningJobStatus"]) != "InProgress":
                raise invalid(f"The request was rejected because the hyperparameter tuning job is in status {status}.")
            changed = {"HyperParameterTuningJobStatus": "Stopping", "LastModifiedTime": call.now}
            tx.put(key, doc | changed, call.now)
            tx.stop(key, call.now)

    def delete_hyper_parameter_tuning_job(self, call: Call, request: DeleteHyperParameterTuningJobRequest) -> None:
        """Its entry only: the training jobs stay, and what they made."""
        key = call.key(TYPE, request["HyperParameterTuningJobName"])
        with call.writing() as tx:
            if (status := tx.get(key)["HyperParameterTuningJobStatus"]) not in ENDED:
                raise invalid(f"The request was rejected because the hyperparameter tuning job is in status {status}.")
            trials.delete(tx, key)
            if tx.find(start := key._replace(type=warmstart.TYPE)):
                tx.delete(start)
            tx.delete(key)


def _current(tx: Transaction, key: Key, trial: dict[str, Any]) -> dict[str, Any]:
    if trial["TrainingJobStatus"] in ENDED:
        return trial
    return trials.followed(trial, tx.find(key._replace(type=training.TYPE, name=trial["TrainingJobName"])))


def _document(call: Call, key: Key, request: Any) -> dict[str, Any]:
    """What Describe shows of a job that was just made, with the service's defaults. Raises AwsError."""
    config = {"TrainingJobEarlyStoppingType": "Off"} | request["HyperParameterTuningJobConfig"]
    doc = {member: value for member, value in request.items() if member != "Tags"} | {
        "HyperParameterTuningJobArn": arn_of(key),
        "HyperParameterTuningJobStatus": "InProgress",
        "HyperParameterTuningJobConfig": config,
        "Strategy": config["Strategy"],
        "CreationTime": call.now,
        "LastModifiedTime": call.now,
        **progress.fresh(),
    }
    for each in definitions(request):
        check_role(call, each["RoleArn"])
    if several := request.get("TrainingJobDefinitions"):
        doc["TrainingJobDefinitions"] = [
            filled(each, each["TuningObjective"]["MetricName"], _assume(call, each)) for each in several
        ]
    else:
        metric = config["HyperParameterTuningJobObjective"]["MetricName"]
        one = request["TrainingJobDefinition"]
        doc["TrainingJobDefinition"] = filled(one, metric, _assume(call, one))
    every = definitions(doc)
    if config["Strategy"] == "Hyperband":
        resources = limits.max_resource(config, every)
        config["StrategyConfig"] = {"HyperbandStrategyConfig": resources}
    total = limits.total(config, [searched(doc, each) for each in every])
    config["ResourceLimits"] = config["ResourceLimits"] | {"MaxNumberOfTrainingJobs": total}
    doc["ResourceLimits"] = config["ResourceLimits"]
    return doc | {"_": {"tags": tags(request)} | progress.fresh_state(len(every), total)}


def _check_child(call: Call, key: Key, doc: dict[str, Any], definition: dict[str, Any]) -> None:
    """What anyone's training job is checked for, of the first that the definition makes. Raises AwsError."""
    child = child_key(key, doc, 1)
    ends = {each.name: _end(each) for each in searched(doc, definition)}
    training.checked(child, child_request(child, definition, ends, {}), _assume(call, definition), call.now)


def _assume(call: Call, definition: Any) -> training.Assume:
    return lambda service: call.assume(service, definition["RoleArn"])


def _end(range: Range) -> str:
    return range.values[0] if range.values else range.text(range.ends[0])


def _warm(tx: Transaction, call: Call, key: Key, doc: dict[str, Any]) -> dict[str, Any]:
    """Takes over what the parents know. Raises AwsError."""
    parents = warmstart.parents(tx, key, doc)
    tx.create(key._replace(type=warmstart.TYPE), warmstart.taken(tx, key, doc, parents), call.now)
    identical = doc["WarmStartConfig"]["WarmStartType"] == warmstart.IDENTICAL
    return warmstart.best(parents) if identical and progress.comparable(doc) else {}
