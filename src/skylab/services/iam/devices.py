"""Virtual MFA devices: their seeds, and whose they are. The codes themselves are checked by kernel/totp."""

from __future__ import annotations

import base64
import secrets
from typing import TYPE_CHECKING, Any

from skylab.kernel import totp
from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.services.iam.names import conflict, docs, key_of, make, named, no_such, page, too_many
from skylab.services.iam.tagging import tagged
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.iam import *

PER_USER = 8
SEED = 40  # bytes, 64 characters in base 32, as AWS's


class Devices:
    def create_virtual_mfa_device(self, call: Call, request: CreateVirtualMFADeviceRequest) -> dict[str, Any]:
        """The seed is shown here only. There is no picture of it: QRCodePNG is absent."""
        path = request.get("Path", "/")
        key = key_of(call.account, "mfa", path[1:] + request["VirtualMFADeviceName"])
        serial, seed = f"arn:aws:iam::{call.account}:mfa/{key.name}", secrets.token_bytes(SEED)
        hidden = {"seed": totp.sealed(call.part["vault"], serial, seed), "user": None, "drift": 0, "used": 0}
        doc: dict[str, Any] = {"SerialNumber": serial, "Path": path, "_": hidden} | tagged(request)
        with call.writing() as tx:
            make(tx, key, doc, call.now)
        return {"VirtualMFADevice": doc | {"Base32StringSeed": base64.b32encode(seed)}}

    def delete_virtual_mfa_device(self, call: Call, request: DeleteVirtualMFADeviceRequest) -> None:
        with call.writing() as tx:
            key, doc = device(tx, call.account, request["SerialNumber"])
            if doc["_"]["user"]:
                raise conflict("MFA VirtualDevice in use. Must deactivate first.")
            tx.delete(key)

    def enable_mfa_device(self, call: Call, request: EnableMFADeviceRequest) -> None:
        with call.writing() as tx:
            user = tx.get(key_of(call.account, "user", request["UserName"]))
            key, doc = device(tx, call.account, request["SerialNumber"])
            if doc["_"]["user"]:
                raise AwsError("EntityAlreadyExists", "MFA Device is already in use.", 409)
            if len(enabled(tx, user["UserId"])) >= PER_USER:
                raise too_many("MFADevicesPerUser", PER_USER)
            hidden = _synchronised(call, doc, request) | {"user": user["UserId"]}
            tx.put(key, doc | {"EnableDate": call.now, "_": hidden}, call.now)

    def resync_mfa_device(self, call: Call, request: ResyncMFADeviceRequest) -> None:
        with call.writing() as tx:
            key, doc = _of(tx, call.account, request)
            tx.put(key, doc | {"_": _synchronised(call, doc, request)}, call.now)

    def deactivate_mfa_device(self, call: Call, request: DeactivateMFADeviceRequest) -> None:
        with call.writing() as tx:
            key, doc = _of(tx, call.account, request)
            del doc["EnableDate"]
            tx.put(key, doc | {"_": doc["_"] | {"user": None}}, call.now)

    def get_mfa_device(self, call: Call, request: GetMFADeviceRequest) -> dict[str, Any]:
        with call.reading() as tx:
            if "UserName" in request:
                _, doc = _of(tx, call.account, request)
            else:
                _, doc = device(tx, call.account, request["SerialNumber"])
            user = _users(tx, call.account).get(doc["_"]["user"], {})
        return doc | {member: user[member] for member in ("UserName",) if member in user}

    def list_mfa_devices(self, call: Call, request: ListMFADevicesRequest) -> dict[str, Any]:
        with call.reading() as tx:
            user = tx.get(key_of(call.account, "user", named(call, request)))
            found = [doc | {"UserName": user["UserName"]} for doc in enabled(tx, user["UserId"])]
        return page(request, "MFADevices", found, lambda doc: doc["SerialNumber"])

    def list_virtual_mfa_devices(self, call: Call, request: ListVirtualMFADevicesRequest) -> dict[str, Any]:
        wanted = {"Assigned": (True,), "Unassigned": (False,)}.get(
            request.get("AssignmentStatus", "Any"), (True, False)
        )
        with call.reading() as tx:
            users = _users(tx, call.account)
            found = [
                {m: doc[m] for m in ("SerialNumber", "EnableDate") if m in doc} | {"User": users.get(doc["_"]["user"])}
                for doc in docs(tx, call.account, "mfa")
                if bool(doc["_"]["user"]) in wanted
            ]
        return page(request, "VirtualMFADevices", found, lambda doc: doc["SerialNumber"])


def device(tx: Transaction, account: str, serial: str) -> tuple[Key, dict[str, Any]]:
    """One of the account's. Raises NoSuchEntity."""
    key = totp.device_key(serial)
    doc = tx.find(key) if key and key.account == account else None
    if key is None or doc is None:
        raise no_such(f"VirtualMFADevice with serial number {serial} does not exist.")
    return key, doc


def enabled(tx: Transaction, user_id: str) -> list[dict[str, Any]]:
    """The devices of a user (AIDA…), by serial number."""
    rows = tx.db.execute(
        "select account, name from resource where service = 'iam' and type = 'mfa'"
        " and json_extract(doc, '$._.user') = ? order by name",
        (user_id,),
    ).fetchall()
    return [tx.get(key_of(account, "mfa", name)) for account, name in rows]


def _of(tx: Transaction, account: str, request: Any) -> tuple[Key, dict[str, Any]]:
    user = tx.get(key_of(account, "user", request["UserName"]))
    key, doc = device(tx, account, request["SerialNumber"])
    if doc["_"]["user"] != user["UserId"]:
        raise no_such("MFA Device invalid for user.")
    return key, doc


def _synchronised(call: Call, doc: dict[str, Any], request: Any) -> dict[str, Any]:
    codes = request["AuthenticationCode1"], request["AuthenticationCode2"]
    if (hidden := totp.synchronised(call.part["vault"], doc, *codes, call.now)) is None:
        raise AwsError("InvalidAuthenticationCode", "Authentication code for device is not valid.", 403)
    return hidden


def _users(tx: Transaction, account: str) -> dict[str, dict[str, Any]]:
    return {user["UserId"]: user for user in docs(tx, account, "user")}
