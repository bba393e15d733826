"""Aliases: names for keys that can be given to another key."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skylab.kernel.key import Key
from skylab.kernel.store import Exists, Transaction
from skylab.services.call import Call
from skylab.services.kms import states
from skylab.services.kms.managed import PREFIX
from skylab.services.kms.names import alias_in, arn_of, missing, own
from skylab.services.kms.pages import page
from skylab.wire.errors import AwsError, invalid

if TYPE_CHECKING:
    from skylab.shapes.kms import *

MOST = 50  # aliases of one key


class Aliases:
    def create_alias(self, call: Call, request: CreateAliasRequest) -> None:
        alias = alias_in(call, call.account, _name(request["AliasName"]))
        with call.writing() as tx:
            key, doc = own(tx, call, request["TargetKeyId"])
            states.customer_managed(call, doc, "CreateAlias")
            states.not_doomed(doc)
            if len(of_key(tx, key)) >= MOST:
                raise AwsError("LimitExceededException", f"{doc['Arn']} has {MOST} aliases already.")
            named = {"AliasName": alias.name, "AliasArn": arn_of(alias), "TargetKeyId": key.name}
            try:
                tx.create(alias, named | {"CreationDate": call.now, "LastUpdatedDate": call.now}, call.now)
            except Exists:
                message = f"An alias with the name {arn_of(alias)} already exists"
                raise AwsError("AlreadyExistsException", message) from None

    def update_alias(self, call: Call, request: UpdateAliasRequest) -> None:
        alias = alias_in(call, call.account, _name(request["AliasName"]))
        with call.writing() as tx:
            before = _found(tx, alias)
            key, doc = own(tx, call, request["TargetKeyId"])
            states.customer_managed(call, doc, "UpdateAlias")
            states.not_doomed(doc)
            old = tx.get(Key(key.account, key.region, "kms", "key", before["TargetKeyId"]))
            if (_kind(old), old["KeyUsage"]) != (_kind(doc), doc["KeyUsage"]):
                raise invalid("The current and the new KMS key of an alias must have the same type and key usage.")
            tx.put(alias, before | {"TargetKeyId": key.name, "LastUpdatedDate": call.now}, call.now)

    def delete_alias(self, call: Call, request: DeleteAliasRequest) -> None:
        alias = alias_in(call, call.account, _name(request["AliasName"]))
        with call.writing() as tx:
            _found(tx, alias)
            tx.delete(alias)

    def list_aliases(self, call: Call, request: ListAliasesRequest) -> dict[str, Any]:
        with call.reading() as tx:
            if "KeyId" in request:
                aliases = of_key(tx, own(tx, call, request["KeyId"])[0])
            else:
                aliases = list(tx.all(call.account, call.region, "kms", "alias"))
        return page(aliases, request, "Aliases", lambda alias: alias["AliasName"], MOST)


def of_key(tx: Transaction, key: Key) -> list[dict[str, Any]]:
    aliases = tx.all(key.account, key.region, "kms", "alias")
    return [alias for alias in aliases if alias["TargetKeyId"] == key.name]


def _found(tx: Transaction, alias: Key) -> dict[str, Any]:
    if (doc := tx.find(alias)) is None:
        raise missing(f"Alias {arn_of(alias)} is not found.")
    return doc


def _name(name: str) -> str:
    """Raises AwsError for what an alias cannot be called."""
    if not name.startswith("alias/"):
        raise invalid(
            'Alias must start with the prefix "alias/". Please see '
            "https://docs.aws.amazon.com/kms/latest/developerguide/kms-alias.html"
        )
    if name.startswith(PREFIX):
        raise AwsError("InvalidAliasNameException", f"Aliases that begin with {PREFIX} are reserved for AWS.")
    if name == "alias/" or name.endswith("/") or ":" in name:
        raise AwsError("InvalidAliasNameException", f"{name} is not a valid alias name.")
    return name


def _kind(doc: dict[str, Any]) -> str:
    return str(doc["KeySpec"]).partition("_")[0].replace("ECC", "RSA")  # symmetric, asymmetric or HMAC
