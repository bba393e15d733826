"""What an invocation needs; its actions and endpoints are SageMaker's."""

from collections.abc import Mapping

from skylab.services.access import Entry, Need, Parameters, Source
from skylab.services.call import Call


def endpoint(call: Call, parameters: Parameters) -> str:
    return f"arn:aws:sagemaker:{call.region}:{call.account}:endpoint/{parameters['EndpointName'].lower()}"


def component(call: Call, parameters: Parameters) -> str:
    name = parameters["InferenceComponentName"].lower()
    return f"arn:aws:sagemaker:{call.region}:{call.account}:inference-component/{name}"


def asking(action: str, keys: Mapping[str, Source]) -> Entry:
    """Of an endpoint, and of the inference component that is named."""
    return (Need(action, endpoint, keys), Need(action, component, when="InferenceComponentName"))


ACCESS: dict[str, Entry] = {
    "InvokeEndpoint": asking("sagemaker:InvokeEndpoint", {"sagemaker:TargetModel": "TargetModel"}),
    "InvokeEndpointAsync": (Need("sagemaker:InvokeEndpointAsync", endpoint),),
    "InvokeEndpointWithResponseStream": asking("sagemaker:InvokeEndpointWithResponseStream", {}),
}
