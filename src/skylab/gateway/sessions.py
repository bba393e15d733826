"""Sessions that the cloud itself opens: of a job's execution role, and of the administrator at the console."""

from datetime import datetime
from typing import Any

from skylab.kernel import credentials
from skylab.kernel.key import Key
from skylab.kernel.store import Transaction


def role_session(
    tx: Transaction, role_arn: str, name: str, now: datetime, expires: datetime, scope: str
) -> dict[str, Any]:
    """Credentials of an assumed role, as AssumeRole answers them. Raises Missing when there is no such role."""
    key = Key(role_arn.split(":")[4], "", "iam", "role", role_arn.rsplit("/", 1)[-1])
    role = tx.get(key)
    return credentials.issue_session(tx, role_arn, role["RoleId"], name[:64], now, expires, scope)
