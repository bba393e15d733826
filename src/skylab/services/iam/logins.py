"""What people sign in to a console with. There is no console: nobody has any of it, and nothing of it can be made."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NoReturn

from skylab.services.call import Call
from skylab.services.iam.names import key_of, named, no_such

if TYPE_CHECKING:
    from skylab.shapes.iam import *


class Logins:
    """Asked by tools that clear a user away before they delete it."""

    def get_login_profile(self, call: Call, request: GetLoginProfileRequest) -> NoReturn:
        raise no_such(f"Login Profile for User {_user(call, request)} cannot be found.")

    def delete_login_profile(self, call: Call, request: DeleteLoginProfileRequest) -> NoReturn:
        raise no_such(f"Login Profile for User {_user(call, request)} cannot be found.")

    def list_signing_certificates(self, call: Call, request: ListSigningCertificatesRequest) -> dict[str, Any]:
        _user(call, request)
        return {"Certificates": [], "IsTruncated": False}

    def list_ssh_public_keys(self, call: Call, request: ListSSHPublicKeysRequest) -> dict[str, Any]:
        _user(call, request)
        return {"SSHPublicKeys": [], "IsTruncated": False}

    def list_service_specific_credentials(
        self, call: Call, request: ListServiceSpecificCredentialsRequest
    ) -> dict[str, Any]:
        if "UserName" in request:
            _user(call, request)
        return {"ServiceSpecificCredentials": []}


def _user(call: Call, request: Any) -> str:
    with call.reading() as tx:
        return str(tx.get(key_of(call.account, "user", named(call, request)))["UserName"])
