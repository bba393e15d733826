"""What CloudTrail's operations need.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awscloudtrail.html
"""

from collections.abc import Callable, Mapping

from skylab.services.access import Entry, Need, Parameters, pass_role
from skylab.services.call import Call
from skylab.services.cloudtrail import names
from skylab.services.cloudtrail.destinations import PRINCIPAL


def _of(member: str) -> Callable[[Call, Parameters], str]:
    """The ARN of the trail that a member names, by name or by ARN."""

    def arn(call: Call, parameters: Parameters) -> str:
        name = str(parameters[member])
        return name if name.startswith("arn:") else call.arn(f"trail/{name}")

    return arn


def _each(call: Call, parameters: Parameters) -> list[str]:
    return [str(arn) for arn in parameters["ResourceIdList"]]


def _tag_keys(call: Call, parameters: Parameters) -> list[str]:
    return [tag["Key"] for tag in parameters.get("TagsList") or []]


def _on(action: str, member: str) -> Entry:
    return (Need(f"cloudtrail:{action}", _of(member)),)


ROLE = pass_role("CloudWatchLogsRoleArn", PRINCIPAL)
ACCESS: Mapping[str, Entry] = {
    "CreateTrail": (
        Need("cloudtrail:CreateTrail", _of("Name"), tags="TagsList"),
        Need("cloudtrail:AddTags", _of("Name"), tags="TagsList", when="TagsList"),
        ROLE,
    ),
    "UpdateTrail": (*_on("UpdateTrail", "Name"), ROLE),
    "DeleteTrail": _on("DeleteTrail", "Name"),
    "DescribeTrails": (Need("cloudtrail:DescribeTrails"),),
    "GetTrail": _on("GetTrail", "Name"),
    "ListTrails": (Need("cloudtrail:ListTrails"),),
    "GetTrailStatus": _on("GetTrailStatus", "Name"),
    "StartLogging": _on("StartLogging", "Name"),
    "StopLogging": _on("StopLogging", "Name"),
    "PutEventSelectors": _on("PutEventSelectors", "TrailName"),
    "GetEventSelectors": _on("GetEventSelectors", "TrailName"),
    "AddTags": (Need("cloudtrail:AddTags", _of("ResourceId"), tags="TagsList"),),
    "RemoveTags": (Need("cloudtrail:RemoveTags", _of("ResourceId"), keys={"aws:TagKeys": _tag_keys}),),
    "ListTags": (Need("cloudtrail:ListTags", _each),),
    "LookupEvents": (Need("cloudtrail:LookupEvents"),),
    "ListPublicKeys": (Need("cloudtrail:ListPublicKeys"),),
}


def resource_tags(call: Call, arn: str) -> Mapping[str, str]:
    with call.reading() as tx:
        doc = tx.find(names.key(arn))
    tags: dict[str, str] = doc["_"]["tags"] if doc else {}
    return tags
