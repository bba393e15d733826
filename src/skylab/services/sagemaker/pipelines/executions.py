"""Executions of a pipeline: started, stopped, tried again, shown. What runs them is work.py's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skylab.kernel.journal import milliseconds
from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.services.sagemaker import people
from skylab.services.sagemaker.common import hold
from skylab.services.sagemaker.pipelines import names, pages, selective
from skylab.services.sagemaker.pipelines.language import definition, parameters
from skylab.services.sagemaker.pipelines.language.definition import Definition
from skylab.services.sagemaker.pipelines.language.evaluate import Scope, Unresolved
from skylab.services.sagemaker.pipelines.run import variables
from skylab.wire.errors import AwsError, invalid

if TYPE_CHECKING:
    from skylab.shapes.sagemaker import *

ENDED = {"Succeeded", "Failed", "Stopped", "CompletedWithFailures"}
AGAIN = {"Failed", "Stopped", "CompletedWithFailures"}
SET = ("PipelineExecutionDescription", "PipelineExecutionDisplayName", "ParallelismConfiguration")


class Executions:
    def start_pipeline_execution(self, call: Call, request: StartPipelineExecutionRequest) -> dict[str, Any]:
        if "RoleArn" in request:
            raise invalid("RoleArn cannot be specified: the executions of your pipelines use the pipeline's role.")
        if request.get("MlflowExperimentName"):
            raise invalid("MlflowExperimentName is not offered yet.")
        token = request["ClientRequestToken"]
        with call.reading() as tx:
            pipeline = names.find_pipeline(tx, call, request["PipelineName"])
            if (before := names.repeated(tx, call, pipeline["PipelineName"], "start", token)) is not None:
                return before
            version = names.find_version(tx, call, pipeline, request)
        read = definition.parse(version["PipelineDefinition"])
        given = [(each["Name"], each["Value"]) for each in request.get("PipelineParameters", [])]
        values = parameters.values(read.parameters, given)
        doc = _document(call, request, pipeline, version, read, values)
        with call.writing() as tx:
            if (before := names.repeated(tx, call, pipeline["PipelineName"], "start", token)) is not None:
                return before
            return _begin(tx, call, doc, read, token)

    def stop_pipeline_execution(self, call: Call, request: StopPipelineExecutionRequest) -> dict[str, Any]:
        arn = request["PipelineExecutionArn"]
        with call.writing() as tx:
            key, doc = names.find_execution(tx, call, arn)
            if doc["PipelineExecutionStatus"] != "Stopping":
                if (status := doc["PipelineExecutionStatus"]) != "Executing":
                    raise AwsError("ConflictException", f"Pipeline execution {arn} is in status {status}.")
                tx.update(key, call.now, PipelineExecutionStatus="Stopping", LastModifiedBy=people.context(call))
                tx.stop(key, call.now)
        return {"PipelineExecutionArn": doc["PipelineExecutionArn"]}

    def retry_pipeline_execution(self, call: Call, request: RetryPipelineExecutionRequest) -> dict[str, Any]:
        """What has succeeded stays; the rest is as if it had never run, but for its attempts."""
        arn, token = request["PipelineExecutionArn"], request["ClientRequestToken"]
        with call.writing() as tx:
            key, doc = names.find_execution(tx, call, arn)
            pipeline = doc["_"]["pipeline"]
            if (before := names.repeated(tx, call, pipeline, "retry", token)) is not None:
                return before
            if (status := doc["PipelineExecutionStatus"]) not in AGAIN:
                raise AwsError("ConflictException", f"Pipeline execution {arn} is in status {status}.")
            for step in list(tx.all(key.account, key.region, key.service, names.STEP, f"{key.name}/")):
                if step["StepStatus"] != "Succeeded":
                    doc["_"]["tried"][step["StepName"]] = step["AttemptCount"]
                    tx.delete(names.beside(key, names.STEP, step["StepName"]))
            doc |= {"ParallelismConfiguration": given} if (given := request.get("ParallelismConfiguration")) else {}
            doc |= {"PipelineExecutionStatus": "Executing", "LastModifiedTime": call.now}
            doc |= {"LastModifiedBy": people.context(call)}
            doc.pop("FailureReason", None)
            tx.put(key, doc, call.now)
            tx.start("pipeline", key, call.now, call.ids.new())
            return names.remember(tx, call, pipeline, "retry", token, {"PipelineExecutionArn": arn})

    def update_pipeline_execution(self, call: Call, request: UpdatePipelineExecutionRequest) -> dict[str, Any]:
        with call.writing() as tx:
            key, doc = names.find_execution(tx, call, request["PipelineExecutionArn"])
            changes: dict[str, Any] = {m: request[m] for m in SET if m in request}  # type: ignore[literal-required]
            tx.update(key, call.now, **changes, LastModifiedBy=people.context(call))
        return {"PipelineExecutionArn": doc["PipelineExecutionArn"]}

    async def describe_pipeline_execution(
        self, call: Call, request: DescribePipelineExecutionRequest
    ) -> dict[str, Any]:
        """Held: the SDKs look again only after 30 seconds."""
        return await hold(
            call,
            lambda tx: _named(tx, call, names.find_execution(tx, call, request["PipelineExecutionArn"])[1]),
            lambda doc: doc["PipelineExecutionStatus"] in ENDED,
        )

    def list_pipeline_executions(self, call: Call, request: ListPipelineExecutionsRequest) -> dict[str, Any]:
        with call.reading() as tx:
            pipeline = names.find_pipeline(tx, call, request["PipelineName"])
            prefix = f"{pipeline['PipelineName'].lower()}/"
            docs = list(tx.all(call.account, call.region, "sagemaker", names.EXECUTION, prefix))
            if alias := request.get("PipelineVersionAlias"):
                version = names.aliased(tx, call, pipeline["PipelineName"], alias)["PipelineVersionId"]
                docs = [doc for doc in docs if doc["PipelineVersionId"] == version]
            docs = [_named(tx, call, doc) for doc in docs]
        shown = [doc | {"StartTime": doc["CreationTime"]} | _failure(doc) for doc in docs]
        column = request.get("SortBy", "CreationTime")
        return pages.page(shown, request, "PipelineExecutionSummaries", column, "PipelineExecutionArn")


def _failure(doc: dict[str, Any]) -> dict[str, Any]:
    return {"PipelineExecutionFailureReason": doc["FailureReason"]} if "FailureReason" in doc else {}


def _named(tx: Transaction, call: Call, doc: dict[str, Any]) -> dict[str, Any]:
    """With the aliases that its version has now."""
    version = tx.find(names.version_key(call, doc["_"]["pipeline"], doc["PipelineVersionId"])) or {}
    aliases = version.get("PipelineVersionAliases")
    return doc | ({"PipelineVersionAliases": aliases} if aliases else {})


def _document(
    call: Call,
    request: Any,
    pipeline: dict[str, Any],
    version: dict[str, Any],
    read: Definition,
    values: dict[str, Any],
) -> dict[str, Any]:
    """Of an execution that was just started."""
    id, who = call.ids.new(), people.context(call)
    doc = {member: request[member] for member in (*SET, "SelectiveExecutionConfig") if member in request} | {
        "PipelineArn": pipeline["PipelineArn"],
        "PipelineExecutionArn": names.execution_arn(call, pipeline["PipelineName"], id),
        "PipelineExecutionStatus": "Executing",
        "PipelineVersionId": version["PipelineVersionId"],
        "CreationTime": call.now,
        "LastModifiedTime": call.now,
        "CreatedBy": who,
        "LastModifiedBy": who,
        "_": {
            "pipeline": pipeline["PipelineName"], "id": id, "role": pipeline["RoleArn"], "parameters": values,
            "tried": {},
        },
    }  # fmt: skip
    if experiment := _experiment(doc, read):
        doc["PipelineExperimentConfig"] = experiment
    doc.setdefault("PipelineExecutionDisplayName", f"execution-{milliseconds(call.now)}")
    if "ParallelismConfiguration" in pipeline:
        doc.setdefault("ParallelismConfiguration", pipeline["ParallelismConfiguration"])
    return doc


def _experiment(doc: dict[str, Any], read: Definition) -> dict[str, str]:
    """PipelineExperimentConfig with its values: it refers to parameters and to the execution only."""
    scope = Scope(read.known, doc["_"]["parameters"], variables(doc, doc["CreationTime"]), lambda step: {}, _nothing)
    return {member: str(scope.value(value)) for member, value in read.experiment.items() if value is not None}


def _nothing(bucket: str, key: str) -> bytes:
    raise Unresolved(f"s3://{bucket}/{key} is not read before the execution begins.")


def _begin(tx: Transaction, call: Call, doc: dict[str, Any], read: Definition, token: str) -> dict[str, Any]:
    """The execution, what it takes over of another, and the task that runs it."""
    key = call.key(names.EXECUTION, names.execution_name(doc["PipelineExecutionArn"]))
    if "SelectiveExecutionConfig" in doc:
        doc["_"]["selected"] = selective.take_over(tx, call, key, doc, read)
    name = doc["_"]["pipeline"]
    version = names.version_key(call, name, doc["PipelineVersionId"])
    tx.create(key, doc, call.now)
    tx.start("pipeline", key, call.now, call.ids.new())
    pipeline = call.key(names.PIPELINE, name)
    tx.put(pipeline, tx.get(pipeline) | {"LastRunTime": call.now}, call.now)
    tx.put(version, tx.get(version) | {"LastExecutionPipelineExecutionArn": doc["PipelineExecutionArn"]}, call.now)
    return names.remember(tx, call, name, "start", token, {"PipelineExecutionArn": doc["PipelineExecutionArn"]})
