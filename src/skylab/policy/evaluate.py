"""AWS's evaluation of a request: first every Deny, then who has to allow.

    any Deny of any policy                          denied
    resource control, service control policies      each level must allow
    same account    the resource's policy allows the caller itself, or else
                    (it allows the caller's role, or the identity's policies allow), and the boundary, and the session's
    two accounts    the identity's policies, the boundary and the session's allow, and the resource's policy does

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
"""

from collections.abc import Iterable
from dataclasses import dataclass

from skylab.policy.decision import Decision, Reason
from skylab.policy.document import Policy
from skylab.policy.principals import Grasp, has_policies
from skylab.policy.request import Request, Who
from skylab.policy.statement import Statement

Levels = tuple[tuple[Policy, ...], ...]


@dataclass(frozen=True, slots=True)
class Policies:
    """All that bear on one request.

    session: None where the session was made without any; more than one allow together.
    organisation: the caller's service control policies, resource_controls: those of the resource's account, from the
    organisation's root down: each level must allow. None for a management account, which they do not bind.
    required: without an Allow of the resource's policy nobody is allowed, as with KMS keys.
    trust: resource is a role's trust policy, which is required too.
    """

    identity: tuple[Policy, ...] = ()
    boundary: Policy | None = None
    session: tuple[Policy, ...] | None = None
    resource: Policy | None = None
    organisation: Levels = ()
    resource_controls: Levels = ()
    required: bool = False
    trust: bool = False


class Said:
    """What the policies of one kind say to a request."""

    __slots__ = ("allows", "denies", "grasp")

    def __init__(self, request: Request, policies: Iterable[Policy], of_resource: bool = False) -> None:
        """of_resource: their statements say whom they mean."""
        self.allows: list[Statement] = []
        self.denies: list[Statement] = []
        self.grasp = Grasp.NONE  # how closely the Allows of a resource's policy mean the caller
        action, resource, context = request.action.lower(), request.resource, request.context
        vendor = action.partition(":")[0]
        for policy in policies:
            for statement in policy.about(vendor):
                if statement.match(action, resource, context):
                    self._add(statement, request.who, of_resource)

    def _add(self, statement: Statement, who: Who, of_resource: bool) -> None:
        whom = statement.principals
        if not of_resource:
            (self.allows if statement.allows else self.denies).append(statement)
        elif not statement.allows:
            if whom is None or whom.deny(who):
                self.denies.append(statement)
        elif whom is not None and (grasp := whom.allow(who)):
            self.allows.append(statement)
            self.grasp = max(self.grasp, grasp)


def evaluate(request: Request, policies: Policies) -> Decision:
    """Never raises, whatever the context holds."""
    evaluation = _Evaluation(request, policies)
    return evaluation.denied() or evaluation.controlled() or evaluation.granted()


class _Evaluation:
    def __init__(self, request: Request, given: Policies) -> None:
        self.who = request.who
        self.owner = request.owner
        self.given = given
        linked = any(":role/aws-service-role/" in arn for arn in self.who.arns)
        self.service_controls = [Said(request, level) for level in given.organisation if not linked]
        self.resource_controls = [Said(request, level) for level in given.resource_controls if not linked]
        self.resource = Said(request, (given.resource,) if given.resource else (), of_resource=True)
        self.identity = Said(request, given.identity)
        self.boundary = Said(request, (given.boundary,)) if given.boundary else None
        self.session = None if given.session is None else Said(request, given.session)
        if self.session is None and any(":federated-user/" in arn for arn in self.who.arns):
            self.session = Said(request, ())  # a federated user may do what its session's policies allow, and no more

    def denied(self) -> Decision | None:
        of_resource = Reason.EXPLICIT_DENY_TRUST if self.given.trust else Reason.EXPLICIT_DENY_RESOURCE
        for reason, said in [
            *((Reason.EXPLICIT_DENY_RCP, level) for level in self.resource_controls),
            *((Reason.EXPLICIT_DENY_SCP, level) for level in self.service_controls),
            (of_resource, self.resource),
            (Reason.EXPLICIT_DENY_IDENTITY, self.identity),
            (Reason.EXPLICIT_DENY_BOUNDARY, self.boundary),
            (Reason.EXPLICIT_DENY_SESSION, self.session),
        ]:
            if said and said.denies:
                return Decision(reason, tuple(said.denies))
        return None

    def controlled(self) -> Decision | None:
        if not all(level.allows for level in self.resource_controls):
            return self._implicit(Reason.IMPLICIT_RCP)
        if not all(level.allows for level in self.service_controls):
            return self._implicit(Reason.IMPLICIT_SCP)
        return None

    def granted(self) -> Decision:
        resource = Reason.IMPLICIT_TRUST if self.given.trust else Reason.IMPLICIT_RESOURCE
        if not has_policies(self.who):
            return self._implicit(None if self.resource.grasp else resource)
        if self.who.account != self.owner:
            return self._implicit(self._of_identity(Grasp.NONE) or (None if self.resource.grasp else resource))
        if (self.given.required or self.given.trust) and not self.resource.grasp:
            return self._implicit(resource)
        if self.resource.grasp is Grasp.DIRECT:
            return self._implicit(None)
        return self._implicit(self._of_identity(self.resource.grasp))

    def _of_identity(self, grasp: Grasp) -> Reason | None:
        """What of the caller's own policies does not allow; None if all do."""
        if not (self.who.root or grasp is Grasp.ENTITY or self.identity.allows):
            return Reason.IMPLICIT_IDENTITY
        if self.boundary and not self.boundary.allows:
            return Reason.IMPLICIT_BOUNDARY
        if self.session and not self.session.allows:
            return Reason.IMPLICIT_SESSION
        return None

    def _implicit(self, reason: Reason | None) -> Decision:
        """reason: of the denial; None allows. With the statements that allow, but for the organisation's."""
        allows = [*self.identity.allows, *self.resource.allows]
        for said in (self.boundary, self.session):
            allows += said.allows if said else []
        return Decision(reason or Reason.ALLOWED, tuple(allows))
