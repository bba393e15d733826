"""Who a caller or a key is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skylab.kernel.credentials import account_of
from skylab.services.call import Call
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.sts import *


class Identity:
    def get_caller_identity(self, call: Call, request: GetCallerIdentityRequest) -> dict[str, Any]:
        who = call.principal
        return {"UserId": who.id, "Account": who.account, "Arn": who.arn}

    def get_access_key_info(self, call: Call, request: GetAccessKeyInfoRequest) -> dict[str, Any]:
        """The account is inside the key; that it exists is not said."""
        try:
            return {"Account": account_of(request["AccessKeyId"])}
        except ValueError:
            raise AwsError("ValidationError", "Access key ID is not valid.") from None
