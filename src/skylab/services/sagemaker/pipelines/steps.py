"""What an execution shows: its steps, parameters and definition; and the answers that its callbacks wait for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.services.sagemaker.pipelines import names, pages, records
from skylab.services.sagemaker.pipelines.language.parameters import text
from skylab.wire.errors import AwsError, invalid

if TYPE_CHECKING:
    from skylab.shapes.sagemaker import *

WAITING = ("Executing", "Stopping")


class Steps:
    def list_pipeline_execution_steps(self, call: Call, request: ListPipelineExecutionStepsRequest) -> dict[str, Any]:
        """Only those that have begun, the newest first."""
        if "PipelineExecutionArn" not in request:
            raise invalid("PipelineExecutionArn is required.")
        with call.reading() as tx:
            key, _ = names.find_execution(tx, call, request["PipelineExecutionArn"])
            docs = list(tx.all(key.account, key.region, key.service, names.STEP, f"{key.name}/"))
        shown = [doc | {"n": doc["_"]["n"]} for doc in docs]
        return pages.page(shown, request, "PipelineExecutionSteps", "n", "StepName")

    def list_pipeline_parameters_for_execution(
        self, call: Call, request: ListPipelineParametersForExecutionRequest
    ) -> dict[str, Any]:
        with call.reading() as tx:
            _, doc = names.find_execution(tx, call, request["PipelineExecutionArn"])
        values = [{"Name": name, "Value": text(value)} for name, value in doc["_"]["parameters"].items()]
        return pages.page(values, request, "PipelineParameters", "Name", "Name", "Ascending")

    def describe_pipeline_definition_for_execution(
        self, call: Call, request: DescribePipelineDefinitionForExecutionRequest
    ) -> dict[str, Any]:
        with call.reading() as tx:
            _, doc = names.find_execution(tx, call, request["PipelineExecutionArn"])
            version = tx.get(names.version_key(call, doc["_"]["pipeline"], doc["PipelineVersionId"]))
        return {member: version[member] for member in ("PipelineDefinition", "CreationTime")}

    def send_pipeline_execution_step_success(
        self, call: Call, request: SendPipelineExecutionStepSuccessRequest
    ) -> dict[str, Any]:
        given = {each["Name"]: each["Value"] for each in request.get("OutputParameters", [])}
        with call.writing() as tx:
            execution, doc, key, step = _waiting(tx, call, request["CallbackToken"])
            if step["StepStatus"] in WAITING:
                types = step["_"]["outputs"]
                if wrong := given.keys() ^ types.keys():
                    raise invalid(f"OutputParameters: [{min(wrong)}] is not what the step's definition declares.")
                step["Metadata"]["Callback"]["OutputParameters"] = request.get("OutputParameters", [])
                shown = {name: records.output(types[name], value) for name, value in given.items()}
                records.succeed(tx, execution, step, {"OutputParameters": shown}, call.now)
        return {"PipelineExecutionArn": doc["PipelineExecutionArn"]}

    def send_pipeline_execution_step_failure(
        self, call: Call, request: SendPipelineExecutionStepFailureRequest
    ) -> dict[str, Any]:
        with call.writing() as tx:
            execution, doc, key, step = _waiting(tx, call, request["CallbackToken"])
            if step["StepStatus"] in WAITING:
                records.end(tx, execution, step, "Failed", call.now, request.get("FailureReason", ""))
        return {"PipelineExecutionArn": doc["PipelineExecutionArn"]}


def _waiting(tx: Transaction, call: Call, token: str) -> tuple[Key, dict[str, Any], Key, dict[str, Any]]:
    """Raises AwsError."""
    callback = tx.find(call.key(names.CALLBACK, token))
    if callback is None:
        raise AwsError("ResourceNotFound", f"No step waits for the callback token '{token}'.")
    execution, doc = names.find_execution(tx, call, callback["execution"])
    key = names.beside(execution, names.STEP, callback["step"])
    step = tx.find(key)
    if step is None or step["_"].get("token") != token:
        raise AwsError("ResourceNotFound", f"No step waits for the callback token '{token}'.")
    return execution, doc, key, step
