"""Permissions boundaries: recorded on users and roles here, applied where policies are evaluated."""

from typing import Any

from skylab.kernel.store import Transaction
from skylab.services.iam.policies import attachable


def bounded(tx: Transaction, arn: str | None) -> dict[str, Any]:
    """The member that a boundary adds to a user or role. Raises NoSuchEntity."""
    if arn is None:
        return {"PermissionsBoundary": None}
    attachable(tx, arn)
    return {"PermissionsBoundary": {"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": arn}}
