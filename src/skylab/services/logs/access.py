"""What the operations of CloudWatch Logs need.

What is done to a group is decided on log-group:NAME:log-stream: (nothing behind it), as AWS's denials show (see
https://github.com/hashicorp/terraform-provider-aws/issues/8804); policies reach it as log-group:NAME:*. Tagging by ARN
is decided on the group itself
(https://docs.aws.amazon.com/AmazonCloudWatch/latest/logs/iam-access-control-overview-cwl.html).
"""

from __future__ import annotations

from collections.abc import Mapping

from skylab.kernel.journal import group_key
from skylab.services.access import Entry, Need, Parameters
from skylab.services.call import Call

GROUPS = "arn:aws:logs:{region}:{account}:log-group:"
GROUP = GROUPS + "{logGroupName}:log-stream:"
STREAM = GROUP + "{logStreamName}"


def identified(call: Call, parameters: Parameters) -> str:
    """The group of an operation that takes its name or its ARN."""
    name = parameters.get("logGroupName") or parameters.get("logGroupIdentifier", "")
    arn = name if name.startswith("arn:") else GROUPS.format(region=call.region, account=call.account) + name
    return f"{arn.removesuffix(':*')}:log-stream:"


def stream(call: Call, parameters: Parameters) -> str:
    return identified(call, parameters) + parameters["logStreamName"]


def tagged(call: Call, parameters: Parameters) -> str:
    arn: str = parameters["resourceArn"]
    return arn.removesuffix(":*")


ACCESS: dict[str, Entry] = {
    "CreateLogGroup": (
        Need("logs:CreateLogGroup", GROUP, tags="tags"),
        Need("logs:TagResource", GROUPS + "{logGroupName}", tags="tags", when="tags"),
    ),
    "CreateLogStream": (Need("logs:CreateLogStream", STREAM),),
    "DeleteLogGroup": (Need("logs:DeleteLogGroup", GROUP),),
    "DeleteLogStream": (Need("logs:DeleteLogStream", STREAM),),
    "DeleteRetentionPolicy": (Need("logs:DeleteRetentionPolicy", GROUP),),
    "DescribeLogGroups": (Need("logs:DescribeLogGroups", GROUPS + ":log-stream:"),),
    "DescribeLogStreams": (Need("logs:DescribeLogStreams", identified),),
    "FilterLogEvents": (Need("logs:FilterLogEvents", identified),),
    "GetLogEvents": (Need("logs:GetLogEvents", stream),),
    "ListTagsForResource": (Need("logs:ListTagsForResource", tagged),),
    "ListTagsLogGroup": (Need("logs:ListTagsLogGroup", GROUP),),
    "PutLogEvents": (Need("logs:PutLogEvents", STREAM),),
    "PutLogGroupDeletionProtection": (Need("logs:PutLogGroupDeletionProtection", identified),),
    "PutRetentionPolicy": (Need("logs:PutRetentionPolicy", GROUP),),
    "TagLogGroup": (Need("logs:TagLogGroup", GROUP, tags="tags"),),
    "TagResource": (Need("logs:TagResource", tagged, tags="tags"),),
    "UntagLogGroup": (Need("logs:UntagLogGroup", GROUP, untags="tags"),),
    "UntagResource": (Need("logs:UntagResource", tagged, untags="tagKeys"),),
}


def resource_tags(call: Call, arn: str) -> Mapping[str, str]:
    """Of the group that the ARN is of or in."""
    _, _, name = arn.partition(":log-group:")
    with call.reading() as tx:
        doc = tx.find(group_key(call.account, call.region, name.partition(":log-stream:")[0]))
    tags: dict[str, str] = doc["_"]["tags"] if doc else {}
    return tags
