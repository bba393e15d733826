"""The Condition element: tests that must all hold; each asks one key of the request's context.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_condition_operators.html and, for keys of
many values, https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_condition-single-vs-multi-valued-context-keys.html
"""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from skylab.policy.operators import OPERATORS, Matcher
from skylab.policy.variables import Context, Template, template

IF_EXISTS = "ifexists"


class Set(Enum):
    NONE = ""
    ANY = "foranyvalue:"
    ALL = "forallvalues:"


@dataclass(frozen=True, slots=True)
class Test:
    """key: in lower case. match: whether a value of the request is one of the policy's. keys: as written."""

    key: str
    match: Matcher
    negated: bool
    of: Set
    if_exists: bool
    keys: tuple[str, ...]

    def holds(self, context: Context) -> bool:
        values = context.get(self.key)
        if not values or (self.of is not Set.NONE and not any(values)):
            return self._holds_without()
        if self.of is Set.NONE:
            return any(self.match(value, context) for value in values) != self.negated
        holding = (self.match(value, context) != self.negated for value in values)
        return any(holding) if self.of is Set.ANY else all(holding)

    def _holds_without(self) -> bool:
        """Where the key is absent, or its values are nothing."""
        if self.if_exists or self.of is Set.ALL:
            return True
        return self.negated and self.of is Set.NONE


@dataclass(frozen=True, slots=True)
class Null(Test):
    """Whether a key is absent; a value that is nothing is the same."""

    def holds(self, context: Context) -> bool:
        absent = not any(context.get(self.key, ()))
        return self.match("true" if absent else "false", context)


def compiled(operator: str, key: str, values: Sequence[str], variables: bool) -> Test:
    """variables: the policy's version knows them. Raises KeyError for an operator that is none, ValueError for a value
    that its operator cannot read."""
    name, of, if_exists = _taken_apart(operator)
    kind = OPERATORS[name]
    taken = variables and kind.variables
    texts: list[str | Template] = [(template(value) if taken else None) or value for value in values]
    keys = (key, *(each for text in texts if isinstance(text, Template) for each in text.keys))
    if name == "null" and if_exists:
        raise KeyError(operator)
    test = Null if name == "null" else Test
    return test(key.lower(), kind.make(texts), kind.negated, of, if_exists, keys)


def _taken_apart(operator: str) -> tuple[str, Set, bool]:
    name = operator.lower()
    of = next((each for each in (Set.ANY, Set.ALL) if name.startswith(each.value)), Set.NONE)
    name = name.removeprefix(of.value)
    return name.removesuffix(IF_EXISTS), of, name.endswith(IF_EXISTS)
