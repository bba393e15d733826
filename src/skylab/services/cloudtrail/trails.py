"""Trails: what is delivered where."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skylab.services.call import Call
from skylab.services.cloudtrail import destinations, names, tags
from skylab.services.cloudtrail.selection import DEFAULT
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.cloudtrail import *

MOST = 5  # trails of one region
SETTABLE = (
    "S3BucketName",
    "S3KeyPrefix",
    "IncludeGlobalServiceEvents",
    "IsMultiRegionTrail",
    "CloudWatchLogsLogGroupArn",
    "CloudWatchLogsRoleArn",
    "KmsKeyId",
    "RecursiveLogging",
)
CLEARABLE = ("S3KeyPrefix", "CloudWatchLogsLogGroupArn", "CloudWatchLogsRoleArn", "KmsKeyId")  # "" takes one away


class Trails:
    def create_trail(self, call: Call, request: CreateTrailRequest) -> dict[str, Any]:
        names.check(request["Name"])
        _refuse_organisation(request)
        given = tags.checked(request.get("TagsList") or [])
        arn = names.arn(call, request["Name"])
        doc: dict[str, Any] = {
            "Name": request["Name"],
            "TrailARN": arn,
            "HomeRegion": call.region,
            "IncludeGlobalServiceEvents": True,
            "IsMultiRegionTrail": False,
            "LogFileValidationEnabled": request.get("EnableLogFileValidation", False),
            "HasCustomEventSelectors": False,
            "HasInsightSelectors": False,
            "IsOrganizationTrail": False,
            "_": {
                "id": call.ids.new(),
                "logging": False,
                "status": {},
                "tags": given,
                "selectors": {"EventSelectors": [DEFAULT]},
            },
        } | _chosen(request)
        _check_regions(doc)
        doc |= destinations.check(call, doc | {"SnsTopicName": request.get("SnsTopicName")})
        with call.writing() as tx:
            if sum(each["HomeRegion"] == call.region for each in names.mine(call, tx)) >= MOST:
                message = f"User: {call.account} already has {MOST} trails in {call.region}."
                raise AwsError("MaximumNumberOfTrailsExceededException", message)
            tx.create(names.key(arn), doc, call.now)
        return doc

    def update_trail(self, call: Call, request: UpdateTrailRequest) -> dict[str, Any]:
        _refuse_organisation(request)
        with call.reading() as tx:
            doc = names.own(call, tx, request["Name"])
        changed = doc | _chosen(request)
        for member in CLEARABLE:
            if member in request and not request.get(member):
                changed.pop(member, None)
        if "EnableLogFileValidation" in request:
            changed["LogFileValidationEnabled"] = request["EnableLogFileValidation"]
        _check_regions(changed)
        changed |= destinations.check(call, changed | {"SnsTopicName": request.get("SnsTopicName")})
        with call.writing() as tx:
            kept = tx.get(names.key(doc["TrailARN"]))["_"]  # it may have started or stopped logging meanwhile
            tx.put(names.key(doc["TrailARN"]), changed | {"_": kept}, call.now)
        call.part["watch"].load(call.store)
        return changed

    def delete_trail(self, call: Call, request: DeleteTrailRequest) -> None:
        with call.writing() as tx:
            tx.delete(names.key(names.own(call, tx, request["Name"])["TrailARN"]))
        call.part["watch"].load(call.store)

    def describe_trails(self, call: Call, request: DescribeTrailsRequest) -> dict[str, Any]:
        """Names that are not there are left out, as AWS leaves them out."""
        shadows = request.get("includeShadowTrails", True)
        wanted = request.get("trailNameList")
        with call.reading() as tx:
            found = [doc for doc in names.mine(call, tx) if _visible(call, doc, shadows)]
            if wanted:
                asked = {names.arn(call, name) for name in wanted}
                everywhere = names.mine(call, tx)
                found = [doc for doc in everywhere if doc["TrailARN"] in asked] + [
                    doc for doc in found if doc["Name"] in wanted and doc["TrailARN"] not in asked
                ]
        return {"trailList": found}

    def get_trail(self, call: Call, request: GetTrailRequest) -> dict[str, Any]:
        with call.reading() as tx:
            return {"Trail": names.find(call, tx, request["Name"])}

    def list_trails(self, call: Call, request: ListTrailsRequest) -> dict[str, Any]:
        """Of all regions: an account has a few of them, so that one page holds them all."""
        with call.reading() as tx:
            return {"Trails": names.mine(call, tx)}


def _chosen(request: Any) -> dict[str, Any]:
    return {member: request[member] for member in SETTABLE if request.get(member) not in (None, "")}


def _visible(call: Call, doc: dict[str, Any], shadows: bool) -> bool:
    return bool(doc["HomeRegion"] == call.region or (shadows and doc["IsMultiRegionTrail"]))


def _check_regions(doc: dict[str, Any]) -> None:
    if doc["IsMultiRegionTrail"] and not doc["IncludeGlobalServiceEvents"]:
        raise AwsError("InvalidParameterCombinationException", "Multi-Region trail must include global service events.")


def _refuse_organisation(request: Any) -> None:
    if request.get("IsOrganizationTrail"):
        raise AwsError("OrganizationsNotInUseException", "Your account is not a member of an organization.")
