"""Conditions of a Condition step: how they are checked, and whether they hold."""

import operator
from collections.abc import Callable
from typing import Any

from skylab.services.sagemaker.pipelines.language.expressions import SCALARS, is_expression
from skylab.services.sagemaker.pipelines.language.words import unreadable

COMPARED: dict[str, Callable[[Any, Any], Any]] = {
    "Equals": operator.eq,
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}
MEMBERS = {
    **dict.fromkeys(COMPARED, ("LeftValue", "RightValue")),
    "In": ("QueryValue", "Values"),
    "Not": ("Condition",),
    "Or": ("Conditions",),
}
Value = Callable[[Any], Any]


class Incomparable(Exception):
    """Two values have no order."""


def check(condition: Any) -> None:
    """Its form; what its values refer to is checked with all expressions. Raises AwsError."""
    if not isinstance(condition, dict):
        raise unreadable("Expecting start of Json Object.")
    type = condition.get("Type")
    if not isinstance(type, str) or type not in MEMBERS:
        raise unreadable(f"Unknown condition type [{type}].")
    for member in condition.keys() - {"Type", *MEMBERS[type]}:
        raise unreadable(f"Unknown Condition member '{member}'.")
    for member in MEMBERS[type]:
        if member not in condition:
            raise unreadable(f"Condition [{type}] has no [{member}].")
        _check_member(member, condition[member])


def _check_member(member: str, value: Any) -> None:
    if member == "Condition":
        check(value)
    elif member in ("Conditions", "Values"):
        if not isinstance(value, list):
            raise unreadable("Expecting start of Json Array.")
        for item in value:
            check(item) if member == "Conditions" else _check_value(item)
    else:
        _check_value(value)


def _check_value(value: Any) -> None:
    if not is_expression(value) and not isinstance(value, SCALARS):
        raise unreadable("A condition compares primitives and functions.")


def holds(condition: dict[str, Any], value: Value) -> bool:
    """value: what an expression comes to. Raises Incomparable."""
    type = condition["Type"]
    if type == "Not":
        return not holds(condition["Condition"], value)
    if type == "Or":
        return any(holds(each, value) for each in condition["Conditions"])
    if type == "In":
        query = value(condition["QueryValue"])
        return any(_compared("Equals", query, value(item)) for item in condition["Values"])
    return _compared(type, value(condition["LeftValue"]), value(condition["RightValue"]))


def _compared(type: str, left: Any, right: Any) -> bool:
    """A number and a text that reads as a number are compared as numbers: what a Join makes is a text."""
    if isinstance(left, str) != isinstance(right, str):
        left, right = _number(left), _number(right)
    if isinstance(left, bool) != isinstance(right, bool) and type != "Equals":
        raise Incomparable(f"{left!r} and {right!r} cannot be compared.")
    try:
        return bool(COMPARED[type](left, right))
    except TypeError:
        raise Incomparable(f"{left!r} and {right!r} cannot be compared.") from None


def _number(value: Any) -> Any:
    if isinstance(value, str):
        if value.lower() in ("true", "false"):
            return value.lower() == "true"
        try:
            return float(value)
        except ValueError:
            return value
    return value
