"""Signatures, and the public keys that prove them elsewhere."""

from __future__ import annotations

import base64
from typing import TYPE_CHECKING, Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, PSS, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed

from skylab.services.call import Call
from skylab.services.kms import states
from skylab.services.kms.materials import place
from skylab.services.kms.specs import MEMBERS, require
from skylab.services.kms.using import materials, using
from skylab.wire.errors import AwsError, invalid

if TYPE_CHECKING:
    from skylab.shapes.kms import *

DIGESTS: dict[str, hashes.HashAlgorithm] = {"256": hashes.SHA256(), "384": hashes.SHA384(), "512": hashes.SHA512()}


class Signatures:
    def sign(self, call: Call, request: SignRequest) -> dict[str, Any]:
        algorithm = request["SigningAlgorithm"]
        with using(call, request, request["KeyId"]) as (tx, key, doc):
            require(doc, "SIGN_VERIFY", "Sign", algorithm)
            digest = _digest(request)
            states.dry_run(request)
            private = materials(call).private(tx, key, doc["_"]["material"])
        signature = private.sign(digest, *_scheme(algorithm))
        return {"KeyId": doc["Arn"], "Signature": signature, "SigningAlgorithm": algorithm}

    def verify(self, call: Call, request: VerifyRequest) -> dict[str, Any]:
        algorithm = request["SigningAlgorithm"]
        with using(call, request, request["KeyId"]) as (tx, key, doc):
            require(doc, "SIGN_VERIFY", "Verify", algorithm)
            digest = _digest(request)
            states.dry_run(request)
            public = materials(call).private(tx, key, doc["_"]["material"]).public_key()
        try:
            public.verify(request["Signature"], digest, *_scheme(algorithm))
        except InvalidSignature:
            raise AwsError("KMSInvalidSignatureException", "") from None
        return {"KeyId": doc["Arn"], "SignatureValid": True, "SigningAlgorithm": algorithm}

    def get_public_key(self, call: Call, request: GetPublicKeyRequest) -> dict[str, Any]:
        with using(call, request, request["KeyId"]) as (tx, key, doc):
            if not doc["KeySpec"].startswith(("RSA", "ECC")):
                message = f"{doc['Arn']} key spec is {doc['KeySpec']} which is not valid for GetPublicKey."
                raise AwsError("UnsupportedOperationException", message)
            public = tx.get(place(key, doc["_"]["material"]))["_"]["public"]
        shown = ("CustomerMasterKeySpec", "KeySpec", "KeyUsage", MEMBERS[doc["KeyUsage"]])
        return {"KeyId": doc["Arn"], "PublicKey": base64.b64decode(public)} | {name: doc[name] for name in shown}


def _digest(request: Any) -> bytes:
    """What is signed: the message's digest, or the one that is given in its place."""
    kind = request.get("MessageType", "RAW")
    digest = DIGESTS[request["SigningAlgorithm"][-3:]]
    message: bytes = request["Message"]
    if kind == "RAW":
        hashed = hashes.Hash(digest)
        hashed.update(message)
        return hashed.finalize()
    if kind != "DIGEST":
        raise invalid(f"MessageType {kind} is not valid for algorithm {request['SigningAlgorithm']}.")
    if len(message) != digest.digest_size:
        raise invalid(f"Digest is invalid length for algorithm {request['SigningAlgorithm']}.")
    return message


def _scheme(algorithm: str) -> tuple[Any, ...]:
    """What sign() and verify() take after the digest; PSS salts are as long as the digest, as in AWS."""
    digest = DIGESTS[algorithm[-3:]]
    hashed = Prehashed(digest)
    if algorithm.startswith("ECDSA"):
        return (ec.ECDSA(hashed),)
    if "PSS" in algorithm:
        return PSS(MGF1(digest), digest.digest_size), hashed
    return PKCS1v15(), hashed
