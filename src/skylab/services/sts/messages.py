"""Encoded authorization messages: what a service hands out with a denial, sealed, for those who may know why.

https://docs.aws.amazon.com/STS/latest/APIReference/API_DecodeAuthorizationMessage.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skylab.kernel.sealed import opened
from skylab.kernel.vault import Tampered
from skylab.services.call import Call
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.sts import *


class Messages:
    def decode_authorization_message(self, call: Call, request: DecodeAuthorizationMessageRequest) -> dict[str, Any]:
        try:
            return {"DecodedMessage": opened(call.part["vault"], call.account, request["EncodedMessage"])}
        except Tampered:
            raise AwsError("InvalidAuthorizationMessageException", "Message contains invalid value", 400) from None
