"""What SageMaker's operations need: the tables of its families, and that of tags.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazonsagemaker.html
"""

from collections.abc import Mapping
from dataclasses import replace

from skylab.services.access import Entry, Need
from skylab.services.call import Call
from skylab.services.sagemaker import tags
from skylab.services.sagemaker.components import access as components
from skylab.services.sagemaker.hosting import access as hosting
from skylab.services.sagemaker.pipelines import access as pipelines
from skylab.services.sagemaker.processing import access as processing
from skylab.services.sagemaker.registry import access as registry
from skylab.services.sagemaker.registry import policies
from skylab.services.sagemaker.tracking import access as tracking
from skylab.services.sagemaker.training import access as training
from skylab.services.sagemaker.transform import access as transform
from skylab.services.sagemaker.tuning import access as tuning

ACCESS: dict[str, Entry] = {
    "AddTags": (Need("sagemaker:AddTags", "{ResourceArn}", tags="Tags"),),
    "DeleteTags": (Need("sagemaker:DeleteTags", "{ResourceArn}", untags="TagKeys"),),
    "ListTags": (Need("sagemaker:ListTags", "{ResourceArn}"),),
    **components.ACCESS,
    **hosting.ACCESS,
    **pipelines.ACCESS,
    **processing.ACCESS,
    **registry.ACCESS,
    **tracking.ACCESS,
    **training.ACCESS,
    **transform.ACCESS,
    **tuning.ACCESS,
}


def resource_tags(call: Call, arn: str) -> Mapping[str, str]:
    with call.reading() as tx:
        return tags.known(
            tx, replace(call, service="sagemaker"), policies.tagged(arn)
        )  # an invocation is a call of another service


def resource_policy(call: Call, arn: str) -> str | None:
    return policies.attached(call, arn)
