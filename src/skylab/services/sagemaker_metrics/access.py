"""What metrics need; the actions and the components are SageMaker's."""

from skylab.services.access import Entry, Need, Parameters
from skylab.services.call import Call


def component(call: Call, parameters: Parameters) -> str:
    name = parameters["TrialComponentName"].lower()
    return f"arn:aws:sagemaker:{call.region}:{call.account}:experiment-trial-component/{name}"


def asked(call: Call, parameters: Parameters) -> list[str]:
    return list(dict.fromkeys(query["ResourceArn"] for query in parameters["MetricQueries"]))


ACCESS: dict[str, Entry] = {
    "BatchPutMetrics": (Need("sagemaker:BatchPutMetrics", component),),
    "BatchGetMetrics": (Need("sagemaker:BatchGetMetrics", asked),),
}
