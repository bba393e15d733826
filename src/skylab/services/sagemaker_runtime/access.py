"""What an invocation needs; its actions and endpoints are SageMaker's."""

from skylab.services.access import Entry, Need, Parameters
from skylab.services.call import Call


def endpoint(call: Call, parameters: Parameters) -> str:
    return f"arn:aws:sagemaker:{call.region}:{call.account}:endpoint/{parameters['EndpointName'].lower()}"


ACCESS: dict[str, Entry] = {
    "InvokeEndpoint": (Need("sagemaker:InvokeEndpoint", endpoint, {"sagemaker:TargetModel": "TargetModel"}),),
    "InvokeEndpointAsync": (Need("sagemaker:InvokeEndpointAsync", endpoint),),
    "InvokeEndpointWithResponseStream": (Need("sagemaker:InvokeEndpointWithResponseStream", endpoint),),
}
