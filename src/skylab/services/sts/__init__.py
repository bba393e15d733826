"""STS: who is calling, and sessions of roles."""

from skylab.services.sts.identity import Identity
from skylab.services.sts.sessions import Sessions

NAME = "sts"
RESOURCES = [Identity, Sessions]
INVALID = "ValidationError"
