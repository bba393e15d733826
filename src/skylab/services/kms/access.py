"""What each operation of KMS needs. A key's own policy must allow: an identity policy counts only where it says so.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_awskeymanagementservice.html
https://docs.aws.amazon.com/kms/latest/developerguide/conditions-kms.html

granted() is asked where no policy allows: a grant does so beside them; an explicit deny still denies.
"""

from collections.abc import Mapping
from typing import Any

from skylab.kernel.key import Key
from skylab.services.access import Entry, Need, Parameters, Source
from skylab.services.call import Call
from skylab.services.kms import ciphertext, grant_tokens
from skylab.services.kms.access_keys import ALWAYS, BY_ACTION, CONTEXT, DESTINATION_CONTEXT, OF_KEY, SOURCE_CONTEXT
from skylab.services.kms.granting import allows
from skylab.services.kms.managed import ensure
from skylab.services.kms.names import alias_in, arn_of, key_in, target
from skylab.services.kms.policies import default

POLICY = "required"
COMMON = ALWAYS


def named(member: str = "KeyId") -> Any:
    """The ARN of the key that a member means, whether it is there or not: the operation says so itself."""

    def on(call: Call, parameters: Parameters) -> str:
        return arn_of(_key(call, parameters[member])) if member in parameters else "*"

    return on


def encrypted(member: str) -> Any:
    """The ARN of the key that decrypts: the one that is named, else the one that the ciphertext names."""

    def on(call: Call, parameters: Parameters) -> str:
        if member in parameters:
            return arn_of(_key(call, parameters[member]))
        said = ciphertext.named(parameters.get("CiphertextBlob", b""))
        return arn_of(key_in(call, said.account, said.key_id))

    return on


def _key(call: Call, key_id: str) -> Key:
    ensure(call, key_id)
    with call.reading() as tx:
        return target(tx, call, key_id)


def _alias(call: Call, parameters: Parameters) -> str:
    return arn_of(alias_in(call, call.account, parameters["AliasName"]))


def _aliased(call: Call, parameters: Parameters) -> str:
    """The key that the alias means now."""
    return arn_of(_key(call, parameters["AliasName"]))


def _retired(call: Call, parameters: Parameters) -> str:
    if "GrantToken" in parameters:
        grant = grant_tokens.grant_of(call, parameters["GrantToken"])
        return arn_of(grant._replace(type="key", name=grant.name.partition("/")[0]))
    return named()(call, parameters)


def _need(action: str, on: Any = None, context: Mapping[str, Source] | None = None, **more: Any) -> Need:
    on = on or named()
    of_key = {} if on == "*" else {name: _of_key(on, value) for name, value in OF_KEY.items()}
    return Need(f"kms:{action}", on, {**of_key, **BY_ACTION.get(action, {}), **(context or {})}, **more)


def _of_key(on: Any, value: Any) -> Source:
    """A condition key that depends on the key which the need is about."""

    def read(call: Call, parameters: Parameters) -> Any:
        place = _place(on(call, parameters))
        with call.reading() as tx:
            doc = tx.find(place) if place else None
            return None if place is None or doc is None else value(tx, place, doc)

    return read


_ON_KEY = (
    "CancelKeyDeletion", "CreateGrant", "DeleteImportedKeyMaterial", "DescribeKey", "DisableKey", "DisableKeyRotation",
    "EnableKey", "EnableKeyRotation", "GenerateMac", "DeriveSharedSecret", "GetKeyPolicy", "GetKeyRotationStatus",
    "GetParametersForImport", "GetPublicKey", "ImportKeyMaterial", "ListGrants", "ListKeyPolicies", "ListKeyRotations",
    "ListResourceTags", "PutKeyPolicy", "RevokeGrant", "RotateKeyOnDemand", "ScheduleKeyDeletion", "Sign",
    "UpdateKeyDescription", "Verify", "VerifyMac",
)  # fmt: skip
_IN_CONTEXT = (
    "Encrypt", "GenerateDataKey", "GenerateDataKeyPair", "GenerateDataKeyPairWithoutPlaintext",
    "GenerateDataKeyWithoutPlaintext",
)  # fmt: skip
ACCESS: dict[str, Entry] = {
    **{name: (_need(name),) for name in _ON_KEY},
    **{name: (_need(name, context=CONTEXT),) for name in _IN_CONTEXT},
    "CreateKey": (
        _need("CreateKey", "*", tags="Tags"),
        _need("TagResource", "*", tags="Tags", when="Tags"),
    ),
    "ListKeys": (_need("ListKeys", "*"),),
    "ListAliases": (_need("ListAliases", "*"),),
    "ListRetirableGrants": (_need("ListRetirableGrants", "*"),),
    "GenerateRandom": (_need("GenerateRandom", "*"),),
    "CreateAlias": (_need("CreateAlias", _alias), _need("CreateAlias", named("TargetKeyId"))),
    "DeleteAlias": (_need("DeleteAlias", _alias), _need("DeleteAlias", _aliased)),
    "UpdateAlias": (
        _need("UpdateAlias", _alias),
        _need("UpdateAlias", _aliased),
        _need("UpdateAlias", named("TargetKeyId")),
    ),
    "TagResource": (_need("TagResource", tags="Tags"),),
    "UntagResource": (_need("UntagResource", untags="TagKeys"),),
    "Decrypt": (_need("Decrypt", encrypted("KeyId"), CONTEXT),),
    "ReEncrypt": (
        _need("ReEncryptFrom", encrypted("SourceKeyId"), SOURCE_CONTEXT),
        _need("ReEncryptTo", named("DestinationKeyId"), DESTINATION_CONTEXT),
    ),
    "RetireGrant": (_need("RetireGrant", _retired),),
}


def _place(arn: str) -> Key | None:
    """The Key of a key's ARN; None for an alias's, and for "*"."""
    parts = arn.split(":", 5)
    if len(parts) != 6 or not parts[5].startswith("key/"):
        return None
    return Key(parts[4], parts[3], "kms", "key", parts[5].removeprefix("key/"))


def _found(call: Call, arn: str) -> dict[str, Any] | None:
    key = _place(arn)
    with call.reading() as tx:
        return tx.find(key) if key else None


def resource_policy(call: Call, arn: str) -> str:
    """The key policy. Aliases have none, nor has what is not there: the account's own policies decide on them."""
    doc = _found(call, arn)
    return default(arn.split(":")[4]) if doc is None else doc["_"]["policy"]


def resource_tags(call: Call, arn: str) -> Mapping[str, str]:
    doc = _found(call, arn)
    return {} if doc is None else doc["_"]["tags"]


def granted(call: Call, action: str, arn: str, parameters: Parameters) -> bool:
    """Whether a grant lets the caller do this to this key."""
    key = _place(arn)
    return key is not None and allows(call, action.removeprefix("kms:"), key, parameters)
