"""Tags of trails."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skylab.services.call import Call
from skylab.services.cloudtrail import names
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.cloudtrail import *

MOST = 50


class Tags:
    def add_tags(self, call: Call, request: AddTagsRequest) -> None:
        added = checked(request["TagsList"])
        with call.writing() as tx:
            doc = _found(call, tx, request["ResourceId"])
            doc["_"]["tags"] |= added
            if len(doc["_"]["tags"]) > MOST:
                raise AwsError("TagsLimitExceededException", f"The number of tags exceeds the limit of {MOST}.")
            tx.put(names.key(doc["TrailARN"]), doc, call.now)

    def remove_tags(self, call: Call, request: RemoveTagsRequest) -> None:
        with call.writing() as tx:
            doc = _found(call, tx, request["ResourceId"])
            for tag in request["TagsList"]:
                doc["_"]["tags"].pop(tag["Key"], None)
            tx.put(names.key(doc["TrailARN"]), doc, call.now)

    def list_tags(self, call: Call, request: ListTagsRequest) -> dict[str, Any]:
        with call.reading() as tx:
            found = [(arn, _found(call, tx, arn)["_"]["tags"]) for arn in request["ResourceIdList"]]
        return {"ResourceTagList": [{"ResourceId": arn, "TagsList": listed(tags)} for arn, tags in found]}


def checked(given: list[Any]) -> dict[str, str]:
    """A request's tags as a map. Raises AwsError."""
    made = {tag["Key"]: tag.get("Value", "") for tag in given}
    if len(made) != len(given):
        raise AwsError("InvalidTagParameterException", "Duplicate tag keys are not allowed.")
    if any(name.lower().startswith("aws:") for name in made):
        raise AwsError("InvalidTagParameterException", "Tag keys starting with aws: are reserved for AWS.")
    if len(made) > MOST:
        raise AwsError("TagsLimitExceededException", f"The number of tags exceeds the limit of {MOST}.")
    return made


def listed(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": name, "Value": value} for name, value in tags.items()]


def _found(call: Call, tx: Any, arn: str) -> names.Doc:
    if not arn.startswith("arn:"):
        raise AwsError("CloudTrailARNInvalidException", f"Invalid trail ARN: {arn}")
    if not names.ARN.fullmatch(arn):
        raise AwsError("ResourceTypeNotSupportedException", f"Only trails have tags here: {arn}")
    if (doc := tx.find(names.key(arn))) is None or arn.split(":")[4] != call.account:
        raise AwsError("ResourceNotFoundException", f"The resource {arn} does not exist.")
    found: names.Doc = doc
    return found
