"""Sessions that the cloud itself opens: of a role that a service assumes, and of the administrator at the console."""

from datetime import datetime
from typing import Any

from skylab.kernel import credentials
from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.policy.document import parse
from skylab.policy.evaluate import Policies, evaluate
from skylab.policy.request import Request, Who
from skylab.services.call import Principal
from skylab.wire.errors import AwsError

ACTION = "sts:AssumeRole"


def assumed(
    tx: Transaction, role_arn: str, name: str, service: str, now: datetime, expires: datetime, source_arn: str = ""
) -> dict[str, Any]:
    """Credentials of a role that a service assumes ("sagemaker.amazonaws.com"), as AssumeRole answers them.

    source_arn: the resource for which it does. Raises AwsError (AccessDenied) where there is no such role, or its trust
    policy does not let the service.
    """
    key = Key(role_arn.split(":")[4], "", "iam", "role", role_arn.rsplit("/", 1)[-1])
    role = tx.find(key)
    if role is None or role["Arn"] != role_arn or not _trusts(role, service, source_arn):
        message = f"User: {service} is not authorized to perform: {ACTION} on resource: {role_arn}"
        raise AwsError("AccessDenied", message, 403)
    return _issued(tx, role, name, now, expires)


def _trusts(role: dict[str, Any], service: str, source_arn: str) -> bool:
    account = role["Arn"].split(":")[4]
    context = {
        "aws:sourceaccount": (account,),
        "aws:principalisawsservice": ("true",),
        "aws:securetransport": ("true",),
    }
    context |= {"aws:principalservicename": (service,)} | ({"aws:sourcearn": (source_arn,)} if source_arn else {})
    request = Request(Who("", service=service), ACTION, role["Arn"], account, context)
    trust = parse(role["AssumeRolePolicyDocument"])
    return evaluate(request, Policies(resource=trust, trust=True)).allowed


def administrators(tx: Transaction, role_arn: str, name: str, now: datetime, expires: datetime) -> dict[str, Any]:
    """The session of whoever owns this machine. Raises Missing when there is no such role."""
    role = tx.get(Key(role_arn.split(":")[4], "", "iam", "role", role_arn.rsplit("/", 1)[-1]))
    return _issued(tx, role, name, now, expires)


def _issued(tx: Transaction, role: dict[str, Any], name: str, now: datetime, expires: datetime) -> dict[str, Any]:
    issuer = {"arn": role["Arn"], "id": role["RoleId"], "name": role["RoleName"]}
    more = {"type": "AssumedRole", "issued": now.timestamp(), "issuer": issuer}
    return credentials.issue_session(tx, role["Arn"], role["RoleId"], name[:64], now, expires, **more)


def of_service(service: str, source_arn: str) -> Principal:
    """A service that acts in its own name for a resource, and in the account of that resource."""
    return Principal(service, service, source_arn.split(":")[4], type="AWSService", source_arn=source_arn)
