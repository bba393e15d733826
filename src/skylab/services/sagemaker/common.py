"""What SageMaker's resources share: names, lists, the held Describe, and what a job's process is told."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from skylab.kernel.clock import expired, patience
from skylab.kernel.key import Key
from skylab.kernel.store import Task, Transaction
from skylab.services.call import Call
from skylab.wire.errors import AwsError, invalid

if TYPE_CHECKING:
    from skylab.compute.world import World

LOOK = 0.02  # seconds between two looks of a held Describe
PAGE = 100
SYSTEM = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def arn(call: Call, type: str, name: str) -> str:
    """type is the ARN's own word for it, and the type of the resource's Key: training-job, endpoint-config, model."""
    return call.arn(f"{type}/{name.lower()}")


def arn_of(key: Key) -> str:
    return f"arn:aws:sagemaker:{key.region}:{key.account}:{key.type}/{key.name.lower()}"


def tags(request: Any) -> dict[str, str]:
    """Of a Create request, as documents keep them under _."""
    return {tag["Key"]: tag["Value"] for tag in request.get("Tags", [])}


def check_role(call: Call, role: str) -> None:
    """Raises AwsError for a role of another account, and for one that SageMaker may not assume."""
    if role.split(":")[4] != call.account:
        raise AwsError("AccessDeniedException", "Cross-account pass role is not allowed.")
    try:
        call.assume("s3", role)
    except AwsError:
        raise invalid(
            f"Could not assume role {role}. Please ensure that the role exists and allows principal "
            "'sagemaker.amazonaws.com' to assume the role."
        ) from None


def new_token(new_id: Callable[[], str]) -> str:
    """192 random bits, with which a job's process asks for its role's credentials."""
    return "".join(new_id() for _ in range(4))


async def hold(
    call: Call,
    read: Callable[[Transaction], dict[str, Any]],
    settled: Callable[[dict[str, Any]], bool],
    since: str = "CreationTime",
) -> dict[str, Any]:
    """The document, once it is settled, or describe_hold_seconds after the time that its member since tells.

    SDKs look again only 30 s after their first Describe, so a short job that answers late is seen to end at once.
    """
    deadline = None
    while True:
        with call.reading() as tx:
            doc = read(tx)
        if deadline is None:
            deadline = patience(call.settings.describe_hold_seconds - (call.now - doc[since]).total_seconds())
        if settled(doc) or expired(deadline):
            return doc
        await asyncio.sleep(LOOK)


def listed(
    call: Call,
    type: str,
    request: Any,
    result: str,
    name: str,
    status: str,
    default_order: str = "Descending",
    also: Callable[[dict[str, Any]], bool] = lambda doc: True,
) -> dict[str, Any]:
    """One page of a List operation: {result: [...], "NextToken": ...}, the latter only where there is more.

    name and status are the members that NameContains and StatusEquals are about. The token is the place of the last
    document, so that what is made meanwhile moves nothing. also: what else a document has to be.
    """
    column = {"Name": name, "Status": status}.get(request.get("SortBy", ""), "CreationTime")
    with call.reading() as tx:
        docs = tx.all(call.account, call.region, "sagemaker", type)
        found = [doc for doc in docs if _wanted(doc, request, name, status)]
    descending = request.get("SortOrder", default_order) == "Descending"
    return paged(found, request, result, name, lambda doc: doc[column], descending)


def paged(
    docs: list[dict[str, Any]],
    request: Any,
    result: str,
    name: str,
    value: Callable[[dict[str, Any]], Any],
    descending: bool,
) -> dict[str, Any]:
    """A page of documents in the order of a value of theirs, a text, a number or a time, and then of their names."""

    def place(doc: dict[str, Any]) -> tuple[Any, str]:
        by = value(doc)
        return (by.timestamp() if isinstance(by, datetime) else by, doc[name])

    found = sorted(docs, key=place, reverse=descending)
    if "NextToken" in request:
        after = _place(request["NextToken"])
        if any(type(place(doc)[0]) is not type(after[0]) for doc in found[:1]):
            raise invalid("Invalid NextToken.")
        found = [doc for doc in found if (place(doc) < after if descending else place(doc) > after)]
    size = request.get("MaxResults", PAGE)
    page = found[:size]
    return {result: page} | ({"NextToken": _token(place(page[-1]))} if len(found) > size else {})


def _wanted(doc: dict[str, Any], request: Any, name: str, status: str) -> bool:
    modified = doc.get("LastModifiedTime", doc["CreationTime"])
    return (
        request.get("NameContains", "").lower() in doc[name].lower()
        and request.get("StatusEquals") in (None, doc.get(status))
        and request.get("WarmPoolStatusEquals") in (None, doc.get("WarmPoolStatus", {}).get("Status"))
        and _between(request, "CreationTime", doc["CreationTime"])
        and _between(request, "LastModifiedTime", modified)
    )


def _between(request: Any, member: str, time: datetime) -> bool:
    after, before = request.get(f"{member}After"), request.get(f"{member}Before")
    return (after is None or time > after) and (before is None or time < before)


def _token(place: tuple[Any, str]) -> str:
    return base64.urlsafe_b64encode(json.dumps(place).encode()).decode()


def _place(token: str) -> tuple[Any, str]:
    try:
        value, name = json.loads(base64.urlsafe_b64decode(token.encode()))
    except (ValueError, TypeError, RecursionError):
        raise invalid("Invalid NextToken.") from None
    if type(value) not in (str, float) or type(name) is not str:
        raise invalid("Invalid NextToken.")
    return value, name


def process_env(world: World, task: Task, region: str, home: Path, cpus: int | None, isolated: bool) -> dict[str, str]:
    """What every program of ours or the user's is told, and nothing of our own environment.

    task.data has the role and the token with which its credentials are asked for. Under network isolation there is
    nobody to ask, so none of AWS's variables.
    """
    env = {
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), SYSTEM]),
        "HOME": str(home),
        "LANG": "C.UTF-8",
        "OMP_NUM_THREADS": str(min(cpus or 1, os.cpu_count() or 1)),
        "SKYLAB_CACHE": str(home / ".cache"),  # of its own: what a job installs itself, no other runs
    }
    if isolated:
        return env
    return env | {
        "AWS_REGION": region,
        "AWS_DEFAULT_REGION": region,
        "AWS_ENDPOINT_URL": world.endpoint,
        "AWS_CONTAINER_CREDENTIALS_FULL_URI": f"{world.endpoint}/_skylab/credentials/{task.id}",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN": task.data["token"],
        "AWS_EC2_METADATA_DISABLED": "true",
        "SKYLAB_REQUIREMENTS": f"{world.endpoint}/_skylab/requirements/{task.id}",
    }
