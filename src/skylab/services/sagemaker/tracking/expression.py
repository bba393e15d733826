"""Search expressions, made into one function that says whether a document is wanted.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_SearchExpression.html
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from typing import Any

from skylab.services.sagemaker.tracking import paths
from skylab.services.sagemaker.tracking.paths import Property
from skylab.services.sagemaker.tracking.subjects import Beside, Subject
from skylab.wire.errors import invalid

Test = Callable[[Any, Beside], bool]
Compare = Callable[[Any, Any], bool]
MOST = 50  # filters, nested filters and expressions in all
ORDERED: dict[str, Compare] = {
    "GreaterThan": operator.gt,
    "GreaterThanOrEqualTo": operator.ge,
    "LessThan": operator.lt,
    "LessThanOrEqualTo": operator.le,
}


def compiled(subject: Subject, expression: Mapping[str, Any]) -> Test:
    """Raises AwsError."""
    if _count(expression) > MOST:
        raise invalid(f"A SearchExpression can have {MOST} filters, nested filters and subexpressions at most.")
    return _expression(subject, expression)


def _count(expression: Mapping[str, Any]) -> int:
    inner = expression.get("SubExpressions", [])
    nested = expression.get("NestedFilters", [])
    own = len(expression.get("Filters", [])) + sum(1 + len(each["Filters"]) for each in nested) + len(inner)
    return own + sum(map(_count, inner))


def _expression(subject: Subject, expression: Mapping[str, Any]) -> Test:
    tests = [_filter(paths.named(subject, each["Name"]), each) for each in expression.get("Filters", [])]
    tests += [_nested(subject, each) for each in expression.get("NestedFilters", [])]
    tests += [_expression(subject, each) for each in expression.get("SubExpressions", [])]
    if not tests:
        raise invalid("A SearchExpression must have at least one subexpression, filter, or nested filter.")
    if expression.get("Operator", "And").lower() == "or":
        return lambda doc, beside: any(test(doc, beside) for test in tests)
    return lambda doc, beside: all(test(doc, beside) for test in tests)


def _nested(subject: Subject, nested: Mapping[str, Any]) -> Test:
    """Satisfied by one item of the list that satisfies all its filters."""
    name = nested["NestedPropertyName"]
    every = paths.items(subject, name)
    tests = [_filter(paths.nested(subject, name, each["Name"]), each) for each in nested["Filters"]]
    return lambda doc, beside: any(all(test(item, beside) for test in tests) for item in every.read(doc, beside))


def _filter(found: Property, given: Mapping[str, Any]) -> Test:
    how = given.get("Operator", "Equals")
    if how == "Exists":
        return lambda doc, beside: any(True for _ in found.read(doc, beside))
    if how == "NotExists":
        return lambda doc, beside: not any(True for _ in found.read(doc, beside))
    if "Value" not in given:
        raise invalid(f"The filter {found.name} needs a Value for the operator {how}.")
    if how == "NotEquals":
        equal = _compared(found, "Equals", given["Value"])
        return lambda doc, beside: not equal(found.read(doc, beside))
    compare = _compared(found, how, given["Value"])
    return lambda doc, beside: compare(found.read(doc, beside))


def _compared(found: Property, how: str, value: str) -> Callable[[Iterable[Any]], bool]:
    """Whether one of a property's values is as wanted. Raises AwsError where the two do not go together."""
    if how in ("Contains", "In"):
        if found.kind not in ("text", "any"):
            raise invalid(f"The operator {how} is not supported for the property {found.name}, which is no text.")
        if how == "Contains":
            return lambda values: any(value in str(each) for each in values)
        wanted = [each.strip() for each in value.split(",")]
        return lambda values: any(str(each) in wanted for each in values)
    if how in ORDERED and found.kind in ("text", "boolean", "structure"):
        raise invalid(f"The operator {how} is not supported for the property {found.name}, which is a text.")
    compare: Compare = ORDERED.get(how, operator.eq)
    if found.kind == "any":
        return _either(compare, value)
    read = _value(found, value)
    if found.kind == "boolean":
        return lambda values: any(bool(each) is read for each in values)
    return lambda values: any(compare(each, read) for each in values)


def _value(found: Property, text: str) -> Any:
    try:
        if found.kind == "number":
            return float(text)
        if found.kind == "time":
            time = datetime.fromisoformat(text)
            return time if time.tzinfo else time.replace(tzinfo=UTC)
    except ValueError:
        word = "a number" if found.kind == "number" else "an ISO 8601 date-time"
        raise invalid(f"The value {text} of the filter {found.name} is not {word}.") from None
    if found.kind == "boolean":
        if text.lower() not in ("true", "false"):
            raise invalid(f"The value {text} of the filter {found.name} is neither true nor false.")
        return text.lower() == "true"
    return text


def _either(compare: Compare, text: str) -> Callable[[Iterable[Any]], bool]:
    """Hyperparameters and parameters: as numbers where both are, and as whole numbers where the wanted one is whole."""
    wanted, whole = _number(text), text.lstrip("+-").isdigit()

    def satisfied(value: Any) -> bool:
        number = _number(value)
        if wanted is None or number is None:
            return compare is operator.eq and str(value) == text
        return compare(float(int(number)) if whole else number, wanted)

    return lambda values: any(satisfied(each) for each in values)


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError):
        return None
    return number if abs(number) < float("inf") else None
