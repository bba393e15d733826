"""The condition keys of KMS: https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html

kms:ViaService is not here: only the cloud knows whether a service calls for somebody.
"""

from collections.abc import Callable, Mapping
from typing import Any

from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.services.access import Parameters, Source
from skylab.services.call import Call
from skylab.services.kms import aliases

Keys = Mapping[str, Source]


def _or(member: str, default: Any) -> Source:
    return lambda call, parameters: parameters.get(member, default)


def _context(member: str) -> Keys:
    return {
        "kms:EncryptionContext:": member,
        "kms:EncryptionContextKeys": lambda call, parameters: list(parameters.get(member, {})) or None,
    }


def _constraint(parameters: Parameters) -> dict[str, str]:
    constraints = parameters.get("Constraints", {})
    found: dict[str, str] = constraints.get("EncryptionContextEquals") or constraints.get("EncryptionContextSubset", {})
    return found


def _constraint_type(call: Call, parameters: Parameters) -> str | None:
    kinds = ("EncryptionContextEquals", "EncryptionContextSubset")
    return next((kind for kind in kinds if kind in parameters.get("Constraints", {})), None)


def _alias_named(call: Call, parameters: Parameters) -> str | None:
    """The alias by which the request names its key, without what an ARN has before it."""
    named = str(parameters.get("KeyId", parameters.get("DestinationKeyId", "")))
    at = named.find("alias/")
    return named[at:] if at == 0 or (at > 0 and named[at - 1] == ":") else None


def _same_key(call: Call, parameters: Parameters) -> bool:
    return parameters.get("SourceKeyId") == parameters["DestinationKeyId"]


CONTEXT = _context("EncryptionContext")
SOURCE_CONTEXT = _context("SourceEncryptionContext")
DESTINATION_CONTEXT = _context("DestinationEncryptionContext")

ALWAYS: Keys = {
    "kms:CallerAccount": lambda call, parameters: call.principal.account,
    "kms:RequestAlias": _alias_named,
}

OF_KEY: Mapping[str, Callable[[Transaction, Key, dict[str, Any]], Any]] = {
    "kms:KeySpec": lambda tx, key, doc: doc["KeySpec"],
    "kms:KeyUsage": lambda tx, key, doc: doc["KeyUsage"],
    "kms:KeyOrigin": lambda tx, key, doc: doc["Origin"],
    "kms:MultiRegion": lambda tx, key, doc: doc["MultiRegion"],
    "kms:ResourceAliases": lambda tx, key, doc: [alias["AliasName"] for alias in aliases.of_key(tx, key)] or None,
}

_PAIR: Keys = {"kms:DataKeyPairSpec": "KeyPairSpec"}
_SIGNATURE: Keys = {"kms:SigningAlgorithm": "SigningAlgorithm", "kms:MessageType": _or("MessageType", "RAW")}
_MAC: Keys = {"kms:MacAlgorithm": "MacAlgorithm"}
_BYPASS: Keys = {"kms:BypassPolicyLockoutSafetyCheck": _or("BypassPolicyLockoutSafetyCheck", False)}
_ALGORITHM: Keys = {"kms:EncryptionAlgorithm": _or("EncryptionAlgorithm", "SYMMETRIC_DEFAULT")}
BY_ACTION: Mapping[str, Keys] = {
    "Encrypt": _ALGORITHM,
    "Decrypt": _ALGORITHM,
    "ReEncryptFrom": {
        "kms:EncryptionAlgorithm": _or("SourceEncryptionAlgorithm", "SYMMETRIC_DEFAULT"),
        "kms:ReEncryptOnSameKey": _same_key,
    },
    "ReEncryptTo": {
        "kms:EncryptionAlgorithm": _or("DestinationEncryptionAlgorithm", "SYMMETRIC_DEFAULT"),
        "kms:ReEncryptOnSameKey": _same_key,
    },
    "GenerateDataKeyPair": _PAIR,
    "GenerateDataKeyPairWithoutPlaintext": _PAIR,
    "Sign": _SIGNATURE,
    "Verify": _SIGNATURE,
    "GenerateMac": _MAC,
    "VerifyMac": _MAC,
    "DeriveSharedSecret": {"kms:KeyAgreementAlgorithm": "KeyAgreementAlgorithm"},
    "CreateKey": {
        **_BYPASS,
        "kms:KeySpec": lambda call, p: p.get("KeySpec") or p.get("CustomerMasterKeySpec") or "SYMMETRIC_DEFAULT",
        "kms:KeyUsage": _or("KeyUsage", "ENCRYPT_DECRYPT"),
        "kms:KeyOrigin": _or("Origin", "AWS_KMS"),
        "kms:MultiRegion": _or("MultiRegion", False),
    },
    "PutKeyPolicy": _BYPASS,
    "CreateGrant": {
        "kms:GrantOperations": "Operations",
        "kms:GranteePrincipal": "GranteePrincipal",
        "kms:RetiringPrincipal": "RetiringPrincipal",
        "kms:GrantConstraintType": _constraint_type,
        "kms:GrantIsForAWSResource": lambda call, parameters: bool(getattr(call.principal, "invoked_by", None)),
        "kms:EncryptionContext:": lambda call, parameters: _constraint(parameters),
        "kms:EncryptionContextKeys": lambda call, parameters: list(_constraint(parameters)) or None,
    },
    "ScheduleKeyDeletion": {"kms:ScheduleKeyDeletionPendingWindowInDays": _or("PendingWindowInDays", 30)},
    "EnableKeyRotation": {"kms:RotationPeriodInDays": _or("RotationPeriodInDays", 365)},
    "GetParametersForImport": {
        "kms:WrappingAlgorithm": "WrappingAlgorithm",
        "kms:WrappingKeySpec": "WrappingKeySpec",
    },
    "ImportKeyMaterial": {
        "kms:ExpirationModel": _or("ExpirationModel", "KEY_MATERIAL_EXPIRES"),
        "kms:ValidTo": "ValidTo",
    },
}
