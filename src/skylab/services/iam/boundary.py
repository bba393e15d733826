"""Permissions boundaries: recorded on users and roles here, applied where policies are evaluated."""

from typing import Any

from skylab.kernel.store import Transaction
from skylab.services.iam.policies import attachable


def bounded(tx: Transaction, account: str, members: dict[str, Any]) -> dict[str, Any]:
    """Members of a user or role, its boundary as Get shows it. Raises NoSuchEntity."""
    if (arn := members.get("PermissionsBoundary")) is None:
        return {member: value for member, value in members.items() if member != "PermissionsBoundary"}
    attachable(tx, account, arn)
    return members | {"PermissionsBoundary": {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}}
