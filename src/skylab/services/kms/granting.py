"""What grants allow: https://docs.aws.amazon.com/kms/latest/developerguide/grants.html"""

from typing import Any

from skylab.kernel.key import Key
from skylab.services.access import Parameters
from skylab.services.call import Call, Principal
from skylab.services.kms.grants import of_key, retired
from skylab.wire.errors import AwsError

_EQUALS, _SUBSET = "EncryptionContextEquals", "EncryptionContextSubset"
_CONTEXTS = {"ReEncryptFrom": "SourceEncryptionContext", "ReEncryptTo": "DestinationEncryptionContext"}
_UNCONSTRAINED = {"DescribeKey", "RetireGrant"}  # an encryption context constraint is not about these


def allows(call: Call, operation: str, key: Key, parameters: Parameters) -> bool:
    """Whether some grant on the key lets the caller do this. operation: "Decrypt", "ReEncryptFrom" …"""
    who = names(call.principal)
    if operation == "RetireGrant":
        return _may_retire(call, who, parameters)
    with call.reading() as tx:
        grants = of_key(tx, key)
    source = getattr(call.principal, "source_arn", None)
    return any(
        _is_for(who, grant)
        and grant.get("Constraints", {}).get("SourceArn", source) == source
        and _covers(grant, operation, parameters)
        for grant in grants
    )


def names(who: Principal) -> set[str]:
    """All by which a grant may mean the caller: a role's grant is good for each of its sessions."""
    return {who.arn, *([who.role] if who.role else [])}


def _is_for(who: set[str], grant: dict[str, Any]) -> bool:
    return bool({grant.get("GranteePrincipal"), grant.get("GranteeServicePrincipal")} & who)


def _may_retire(call: Call, who: set[str], parameters: Parameters) -> bool:
    with call.reading() as tx:
        try:
            grant = tx.get(retired(tx, call, parameters))
        except AwsError:
            return False  # the operation says what is wrong, to who may know
    by_grantee = _is_for(who, grant) and "RetireGrant" in grant["Operations"]
    return by_grantee or bool({grant.get("RetiringPrincipal"), grant.get("RetiringServicePrincipal")} & who)


def _covers(grant: dict[str, Any], operation: str, parameters: Parameters) -> bool:
    if operation not in grant["Operations"]:
        return False
    constraints = grant.get("Constraints", {})
    if operation == "CreateGrant":
        inside = set(parameters["Operations"]) <= set(grant["Operations"])
        return inside and _stricter(parameters.get("Constraints", {}), constraints)
    if operation in _UNCONSTRAINED:
        return True
    return _within(parameters.get(_CONTEXTS.get(operation, "EncryptionContext"), {}), constraints)


def _within(context: dict[str, str], constraints: dict[str, Any]) -> bool:
    if _EQUALS in constraints:
        return bool(context == constraints[_EQUALS])
    return bool(constraints.get(_SUBSET, {}).items() <= context.items())


def _stricter(child: dict[str, Any], parent: dict[str, Any]) -> bool:
    """Whether all that the child's constraint lets pass, the parent's does too."""
    if _EQUALS in child:
        return _within(child[_EQUALS], parent)
    if _EQUALS in parent:
        return False
    return bool(parent.get(_SUBSET, {}).items() <= child.get(_SUBSET, {}).items())
