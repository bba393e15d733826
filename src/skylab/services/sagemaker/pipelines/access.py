"""What the operations of pipelines and their executions need."""

from __future__ import annotations

from collections.abc import Callable

from skylab.services.access import Entry, Need, Parameters, Source
from skylab.services.call import Call
from skylab.services.sagemaker.needs import PASS_ROLE, create, listing
from skylab.services.sagemaker.pipelines import names

UNKNOWN = "pipeline/*/execution/*"


def pipeline(member: str = "PipelineName") -> Callable[[Call, Parameters], str]:
    """Named, or given by its ARN."""

    def arn(call: Call, parameters: Parameters) -> str:
        name: str = parameters[member]
        return name if name.startswith("arn:") else names.pipeline_arn(call, name)

    return arn


def execution(call: Call, parameters: Parameters) -> str:
    arn: str = parameters.get("PipelineExecutionArn") or call.arn(UNKNOWN)
    return arn


def waiting(call: Call, parameters: Parameters) -> str:
    """The execution whose step waits for the callback token."""
    with call.reading() as tx:
        found = tx.find(call.key(names.CALLBACK, parameters["CallbackToken"]))
    return found["execution"] if found else call.arn(UNKNOWN)


VERSION: dict[str, Source] = {"sagemaker:PipelineVersionId": "PipelineVersionId"}


def _on(operation: str, on: Callable[[Call, Parameters], str]) -> Entry:
    return (Need(f"sagemaker:{operation}", on),)


ACCESS: dict[str, Entry] = {
    "CreatePipeline": create("CreatePipeline", "pipeline", "PipelineName", {}, PASS_ROLE),
    "UpdatePipeline": (Need("sagemaker:UpdatePipeline", pipeline()), PASS_ROLE),
    "DescribePipeline": (Need("sagemaker:DescribePipeline", pipeline(), VERSION),),
    "DeletePipeline": _on("DeletePipeline", pipeline()),
    "ListPipelines": listing("ListPipelines"),
    "ListPipelineVersions": _on("ListPipelineVersions", pipeline()),
    "UpdatePipelineVersion": (Need("sagemaker:UpdatePipelineVersion", pipeline("PipelineArn"), VERSION),),
    "StartPipelineExecution": (Need("sagemaker:StartPipelineExecution", pipeline(), VERSION),),
    "ListPipelineExecutions": _on("ListPipelineExecutions", pipeline()),
    **{
        operation: _on(operation, execution)
        for operation in (
            "StopPipelineExecution",
            "RetryPipelineExecution",
            "UpdatePipelineExecution",
            "DescribePipelineExecution",
            "DescribePipelineDefinitionForExecution",
            "ListPipelineExecutionSteps",
            "ListPipelineParametersForExecution",
        )
    },
    "SendPipelineExecutionStepSuccess": _on("SendPipelineExecutionStepSuccess", waiting),
    "SendPipelineExecutionStepFailure": _on("SendPipelineExecutionStepFailure", waiting),
}
