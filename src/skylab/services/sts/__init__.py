"""STS: who is calling; sessions of roles, of users, and of those for whom somebody else vouches."""

from pathlib import Path
from typing import Any

from skylab.kernel.clock import Clock
from skylab.kernel.vault import Vault
from skylab.services.sts.identity import Identity
from skylab.services.sts.messages import Messages
from skylab.services.sts.sessions import Sessions
from skylab.services.sts.tokens import Tokens
from skylab.services.sts.web import WebIdentity
from skylab.settings import Settings

NAME = "sts"
RESOURCES = [Identity, Sessions, Tokens, WebIdentity, Messages]
INVALID = "ValidationError"


def open(root: Path, settings: Settings, clock: Clock) -> dict[str, Any]:
    """The vault opens the seeds of MFA devices, and the messages that services sealed."""
    return {"vault": Vault.open(root, settings)}
