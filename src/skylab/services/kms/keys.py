"""Keys: made, described, listed, switched on and off."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skylab.services.call import Call
from skylab.services.kms import states
from skylab.services.kms.creation import described, new_key, write
from skylab.services.kms.managed import ensure
from skylab.services.kms.materials import generate
from skylab.services.kms.names import arn_of, find, own
from skylab.services.kms.pages import page
from skylab.services.kms.policies import checked, default
from skylab.services.kms.rotation import wake
from skylab.services.kms.specs import chosen
from skylab.services.kms.tags import added
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.kms import *


class Keys:
    def create_key(self, call: Call, request: CreateKeyRequest) -> dict[str, Any]:
        spec, usage = chosen(request)
        origin = _origin(request)
        key = new_key(call)
        bypass = request.get("BypassPolicyLockoutSafetyCheck", False)
        given = request.get("Policy")
        policy = default(call.account) if given is None else checked(call, arn_of(key), given, bypass)
        private = {"policy": policy, "tags": added({}, request.get("Tags", []))}
        doc = described(call, key, spec, usage, origin) | {"Description": request.get("Description", "")}
        plain = generate(spec) if origin == "AWS_KMS" else None  # RSA takes its time: not inside the transaction
        with call.writing() as tx:
            return {"KeyMetadata": write(tx, call, key, doc, plain, private)}

    def describe_key(self, call: Call, request: DescribeKeyRequest) -> dict[str, Any]:
        ensure(call, request["KeyId"])
        with call.reading() as tx:
            return {"KeyMetadata": find(tx, call, request["KeyId"])[1]}

    def list_keys(self, call: Call, request: ListKeysRequest) -> dict[str, Any]:
        with call.reading() as tx:
            docs = tx.all(call.account, call.region, "kms", "key")
            keys = [{"KeyId": doc["KeyId"], "KeyArn": doc["Arn"]} for doc in docs]
        return page(keys, request, "Keys", lambda key: key["KeyId"], 100)

    def update_key_description(self, call: Call, request: UpdateKeyDescriptionRequest) -> None:
        with call.writing() as tx:
            key, doc = own(tx, call, request["KeyId"])
            states.customer_managed(call, doc, "UpdateKeyDescription")
            states.not_doomed(doc)
            tx.put(key, doc | {"Description": request["Description"]}, call.now)

    def enable_key(self, call: Call, request: EnableKeyRequest) -> None:
        self._switch(call, request["KeyId"], "EnableKey", "Enabled")

    def disable_key(self, call: Call, request: DisableKeyRequest) -> None:
        self._switch(call, request["KeyId"], "DisableKey", "Disabled")

    def _switch(self, call: Call, key_id: str, operation: str, state: str) -> None:
        with call.writing() as tx:
            key, doc = own(tx, call, key_id)
            states.customer_managed(call, doc, operation)
            states.not_doomed(doc)
            states.not_empty(doc)
            tx.put(key, states.enter(doc, state), call.now)
            if state == "Enabled":
                wake(tx, key, call.now)  # a rotation that fell due meanwhile is made up for


def _origin(request: Any) -> str:
    origin: str = request.get("Origin", "AWS_KMS")
    if origin not in ("AWS_KMS", "EXTERNAL") or "CustomKeyStoreId" in request or "XksKeyId" in request:
        raise AwsError("UnsupportedOperationException", "Custom key stores are not supported here.")
    if request.get("MultiRegion"):
        raise AwsError("UnsupportedOperationException", "Multi-Region keys are not supported here.")
    return origin
