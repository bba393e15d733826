"""Grant tokens: what CreateGrant gives out besides the grant's id. Sealed, so that none can be made up.

A grant counts at once here, so that a token is never needed to use it; it still names the grant to RetireGrant.
"""

import base64
import binascii
from typing import Any

from skylab.kernel.key import Key
from skylab.kernel.vault import Tampered
from skylab.services.call import Call
from skylab.wire.errors import AwsError

_ABOUT = b"kms grant token"


def issue(call: Call, grant: Key) -> str:
    """Another text each time."""
    return base64.urlsafe_b64encode(call.part["materials"].vault.seal(str(grant).encode(), _ABOUT)).decode()


def grant_of(call: Call, token: str) -> Key:
    """The Key of the grant, which may be gone. Raises InvalidGrantTokenException."""
    try:
        sealed = base64.b64decode(token.encode(), altchars=b"-_", validate=True)
        return Key.parse(call.part["materials"].vault.unseal(sealed, _ABOUT).decode())
    except (binascii.Error, UnicodeError, Tampered):
        raise AwsError("InvalidGrantTokenException", "The specified grant token is not valid.") from None


def check(call: Call, request: Any) -> None:
    for token in request.get("GrantTokens", ()):
        grant_of(call, token)
