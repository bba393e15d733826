"""A statement, compiled: every question to it is a look-up or a pass over its few patterns."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from skylab.policy.conditions import Test
from skylab.policy.patterns import Patterns
from skylab.policy.principals import Principals
from skylab.policy.resources import Resources
from skylab.policy.variables import Context


@dataclass(frozen=True, slots=True, eq=False)
class Statement:
    """written: as it stands in the document. index: its place there. source: the policy's, see parse()."""

    written: Mapping[str, Any]
    index: int
    source: str
    allows: bool
    actions: Patterns  # in lower case
    but_actions: bool  # they are a NotAction
    resources: Resources | None  # None: the resource that the policy is attached to
    but_resources: bool
    principals: Principals | None  # None in a policy that is attached to who it is about
    tests: tuple[Test, ...]

    def match(self, action: str, resource: str, context: Context) -> bool:
        """But for the principals. action: in lower case."""
        return (
            self.actions.match(action) != self.but_actions
            and (self.resources is None or self.resources.match(resource, context) != self.but_resources)
            and all(test.holds(context) for test in self.tests)
        )

    @property
    def sid(self) -> str:
        return self.written.get("Sid", "")

    @property
    def keys(self) -> list[str]:
        """The condition keys it asks for, as they are written, in its conditions and variables."""
        tested = [key for test in self.tests for key in test.keys]
        return tested + (self.resources.keys if self.resources else [])
