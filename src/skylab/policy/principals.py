"""The Principal and NotPrincipal elements: whom a statement of a resource's policy means, and how closely.

How closely decides what else must allow: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html
and the table of https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import IntEnum

from skylab.policy.request import Who


class Grasp(IntEnum):
    NONE = 0
    ACCOUNT = 1  # the caller's account is meant: its own policies say who of it may
    ENTITY = 2  # the role or user behind a session is: its boundary and the session's policies limit it
    DIRECT = 3  # the caller itself is


@dataclass(frozen=True, slots=True)
class Principals:
    """names: ARNs, account ids as their root's ARN, unique and canonical ids. excluded: of a NotPrincipal."""

    names: frozenset[str] = frozenset()
    services: frozenset[str] = frozenset()
    federated: frozenset[str] = frozenset()
    everyone: bool = False
    excluded: bool = False

    def allow(self, who: Who) -> Grasp:
        """How an Allow means who. Everybody are users, roles and the anonymous: services and those who come from an
        identity provider only by name."""
        if self.excluded:
            return Grasp.NONE if self._named(who) or who.service or who.federated else Grasp.DIRECT
        if self.everyone and not who.service and not who.federated:
            return Grasp.DIRECT
        return self._named(who)

    def deny(self, who: Who) -> bool:
        """Whether a Deny means who. A NotPrincipal spares only whom it names at every level: account, role, session."""
        if not self.excluded:
            return self.everyone or self._named(who) > Grasp.NONE
        if self.everyone or who.service in self.services or who.federated in self.federated:
            return False
        return not all(not self.names.isdisjoint(level) for level in _levels(who))

    def _named(self, who: Who) -> Grasp:
        if who.service in self.services or who.federated in self.federated:
            return Grasp.DIRECT
        if own := self.names & who.arns:
            return Grasp.DIRECT if not sessions(who.arns) or sessions(own) else Grasp.ENTITY
        if has_policies(who) and root(who.account) in self.names:
            return Grasp.DIRECT if who.root else Grasp.ACCOUNT
        return Grasp.NONE


def has_policies(who: Who) -> bool:
    """Services, those who come from an identity provider and the anonymous have none of their own, and no account that
    a policy could hand over to."""
    return bool(who.arns or who.root) and not who.service and not who.federated


def root(account: str) -> str:
    return f"arn:aws:iam::{account}:root"


def sessions(arns: Iterable[str]) -> list[str]:
    """Those that are names of sessions, not of the role or user behind them."""
    return [arn for arn in arns if ":assumed-role/" in arn or ":federated-user/" in arn]


def _levels(who: Who) -> list[set[str]]:
    """The names of the caller's account, of its role or user, and of its session; an anonymous caller has no name."""
    own = set(sessions(who.arns))
    account = root(who.account)
    levels = [{account} if has_policies(who) else set(), set(who.arns) - own - {account}, own]
    return [level for level in levels if level] or [set()]


def principals(members: dict[str, list[str]], everyone: bool, excluded: bool) -> Principals:
    """members: of the element, checked: AWS, Service, Federated, CanonicalUser."""
    named, canonical = members.get("AWS", []), members.get("CanonicalUser", [])
    return Principals(
        frozenset([*(root(name) if name.isdigit() else name for name in named), *canonical]),
        frozenset(members.get("Service", [])),
        frozenset(members.get("Federated", [])) - {""},  # what those who come from no provider are called
        everyone or "*" in named,
        excluded,
    )
