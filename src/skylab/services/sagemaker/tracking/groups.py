"""Lineage groups: AWS has one in each account and region, to which all that is tracked belongs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.services.sagemaker import pages
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.sagemaker import *

TYPE, NAME = "lineage-group", "sagemaker-default-lineage-group"


class LineageGroups:
    def describe_lineage_group(self, call: Call, request: DescribeLineageGroupRequest) -> dict[str, Any]:
        with call.reading() as tx:
            doc = tx.find(call.key(TYPE, request["LineageGroupName"]))
        if doc is None:
            message = f"Lineage group {request['LineageGroupName']} does not exist."
            raise AwsError("ResourceNotFound", message, 400)
        return doc

    def list_lineage_groups(self, call: Call, request: ListLineageGroupsRequest) -> dict[str, Any]:
        with call.reading() as tx:
            found = [
                doc
                for doc in tx.all(call.account, call.region, "sagemaker", TYPE)
                if pages.between(request, "CreatedAfter", "CreatedBefore", doc["CreationTime"])
            ]
        return pages.page(
            found, request, "LineageGroupSummaries", lambda doc: (doc["LineageGroupName"], doc["LineageGroupName"])
        )


def default(tx: Transaction, call: Call) -> str:
    """The ARN of the group, which is there from the first thing on that is tracked."""
    return of(tx, call.key(TYPE, NAME), call.now)


def of(tx: Transaction, near: Key, now: Any) -> str:
    """As default(), of the account and region of any other key."""
    place = near._replace(type=TYPE, name=NAME)
    arn = f"arn:aws:sagemaker:{place.region}:{place.account}:{TYPE}/{NAME}"
    if tx.find(place) is None:
        times = {"CreationTime": now, "LastModifiedTime": now}
        doc = {"LineageGroupName": NAME, "LineageGroupArn": arn, "DisplayName": NAME} | times
        tx.create(place, doc, now)
    return arn
