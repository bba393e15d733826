"""What is asked of Skylab itself, not of AWS: its health, and a running job's credentials and requirements.

GET /_skylab/credentials/<task id> is the container credentials endpoint that AWS's SDKs ask
(https://docs.aws.amazon.com/sdkref/latest/guide/feature-container-credentials.html): the job proves itself by the token
that its process was given, and gets a session of its execution role for as long as its task has not ended.

POST /_skylab/requirements/<task id>, with the same token and the text of a requirements.txt, asks for the environment
that is shared by all jobs with the same one (compute/environments.py); "installing" means: ask again.
"""

from __future__ import annotations

import asyncio
import hmac
import json
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import skylab
from skylab.compute.environments import Environments
from skylab.compute.requirements import LONGEST
from skylab.gateway.body import read
from skylab.gateway.sessions import assumed
from skylab.kernel.store import Transaction, load
from skylab.wire.errors import AwsError
from skylab.wire.http import HttpRequest, HttpResponse

if TYPE_CHECKING:
    from skylab.gateway.app import Gateway

LIFE = timedelta(hours=1)
JOBS = "sagemaker.amazonaws.com"  # whose tasks have credentials


async def answer(gateway: Gateway, request: HttpRequest) -> HttpResponse:
    match request.path.split("/")[2:]:
        case ["health"]:
            return _json(
                200,
                {
                    "status": "ready",
                    "version": skylab.__version__,
                    "services": sorted(service.name for service in gateway.services),
                },
            )
        case ["credentials", task]:
            return await asyncio.get_running_loop().run_in_executor(gateway.pool, _credentials, gateway, task, request)
        case ["requirements", task] if request.method == "POST" and gateway.environments:
            try:
                text = (await read(request, LONGEST)).decode(errors="replace")
            except AwsError as error:
                return _json(error.status or 400, {"code": error.code, "message": error.message})
            return await asyncio.get_running_loop().run_in_executor(
                gateway.pool, _requirements, gateway, gateway.environments, task, request, text
            )
    return _json(404, {"message": "There is nothing here."})


def _credentials(gateway: Gateway, task: str, request: HttpRequest) -> HttpResponse:
    now = gateway.clock.now()
    with gateway.store.writing() as tx:
        if (data := _proved(tx, task, request)) is None:
            return _denied()
        try:
            issued = assumed(tx, data["role"], task, JOBS, now, now + LIFE)
        except AwsError as denial:  # the role is gone, or no longer trusts the service
            return _json(denial.status or 403, {"code": denial.code, "message": denial.message})
    return _json(
        200,
        {
            "RoleArn": data["role"],
            "AccessKeyId": issued["AccessKeyId"],
            "SecretAccessKey": issued["SecretAccessKey"],
            "Token": issued["SessionToken"],
            "Expiration": issued["Expiration"].strftime("%Y-%m-%dT%H:%M:%SZ"),
        },
    )


def _requirements(
    gateway: Gateway, environments: Environments, task: str, request: HttpRequest, text: str
) -> HttpResponse:
    with gateway.store.reading() as tx:
        if _proved(tx, task, request) is None:
            return _denied()
    found = environments.find(text, gateway.clock.now())
    if found.folder:
        return _json(200, {"state": "ready", "folder": str(found.folder)})
    return _json(200, {"state": "refused", "message": found.reason} if found.reason else {"state": "installing"})


def _proved(tx: Transaction, task: str, request: HttpRequest) -> dict[str, Any] | None:
    """What is known of the task, if it has not ended and the request has its token."""
    row = tx.db.execute("select data from task where id = ? and state <> 'ended'", (task,)).fetchone()
    data: dict[str, Any] = load(row[0]) if row else {}
    token = request.headers.get("authorization", "")
    if not data.get("token") or not hmac.compare_digest(data["token"].encode(), token.encode()):
        return None
    return data


def _denied() -> HttpResponse:
    return _json(403, {"code": "AccessDenied", "message": "The token is not that of a running job."})


def _json(status: int, value: dict[str, Any]) -> HttpResponse:
    return HttpResponse(status, {"content-type": "application/json"}, json.dumps(value).encode())
