"""What experiments, trials, components, artifacts, actions and contexts have in common.

Their names are unique without regard to the size of letters, so a key has small letters, as the ARN does; the document
has the name as it was given.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Any

from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.services.sagemaker import common, pages, people
from skylab.wire.errors import AwsError, invalid

EXPERIMENT, TRIAL, COMPONENT = "experiment", "experiment-trial", "experiment-trial-component"
ARTIFACT, ACTION, CONTEXT = "artifact", "action", "context"
WORDS = {
    EXPERIMENT: "Experiment",
    TRIAL: "Trial",
    COMPONENT: "TrialComponent",
    ARTIFACT: "Artifact",
    ACTION: "Action",
    CONTEXT: "Context",
}
LINEAGE = (COMPONENT, ARTIFACT, ACTION, CONTEXT)
LINKED = (*LINEAGE, EXPERIMENT)  # an experiment may be associated, but is not walked through
SIZE = 10  # of a page, unless said otherwise


def key(call: Call, type: str, given: str) -> Key:
    """given: a name, or an ARN. Raises AwsError for the ARN of something else."""
    if not given.startswith("arn:"):
        return Key(call.account, call.region, "sagemaker", type, given.lower())
    return parsed(given, (type,))


def parsed(arn: str, types: Iterable[str]) -> Key:
    """The key that an ARN of ours means. Raises AwsError."""
    parts = arn.lower().split(":", 5)
    type, _, name = parts[5].partition("/") if len(parts) == 6 else ("", "", "")
    if parts[:3] != ["arn", "aws", "sagemaker"] or type not in types or not name:
        raise invalid(f"Invalid ARN: {arn}")
    return Key(parts[4], parts[3], "sagemaker", type, name)


def arn(key: Key) -> str:
    return f"arn:aws:sagemaker:{key.region}:{key.account}:{key.type}/{key.name}"


def missing(key: Key) -> AwsError:
    return AwsError("ResourceNotFound", f"{WORDS[key.type]} {arn(key)} does not exist.", 400)


def find(tx: Transaction, key: Key) -> dict[str, Any]:
    """Raises AwsError."""
    if (doc := tx.find(key)) is None:
        raise missing(key)
    return doc


def described(call: Call, type: str, given: str) -> dict[str, Any]:
    with call.reading() as tx:
        return find(tx, key(call, type, given))


def create(tx: Transaction, call: Call, type: str, name: str, request: Mapping[str, Any], **more: Any) -> Key:
    """Raises AwsError where the name is taken."""
    place = key(call, type, name)
    if tx.find(place) is not None:
        raise invalid(
            f"{WORDS[type]} names must be unique within an AWS account and region. {WORDS[type]} with name {name} "
            f"already exists ({arn(place)})."
        )
    doc = {member: value for member, value in request.items() if member != "Tags"} | people.created(call)
    doc |= people.modified(call) | {f"{WORDS[type]}Arn": arn(place)} | more
    tx.create(place, doc | {"_": {"tags": common.tags(request)}}, call.now)
    return place


def update(tx: Transaction, call: Call, place: Key, changes: Mapping[str, Any]) -> dict[str, Any]:
    """Raises AwsError."""
    doc = find(tx, place) | dict(changes) | people.modified(call)
    tx.put(place, doc, call.now)
    return doc


def merged(doc: Mapping[str, Any], request: Mapping[str, Any], member: str) -> dict[str, Any]:
    """A map of the document with what the request adds, and without what its member …ToRemove names."""
    if member not in request and f"{member}ToRemove" not in request:
        return {}
    gone = request.get(f"{member}ToRemove", [])
    whole = {**doc.get(member, {}), **request.get(member, {})}
    return {member: {name: value for name, value in whole.items() if name not in gone}}


def listed(
    call: Call,
    request: Mapping[str, Any],
    found: Iterable[dict[str, Any]],
    result: str,
    name: str,
    shown: Callable[[dict[str, Any]], dict[str, Any]] = dict,
) -> dict[str, Any]:
    """One page of these documents, by name or by time of creation; what is asked of their times is looked at here."""
    wanted = (doc for doc in found if pages.between(request, "CreatedAfter", "CreatedBefore", doc["CreationTime"]))
    column = name if request.get("SortBy") == "Name" else "CreationTime"
    answer = pages.page(wanted, request, result, lambda doc: (pages.value(doc[column]), doc[name]), size=SIZE)
    return answer | {result: [shown(doc) for doc in answer[result]]}


def every(tx: Transaction, call: Call, type: str) -> Iterable[dict[str, Any]]:
    return tx.all(call.account, call.region, "sagemaker", type)
