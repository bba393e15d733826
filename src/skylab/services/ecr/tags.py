"""Tags of repositories."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.services.ecr import words
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.ecr import *

MOST = 50


class Tags:
    def tag_resource(self, call: Call, request: TagResourceRequest) -> dict[str, Any]:
        with call.writing() as tx:
            key, doc = _named(tx, call, request["resourceArn"])
            doc["_"]["tags"] = added(doc["_"]["tags"], request["tags"])
            tx.put(key, doc, call.now)
        return {}

    def untag_resource(self, call: Call, request: UntagResourceRequest) -> dict[str, Any]:
        with call.writing() as tx:
            key, doc = _named(tx, call, request["resourceArn"])
            for name in request["tagKeys"]:
                doc["_"]["tags"].pop(name, None)
            tx.put(key, doc, call.now)
        return {}

    def list_tags_for_resource(self, call: Call, request: ListTagsForResourceRequest) -> dict[str, Any]:
        with call.reading() as tx:
            tags = _named(tx, call, request["resourceArn"])[1]["_"]["tags"]
        return {"tags": [{"Key": name, "Value": tags[name]} for name in sorted(tags)]}


def added(tags: dict[str, str], new: Any) -> dict[str, str]:
    """tags with the new ones. Raises AwsError."""
    if any(tag["Key"].lower().startswith("aws:") for tag in new):
        raise AwsError("InvalidTagParameterException", "Tag keys that begin with aws: are reserved")
    tags = tags | {tag["Key"]: tag["Value"] for tag in new}
    if len(tags) > MOST:
        raise AwsError("TooManyTagsException", f"A repository can have up to {MOST} tags")
    return tags


def _named(tx: Transaction, call: Call, arn: str) -> tuple[Key, dict[str, Any]]:
    name = arn.removeprefix(call.arn("repository/"))
    if name == arn:
        raise words.invalid("Invalid parameter at 'resourceArn' failed to satisfy constraint: 'Invalid ARN'")
    key = call.key("repository", name)
    return key, tx.get(key)
