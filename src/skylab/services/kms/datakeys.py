"""Keys for use outside: data keys, key pairs, random bytes; what goes out encrypted is a ciphertext like any other."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from skylab.services.call import Call
from skylab.services.kms import states
from skylab.services.kms.encryption import SYMMETRIC, encrypted
from skylab.services.kms.materials import generate, load_private, spki
from skylab.services.kms.specs import PAIRS, require
from skylab.services.kms.using import materials, using
from skylab.wire.errors import AwsError, invalid

if TYPE_CHECKING:
    from skylab.shapes.kms import *

LENGTHS = {"AES_128": 16, "AES_256": 32}


class DataKeys:
    def generate_data_key(self, call: Call, request: GenerateDataKeyRequest) -> dict[str, Any]:
        states.no_recipient(request)
        return _data_key(call, request, "GenerateDataKey")

    def generate_data_key_without_plaintext(
        self, call: Call, request: GenerateDataKeyWithoutPlaintextRequest
    ) -> dict[str, Any]:
        return _data_key(call, request, "GenerateDataKeyWithoutPlaintext") | {"Plaintext": None}

    def generate_data_key_pair(self, call: Call, request: GenerateDataKeyPairRequest) -> dict[str, Any]:
        states.no_recipient(request)
        return _pair(call, request, "GenerateDataKeyPair")

    def generate_data_key_pair_without_plaintext(
        self, call: Call, request: GenerateDataKeyPairWithoutPlaintextRequest
    ) -> dict[str, Any]:
        return _pair(call, request, "GenerateDataKeyPairWithoutPlaintext") | {"PrivateKeyPlaintext": None}

    def generate_random(self, call: Call, request: GenerateRandomRequest) -> dict[str, Any]:
        states.no_recipient(request)
        if "CustomKeyStoreId" in request:
            raise AwsError("UnsupportedOperationException", "Custom key stores are not supported here.")
        if "NumberOfBytes" not in request:
            raise invalid("NumberOfBytes is required.")
        return {"Plaintext": os.urandom(request["NumberOfBytes"])}


def _data_key(call: Call, request: Any, operation: str) -> dict[str, Any]:
    if ("KeySpec" in request) == ("NumberOfBytes" in request):
        raise invalid("Please specify either number of bytes or key spec.")
    plain = os.urandom(request.get("NumberOfBytes") or LENGTHS[request["KeySpec"]])
    return {"Plaintext": plain} | _sealed(call, request, operation, plain, "CiphertextBlob")


def _pair(call: Call, request: Any, operation: str) -> dict[str, Any]:
    if (spec := request["KeyPairSpec"]) not in PAIRS:
        raise AwsError("UnsupportedOperationException", f"KeyPairSpec {spec} is not supported here.")
    with using(call, request, request["KeyId"]) as (_, _, doc):  # before the work, which is long for RSA
        require(doc, "ENCRYPT_DECRYPT", operation, SYMMETRIC)
        states.dry_run(request)
    plain = generate(spec)
    answer = {"PrivateKeyPlaintext": plain, "PublicKey": spki(load_private(plain)), "KeyPairSpec": spec}
    return answer | _sealed(call, request, operation, plain, "PrivateKeyCiphertextBlob")


def _sealed(call: Call, request: Any, operation: str, plain: bytes, member: str) -> dict[str, Any]:
    with using(call, request, request["KeyId"]) as (tx, key, doc):
        require(doc, "ENCRYPT_DECRYPT", operation, SYMMETRIC)
        states.dry_run(request)
        blob = encrypted(tx, materials(call), key, doc, SYMMETRIC, plain, request.get("EncryptionContext"))
    return {member: blob, "KeyId": doc["Arn"], "KeyMaterialId": doc["CurrentKeyMaterialId"]}
