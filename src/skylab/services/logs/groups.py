"""Log groups."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from skylab.kernel import journal
from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.services.logs import retention
from skylab.services.logs.names import identified, invalid, place_in, token
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.logs import *

RETENTION = (1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653)


class Groups:
    def create_log_group(self, call: Call, request: CreateLogGroupRequest) -> None:
        key = _key(call, request["logGroupName"])
        if key.name.startswith("aws/"):
            raise invalid("Log groups starting with aws/ are reserved for AWS.")
        if "kmsKeyId" in request:
            raise AwsError(
                "NotImplemented", "CreateLogGroup with kmsKeyId is not implemented: events are not encrypted.", 501
            )
        members = {m: request[m] for m in ("logGroupClass", "deletionProtectionEnabled") if m in request}
        with call.writing() as tx:
            journal.create_group(tx, key, call.now, _={"tags": request.get("tags", {})}, **members)

    def delete_log_group(self, call: Call, request: DeleteLogGroupRequest) -> None:
        key = _key(call, request["logGroupName"])
        with call.writing() as tx:
            if tx.get(key).get("deletionProtectionEnabled"):
                raise AwsError("ValidationException", "The log group has deletion protection enabled.")
            journal.delete_group(tx, key)

    def put_log_group_deletion_protection(self, call: Call, request: PutLogGroupDeletionProtectionRequest) -> None:
        key = _key(call, identified(call, request["logGroupIdentifier"]))
        _change(call, key, deletionProtectionEnabled=request["deletionProtectionEnabled"])

    def describe_log_groups(self, call: Call, request: DescribeLogGroupsRequest) -> dict[str, Any]:
        prefix, part = request.get("logGroupNamePrefix", ""), request.get("logGroupNamePattern", "")
        if prefix and part:
            raise invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.")
        names = [identified(call, each) for each in request.get("logGroupIdentifiers", [])]
        wanted = request.get("logGroupClass")
        after = place_in(request["nextToken"], str)[0] if "nextToken" in request else ""
        limit = request.get("limit", 50)

        def chosen(doc: dict[str, Any]) -> bool:
            name = doc["logGroupName"]
            named = name > after and part in name and (not names or name in names)
            return named and wanted in (None, doc["logGroupClass"])

        with call.reading() as tx:
            docs = tx.all(call.account, call.region, "logs", "group", prefix)
            page = list(islice(filter(chosen, docs), limit + 1))
            groups = [_shown(tx, call, doc) for doc in page[:limit]]
        more = {"nextToken": token(groups[-1]["logGroupName"])} if len(page) > limit else {}
        return {"logGroups": groups} | more

    def put_retention_policy(self, call: Call, request: PutRetentionPolicyRequest) -> None:
        if (days := request["retentionInDays"]) not in RETENTION:
            raise invalid(
                f"1 validation error detected: Value '{days}' at 'retentionInDays' failed to satisfy constraint: "
                f"Member must satisfy enum value set: [{', '.join(map(str, RETENTION))}]"
            )
        key = _key(call, request["logGroupName"])
        with call.writing() as tx:
            tx.update(key, call.now, retentionInDays=days)
            retention.begin(tx, key, call.now, call.ids.new())

    def delete_retention_policy(self, call: Call, request: DeleteRetentionPolicyRequest) -> None:
        _change(call, _key(call, request["logGroupName"]), retentionInDays=None)


def _key(call: Call, name: str) -> Key:
    return journal.group_key(call.account, call.region, name)


def _shown(tx: Transaction, call: Call, doc: dict[str, Any]) -> dict[str, Any]:
    return doc | {"storedBytes": journal.stored_bytes(tx, _key(call, doc["logGroupName"]))}


def _change(call: Call, key: Key, **members: Any) -> None:
    with call.writing() as tx:
        tx.update(key, call.now, **members)
