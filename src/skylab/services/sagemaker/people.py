"""Who made or changed something, as UserContext shows it."""

from typing import Any

from skylab.services.call import Call


def context(call: Call) -> dict[str, Any]:
    """There are no Studio profiles here, so it is always an IAM identity."""
    who = call.principal
    identity = {"Arn": who.arn, "PrincipalId": who.id}
    if who.session and who.session.source_identity:
        identity["SourceIdentity"] = who.session.source_identity
    return {"IamIdentity": identity}


def created(call: Call) -> dict[str, Any]:
    return {"CreationTime": call.now, "CreatedBy": context(call)}


def modified(call: Call) -> dict[str, Any]:
    return {"LastModifiedTime": call.now, "LastModifiedBy": context(call)}
