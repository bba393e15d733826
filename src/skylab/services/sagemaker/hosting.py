"""What models, endpoint configurations and endpoints have in common: ARNs, words for errors, pages of lists."""

import base64
import binascii
import json
from collections.abc import Iterable, Mapping
from typing import Any

from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.wire.errors import AwsError, invalid

WORDS = {"endpoint-config": "endpoint configuration"}
SORTED_BY = {"Name": 0, "CreationTime": 1, "Status": 2}


def arn(call: Call, type: str, name: str) -> str:
    """AWS writes names in ARNs in lower case."""
    return call.arn(f"{type}/{name.lower()}")


def missing(call: Call, type: str, name: str) -> AwsError:
    return invalid(f'Could not find {WORDS.get(type, type)} "{arn(call, type, name)}".')


def find(tx: Transaction, call: Call, type: str, name: str) -> dict[str, Any]:
    """Raises AwsError."""
    if (doc := tx.find(call.key(type, name))) is None:
        raise missing(call, type, name)
    return doc


def create(tx: Transaction, call: Call, type: str, name: str, doc: dict[str, Any]) -> None:
    """Raises AwsError where the name is taken."""
    key = call.key(type, name)
    if tx.find(key) is not None:
        raise invalid(f'Cannot create already existing {WORDS.get(type, type)} "{arn(call, type, name)}".')
    tx.create(key, doc, call.now)


def tags(request: Mapping[str, Any]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in request.get("Tags", [])}


def refuse(given: Mapping[str, Any], names: Iterable[str]) -> None:
    """Raises AwsError for the first member that has no effect here yet."""
    for name in names:
        if given.get(name):
            raise invalid(f"{name} is not offered yet.")


def listed(
    call: Call, request: Mapping[str, Any], type: str, member: str, docs: Iterable[dict[str, Any]]
) -> dict[str, Any]:
    """One page of List<member>: filtered, sorted (by CreationTime, newest first, unless asked otherwise)."""
    prefix = member[:-1] if member != "EndpointConfigs" else "EndpointConfig"
    by = SORTED_BY[request.get("SortBy", "CreationTime")]
    descending = request.get("SortOrder", "Descending").lower().startswith("desc")
    rows = [(_place(doc, prefix, by), doc) for doc in docs if _wanted(request, doc, prefix)]
    rows.sort(key=lambda row: row[0], reverse=descending)
    if "NextToken" in request:
        after = _read(request["NextToken"])
        rows = [row for row in rows if (row[0] < after if descending else row[0] > after)]
    size = request.get("MaxResults", 10)
    page = rows[:size]
    more = {"NextToken": _token(page[-1][0])} if len(rows) > size else {}
    return {member: [doc for _, doc in page]} | more


def _place(doc: dict[str, Any], prefix: str, by: int) -> tuple[str | float, str]:
    name = doc[f"{prefix}Name"]
    return (name, doc["CreationTime"].timestamp(), doc.get(f"{prefix}Status", ""))[by], name


def _wanted(request: Mapping[str, Any], doc: dict[str, Any], prefix: str) -> bool:
    created, modified = doc["CreationTime"], doc.get("LastModifiedTime", doc["CreationTime"])
    return (
        request.get("NameContains", "").lower() in doc[f"{prefix}Name"].lower()
        and request.get("StatusEquals") in (None, doc.get(f"{prefix}Status"))
        and ("CreationTimeAfter" not in request or created > request["CreationTimeAfter"])
        and ("CreationTimeBefore" not in request or created < request["CreationTimeBefore"])
        and ("LastModifiedTimeAfter" not in request or modified > request["LastModifiedTimeAfter"])
        and ("LastModifiedTimeBefore" not in request or modified < request["LastModifiedTimeBefore"])
    )


def _token(place: tuple[str | float, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def _read(token: str) -> tuple[str | float, str]:
    try:
        by, name = json.loads(base64.urlsafe_b64decode(token))
    except (ValueError, binascii.Error):
        raise invalid("Invalid NextToken.") from None
    return by, name


def fleet_key(account: str, region: str, endpoint: str, task: str) -> Key:
    """The target of the task that deploys one configuration and keeps its replicas running."""
    return Key(account, region, "sagemaker", "fleet", f"{endpoint}/{task}")
