"""What a key's state allows: https://docs.aws.amazon.com/kms/latest/developerguide/key-state.html"""

from typing import Any

from skylab.services.call import Call
from skylab.wire.errors import AwsError

Doc = dict[str, Any]


def wrong_state(doc: Doc, words: str) -> AwsError:
    return AwsError("KMSInvalidStateException", f"{doc['Arn']} {words}.")


def not_doomed(doc: Doc) -> None:
    if doc["KeyState"] == "PendingDeletion":
        raise wrong_state(doc, "is pending deletion")


def not_empty(doc: Doc) -> None:
    if doc["KeyState"] == "PendingImport":
        raise wrong_state(doc, "is pending import")


def usable(doc: Doc) -> None:
    """Raises AwsError unless the key may be used in a cryptographic operation."""
    if doc["KeyState"] == "Disabled":
        raise AwsError("DisabledException", f"{doc['Arn']} is disabled.")
    not_doomed(doc)
    not_empty(doc)


def origin(doc: Doc, wanted: str) -> None:
    if doc["Origin"] != wanted:
        raise AwsError(
            "UnsupportedOperationException",
            f"{doc['Arn']} origin is {doc['Origin']} which is not valid for this operation.",
        )


def customer_managed(call: Call, doc: Doc, operation: str) -> None:
    """AWS refuses these for its own keys by their key policy, which allows them to nobody."""
    if doc["KeyManager"] == "AWS":
        action = f"kms:{operation}"
        raise AwsError(
            "AccessDeniedException",
            f"User: {call.principal.arn} is not authorized to perform: {action} on resource: {doc['Arn']} because no "
            f"resource-based policy allows the {action} action",
        )


def enter(doc: Doc, state: str) -> Doc:
    return doc | {"KeyState": state, "Enabled": state == "Enabled"}


def dry_run(request: Any) -> None:
    """To be called when all else has been checked, and before anything is done."""
    if request.get("DryRun"):
        raise AwsError("DryRunOperationException", "The request would have succeeded, but the DryRun option is set.")


def no_recipient(request: Any) -> None:
    if "Recipient" in request:
        raise AwsError("UnsupportedOperationException", "Recipient is not supported here: there are no enclaves.")
