"""Tags of whatever has an ARN here; they are kept beside the document, under _."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.wire.errors import AwsError, invalid

if TYPE_CHECKING:
    from skylab.shapes.sagemaker import *

MOST = 50


class Tags:
    def add_tags(self, call: Call, request: AddTagsInput) -> dict[str, Any]:
        given = {tag["Key"]: tag["Value"] for tag in request["Tags"]}
        if any(name.lower().startswith("aws:") for name in given):
            raise invalid("aws: prefixed tag key names are not allowed for external use.")
        with call.writing() as tx:
            key, doc = _tagged(tx, call, request["ResourceArn"])
            kept = doc["_"]["tags"] | given
            if len(kept) > MOST:
                raise invalid(f"A resource can have up to {MOST} tags.")
            doc["_"]["tags"] = kept
            tx.put(key, doc, call.now)
        return {"Tags": _list(kept)}

    def list_tags(self, call: Call, request: ListTagsInput) -> dict[str, Any]:
        with call.reading() as tx:
            _, doc = _tagged(tx, call, request["ResourceArn"])
        after, size = request.get("NextToken", ""), request.get("MaxResults", MOST)
        left = [tag for tag in _list(doc["_"]["tags"]) if tag["Key"] > after]
        return {"Tags": left[:size]} | ({"NextToken": left[size - 1]["Key"]} if len(left) > size else {})

    def delete_tags(self, call: Call, request: DeleteTagsInput) -> dict[str, Any]:
        with call.writing() as tx:
            key, doc = _tagged(tx, call, request["ResourceArn"])
            for name in request["TagKeys"]:
                doc["_"]["tags"].pop(name, None)
            tx.put(key, doc, call.now)
        return {}


def _list(tags: dict[str, str]) -> list[dict[str, str]]:
    return [{"Key": name, "Value": tags[name]} for name in sorted(tags) if not name.startswith("aws:")]


def known(tx: Transaction, call: Call, arn: str) -> dict[str, str]:
    """The tags of a resource; none of one that is not there."""
    try:
        tags: dict[str, str] = _tagged(tx, call, arn)[1]["_"]["tags"]
    except AwsError:
        return {}
    return tags


def _tagged(tx: Transaction, call: Call, arn: str) -> tuple[Key, dict[str, Any]]:
    """An ARN is in lower case, a name is not; what has no tags yet gets a place for them."""
    head = f"arn:aws:sagemaker:{call.region}:{call.account}:"
    type, _, name = arn.removeprefix(head).partition("/")
    if not arn.startswith(head) or not name:
        raise invalid(f"Invalid resource ARN: {arn}")
    key = call.key(type, name)
    doc = tx.find(key)
    if doc is None:
        row = tx.db.execute(
            "select name from resource where (account, region, service, type) = (?, ?, ?, ?)"
            " and lower(name) = lower(?)",
            (*key[:4], name),
        ).fetchone()
        if row is None:
            raise invalid(f"Could not find resource {arn}")
        key = call.key(type, row[0])
        doc = tx.get(key)
    doc.setdefault("_", {}).setdefault("tags", {})
    return key, doc
