"""Message authentication codes with HMAC keys, and shared secrets with elliptic-curve keys."""

from __future__ import annotations

import hmac
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from skylab.services.call import Call
from skylab.services.kms import states
from skylab.services.kms.specs import require
from skylab.services.kms.using import materials, using
from skylab.wire.errors import AwsError, invalid

if TYPE_CHECKING:
    from skylab.shapes.kms import *


class Macs:
    def generate_mac(self, call: Call, request: GenerateMacRequest) -> dict[str, Any]:
        mac, arn = _mac(call, request, "GenerateMac")
        return {"KeyId": arn, "Mac": mac, "MacAlgorithm": request["MacAlgorithm"]}

    def verify_mac(self, call: Call, request: VerifyMacRequest) -> dict[str, Any]:
        mac, arn = _mac(call, request, "VerifyMac")
        if not hmac.compare_digest(mac, request["Mac"]):
            raise AwsError("KMSInvalidMacException", "")
        return {"KeyId": arn, "MacValid": True, "MacAlgorithm": request["MacAlgorithm"]}

    def derive_shared_secret(self, call: Call, request: DeriveSharedSecretRequest) -> dict[str, Any]:
        states.no_recipient(request)
        algorithm = request["KeyAgreementAlgorithm"]
        with using(call, request, request["KeyId"]) as (tx, key, doc):
            require(doc, "KEY_AGREEMENT", "DeriveSharedSecret", algorithm)
            private = materials(call).private(tx, key, doc["_"]["material"])
            peer = _peer(request["PublicKey"], private.curve)
            states.dry_run(request)
        return {
            "KeyId": doc["Arn"],
            "SharedSecret": private.exchange(ec.ECDH(), peer),
            "KeyAgreementAlgorithm": algorithm,
            "KeyOrigin": doc["Origin"],
        }


def _mac(call: Call, request: Any, operation: str) -> tuple[bytes, str]:
    algorithm = request["MacAlgorithm"]
    with using(call, request, request["KeyId"]) as (tx, key, doc):
        require(doc, "GENERATE_VERIFY_MAC", operation, algorithm)
        states.dry_run(request)
        secret = materials(call).secret(tx, key, doc["_"]["material"])
    return hmac.digest(secret, request["Message"], algorithm.removeprefix("HMAC_").replace("_", "").lower()), doc["Arn"]


def _peer(der: bytes, curve: ec.EllipticCurve) -> ec.EllipticCurvePublicKey:
    """The other side's public key. Raises ValidationException for what is no point of our curve."""
    try:
        public = load_der_public_key(der)
    except (ValueError, UnsupportedAlgorithm):
        raise invalid("") from None
    if not isinstance(public, ec.EllipticCurvePublicKey) or public.curve.name != curve.name:
        raise invalid("")
    return public
