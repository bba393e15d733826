"""What the operations of inference components need."""

from __future__ import annotations

from skylab.services.access import Entry, Need, Parameters
from skylab.services.call import Call
from skylab.services.sagemaker import common
from skylab.services.sagemaker.needs import create, listing, named, on

TYPE, MEMBER = "inference-component", "InferenceComponentName"


def model_arns(call: Call, parameters: Parameters) -> list[str]:
    model = (parameters.get("Specification") or {}).get("ModelName")
    return [common.arn(call, "model", model)] if model else []


ACCESS: dict[str, Entry] = {
    "CreateInferenceComponent": create(
        "CreateInferenceComponent",
        TYPE,
        MEMBER,
        {"sagemaker:ModelArn": model_arns},
        Need("sagemaker:CreateInferenceComponent", named("endpoint", "EndpointName")),
    ),
    "DescribeInferenceComponent": on("DescribeInferenceComponent", TYPE, MEMBER),
    "ListInferenceComponents": listing("ListInferenceComponents"),
    "UpdateInferenceComponent": on("UpdateInferenceComponent", TYPE, MEMBER),
    "UpdateInferenceComponentRuntimeConfig": on("UpdateInferenceComponentRuntimeConfig", TYPE, MEMBER),
    "DeleteInferenceComponent": on("DeleteInferenceComponent", TYPE, MEMBER),
}
