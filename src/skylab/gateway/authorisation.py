"""May the caller do this? Each need of the operation's entry, evaluated in turn; the first that is not allowed refuses.

    the service's access table → needs → for each: policies of the principal, of the resource, condition keys → decision

Nothing is kept of a decision; what is kept are compiled policies (grants.py).
"""

from collections.abc import Callable, Mapping
from functools import partial
from types import ModuleType, SimpleNamespace
from typing import Any

from skylab.gateway.context import Context
from skylab.gateway.grants import Granted, Grants
from skylab.kernel.store import Store
from skylab.policy.decision import Decision, Reason, worded
from skylab.policy.document import Policy
from skylab.policy.evaluate import Policies, evaluate
from skylab.policy.request import Request, Who
from skylab.services.access import Entry, Need
from skylab.services.call import Call, Principal
from skylab.wire.errors import AwsError

Levels = tuple[tuple[Policy, ...], ...]


class Table:
    """A service's access.py."""

    def __init__(self, module: ModuleType | SimpleNamespace) -> None:
        self.entries: Mapping[str, Entry] = module.ACCESS
        self.prefix = next((need.action.partition(":")[0] for entry in self.entries.values() for need in entry), "")
        self.keys = {key.lower(): source for key, source in getattr(module, "COMMON", {}).items()}
        self.required, self.trust = (getattr(module, "POLICY", "") == word for word in ("required", "trust"))
        self.granted: Callable[[Call, str, str, Mapping[str, Any]], bool] = getattr(module, "granted", _never)
        self.hidden: Mapping[str, Need] = getattr(module, "HIDDEN", {})
        self.policy: Callable[[Call, str], str | None] = getattr(module, "resource_policy", _nothing)
        self.tags: Callable[[Call, str], Mapping[str, str]] = getattr(module, "resource_tags", _no_tags)
        self.owner: Callable[[Call, str], str | None] = getattr(module, "resource_owner", _nothing)


def _nothing(call: Call, arn: str) -> None:
    return None


def _never(call: Call, action: str, arn: str, parameters: Mapping[str, Any]) -> bool:
    return False


def _no_tags(call: Call, arn: str) -> Mapping[str, str]:
    return {}


BESIDE = {Reason.IMPLICIT_IDENTITY, Reason.IMPLICIT_RESOURCE}  # what a grant of the service's own makes up for
EMPTY = Table(SimpleNamespace(ACCESS={}))


class Authorisation:
    """tables: by service. organisation: an account's service and resource control policies, level by level."""

    def __init__(
        self,
        store: Store,
        tables: Mapping[str, Table],
        organisation: Callable[[str], tuple[Levels, Levels]] = lambda account: ((), ()),
    ) -> None:
        self.grants, self.tables, self.organisation = Grants(store), tables, organisation

    def authorise(self, call: Call, operation: str, parameters: Mapping[str, Any]) -> None:
        """Raises AwsError (AccessDenied, worded as AWS words it) unless the caller may."""
        entry = self.tables[call.service].entries.get(operation)
        if entry is None:
            raise denied(call.principal, f"{call.service}:{operation}")
        granted: Granted | None = None
        for need in entry:
            if need.asked(call, parameters):
                granted = granted or self.grants.of(call.principal)
                self._demand(call, need, parameters, granted)

    def allowed(self, call: Call, action: str) -> None:
        """An action on any resource, for what has no table. Raises AwsError as authorise()."""
        self._demand(call, Need(action), {}, self.grants.of(call.principal))

    def demand(self, call: Call, need: Need, parameters: Mapping[str, Any]) -> None:
        """One need that an operation found out itself. Raises AwsError as authorise()."""
        self._demand(call, need, parameters, self.grants.of(call.principal))

    def withheld(self, call: Call, parameters: Mapping[str, Any], error: AwsError) -> AwsError:
        """The error, or the denial of knowing it."""
        need = self.tables[call.service].hidden.get(error.code)
        if need is None:
            return error
        try:
            self.demand(call, need, parameters)
        except AwsError as denial:
            return denial
        return error

    def _demand(self, call: Call, need: Need, parameters: Mapping[str, Any], granted: Granted) -> None:
        own = self.tables.get(call.service, EMPTY)
        table = self.tables.get(need.action.partition(":")[0], own)
        for arn in need.resources(call, parameters):
            existing = "" if need.creates else table.owner(call, arn)
            owner = _account_in(arn) or existing or call.principal.account
            tags = partial(table.tags, call, arn)
            context = Context(call, need, parameters, own.keys, owner, granted.tags, tags)
            request = Request(who_of(call.principal), need.action, arn, owner, context)
            attached = table.policy(call, arn) if _held(need, arn, owner, call.principal) else None
            compiled = self.grants.compiled(attached) if attached else None
            decision = self._decide(call.principal, request, granted, compiled, table)
            if decision.allowed:
                continue
            if decision.reason in BESIDE and table.granted(call, need.action, arn, parameters):
                continue
            raise _denial(call.principal, request, decision)

    def _decide(
        self, who: Principal, request: Request, granted: Granted, attached: Policy | None, table: Table
    ) -> Decision:
        organisation, controls = self.organisation(who.account)[0], self.organisation(request.owner)[1]
        return evaluate(
            request,
            Policies(
                identity=granted.identity,
                boundary=granted.boundary,
                session=granted.session,
                resource=attached,
                organisation=organisation,
                resource_controls=controls,
                required=table.required and request.resource != "*",
                trust=table.trust and ":role/" in request.resource,
            ),
        )


def _denial(who: Principal, request: Request, decision: Decision) -> AwsError:
    """AWS's words; S3 tells a stranger nothing."""
    foreign = request.action.startswith("s3:") and (request.owner != who.account or not who.account)
    return AwsError("AccessDenied", "Access Denied" if foreign else worded(decision, request, who.arn), 403)


def denied(who: Principal, action: str) -> AwsError:
    """What nobody is allowed."""
    because = f"because no identity-based policy allows the {action} action"
    return AwsError("AccessDenied", f"User: {who.arn} is not authorized to perform: {action} {because}", 403)


def who_of(principal: Principal) -> Who:
    if principal.type == "AWSService":
        return Who("", service=principal.arn)
    names = {principal.arn} | ({principal.role} if principal.role else set())
    if principal.type == "FederatedUser" and principal.session and principal.session.issuer.arn:
        names.add(principal.session.issuer.arn)
    if principal.type == "Anonymous":
        names = set()
    return Who(principal.account, frozenset(names), root=principal.type == "Root")


def _held(need: Need, arn: str, owner: str, who: Principal) -> bool:
    """Whether the resource's own policy is asked."""
    if arn == "*" or need.creates:
        return False
    return not (need.unlocked and who.type == "Root" and who.account == owner)


def _account_in(arn: str) -> str:
    parts = arn.split(":", 5)
    return parts[4] if len(parts) == 6 and parts[4].isdigit() else ""
