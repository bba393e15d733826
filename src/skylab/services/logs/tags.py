"""Tags of log groups, by ARN and in the older way by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skylab.kernel.journal import group_key
from skylab.kernel.key import Key
from skylab.services.call import Call
from skylab.services.logs.names import identified
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.logs import *

MOST = 50


class Tags:
    def tag_resource(self, call: Call, request: TagResourceRequest) -> None:
        _tag(call, _by_arn(call, request["resourceArn"]), request["tags"])

    def untag_resource(self, call: Call, request: UntagResourceRequest) -> None:
        _untag(call, _by_arn(call, request["resourceArn"]), request["tagKeys"])

    def list_tags_for_resource(self, call: Call, request: ListTagsForResourceRequest) -> dict[str, Any]:
        return _tags(call, _by_arn(call, request["resourceArn"]))

    def tag_log_group(self, call: Call, request: TagLogGroupRequest) -> None:
        _tag(call, group_key(call.account, call.region, request["logGroupName"]), request["tags"])

    def untag_log_group(self, call: Call, request: UntagLogGroupRequest) -> None:
        _untag(call, group_key(call.account, call.region, request["logGroupName"]), request["tags"])

    def list_tags_log_group(self, call: Call, request: ListTagsLogGroupRequest) -> dict[str, Any]:
        return _tags(call, group_key(call.account, call.region, request["logGroupName"]))


def _by_arn(call: Call, arn: str) -> Key:
    return group_key(call.account, call.region, identified(call, arn))


def _tags(call: Call, key: Key) -> dict[str, Any]:
    with call.reading() as tx:
        return {"tags": tx.get(key)["_"]["tags"]}


def _tag(call: Call, key: Key, tags: dict[str, str]) -> None:
    with call.writing() as tx:
        doc = tx.get(key)
        doc["_"]["tags"] |= tags
        if len(doc["_"]["tags"]) > MOST:
            raise AwsError("TooManyTagsException", f"A resource can have up to {MOST} tags.", resourceName=key.name)
        tx.put(key, doc, call.now)


def _untag(call: Call, key: Key, names: list[str]) -> None:
    with call.writing() as tx:
        doc = tx.get(key)
        for name in names:
            doc["_"]["tags"].pop(name, None)
        tx.put(key, doc, call.now)
