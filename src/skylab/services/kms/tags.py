"""Tags of keys."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skylab.services.call import Call
from skylab.services.kms import states
from skylab.services.kms.names import own
from skylab.services.kms.pages import page
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.kms import *

MOST = 50


class Tags:
    def tag_resource(self, call: Call, request: TagResourceRequest) -> None:
        with call.writing() as tx:
            key, doc = own(tx, call, request["KeyId"])
            states.customer_managed(call, doc, "TagResource")
            states.not_doomed(doc)
            doc["_"]["tags"] = added(doc["_"]["tags"], request["Tags"])
            tx.put(key, doc, call.now)

    def untag_resource(self, call: Call, request: UntagResourceRequest) -> None:
        _not_reserved(request["TagKeys"])
        with call.writing() as tx:
            key, doc = own(tx, call, request["KeyId"])
            states.customer_managed(call, doc, "UntagResource")
            states.not_doomed(doc)
            for name in request["TagKeys"]:
                doc["_"]["tags"].pop(name, None)
            tx.put(key, doc, call.now)

    def list_resource_tags(self, call: Call, request: ListResourceTagsRequest) -> dict[str, Any]:
        with call.reading() as tx:
            tags = own(tx, call, request["KeyId"])[1]["_"]["tags"]
        listed = [{"TagKey": name, "TagValue": tags[name]} for name in sorted(tags)]
        return page(listed, request, "Tags", lambda tag: tag["TagKey"], MOST)


def added(tags: dict[str, str], new: Any) -> dict[str, str]:
    """tags with the new ones. Raises TagException."""
    names = [tag["TagKey"] for tag in new]
    _not_reserved(names)
    if len(set(names)) < len(names):
        raise AwsError("TagException", "Duplicate tag keys")
    tags = tags | {tag["TagKey"]: tag["TagValue"] for tag in new}
    if len(tags) > MOST:
        raise AwsError("TagException", "Too many tags")
    return tags


def _not_reserved(names: list[str]) -> None:
    if any(name.lower().startswith("aws:") for name in names):
        raise AwsError("TagException", "Tags beginning with aws: are reserved")
