"""The evaluation as tables. Pages, all under https://docs.aws.amazon.com/IAM/latest/UserGuide/:

reference_policies_evaluation-logic_policy-eval-denyallow.html, reference_policies_evaluation-logic-cross-account.html,
access_policies_boundaries.html#access_policies_boundaries-eval-logic, access_policies.html#policies_session
"""

import pytest
from iam.asking import *

from skylab.policy.decision import Reason

ID, B, S, R = Reason.IMPLICIT_IDENTITY, Reason.IMPLICIT_BOUNDARY, Reason.IMPLICIT_SESSION, Reason.IMPLICIT_RESOURCE
OK = Reason.ALLOWED


@pytest.mark.parametrize(
    "policies, reason",
    [
        ({}, ID),
        ({"identity": (ALL,)}, OK),
        ({"identity": (NOTHING, ALL)}, OK),
        ({"identity": (NOTHING,)}, ID),
        ({"identity": (ALL,), "boundary": NOTHING}, B),
        ({"identity": (ALL,), "boundary": ALL}, OK),
        ({"boundary": ALL}, ID),
        ({"identity": (ALL,), "session": ()}, S),
        ({"identity": (ALL,), "session": (NOTHING,)}, S),
        ({"identity": (ALL,), "session": (NOTHING, ALL)}, OK),
        ({"session": (ALL,)}, ID),
        ({"identity": (ALL,), "boundary": NOTHING, "session": (NOTHING,)}, B),
        ({"identity": (ALL,), "organisation": ((ALL,), (ALL,))}, OK),
        ({"identity": (ALL,), "organisation": ((ALL,), (NOTHING,))}, Reason.IMPLICIT_SCP),
        ({"identity": (ALL,), "organisation": ((NOTHING,), (ALL,))}, Reason.IMPLICIT_SCP),
        ({"identity": (ALL,), "organisation": ((),)}, Reason.IMPLICIT_SCP),
        ({"identity": (ALL,), "resource_controls": ((NOTHING,),)}, Reason.IMPLICIT_RCP),
        ({"organisation": ((ALL,),)}, ID),
    ],
)
def test_within_an_account_an_identity_needs_an_allow_and_every_limit_must_join_it(policies, reason):
    assert ask(ROLE_SESSION, **policies).reason is reason


@pytest.mark.parametrize(
    "who, principal, policies, reason",
    [
        # a user named itself, and not by its account: neither identity nor boundary limits
        (USER, ANN, {}, OK),
        (USER, ANN, {"boundary": NOTHING}, OK),
        (USER, "*", {"boundary": NOTHING}, OK),
        (USER, ROOT, {}, ID),
        (USER, HERE, {}, ID),
        (USER, HERE, {"identity": (ALL,)}, OK),
        (USER, ANN + "a", {}, ID),
        # a role's ARN adds to what the role may: boundary and session limit it
        (ROLE_SESSION, ROLE, {}, OK),
        (ROLE_SESSION, ROLE, {"boundary": NOTHING}, B),
        (ROLE_SESSION, ROLE, {"boundary": ALL, "session": (NOTHING,)}, S),
        (ROLE_SESSION, ROLE, {"boundary": ALL, "session": (ALL,)}, OK),
        # a session's ARN is the one who asks
        (ROLE_SESSION, SESSION, {"boundary": NOTHING, "session": (NOTHING,)}, OK),
        (ROLE_SESSION, "*", {"boundary": NOTHING, "session": (NOTHING,)}, OK),
        (ROLE_SESSION, SESSION + "2", {"session": (ALL,)}, ID),
        # federated users are limited by what their session was given
        (FEDERATED_USER, FEDERATED, {"session": (NOTHING,)}, OK),
        (FEDERATED_USER, ANN, {"session": (NOTHING,)}, S),
        (FEDERATED_USER, ANN, {"session": (ALL,)}, OK),
        (FEDERATED_USER, ANN, {"boundary": NOTHING, "session": (ALL,)}, B),
        (FEDERATED_USER, THERE, {"identity": (ALL,)}, S),
        # what an organisation does not allow nobody else can
        (USER, ANN, {"organisation": ((NOTHING,),)}, Reason.IMPLICIT_SCP),
        (ROLE_SESSION, SESSION, {"resource_controls": ((NOTHING,),)}, Reason.IMPLICIT_RCP),
        # root
        (ROOT_USER, THERE, {}, OK),
        (ROOT_USER, THERE, {"organisation": ((NOTHING,),)}, Reason.IMPLICIT_SCP),
    ],
)
def test_within_an_account_a_resources_policy_allows_by_whom_it_names(who, principal, policies, reason):
    assert ask(who, **policies | {"resource": to(principal)}).reason is reason


@pytest.mark.parametrize(
    "who, policies, reason",
    [
        (USER, {"resource": to(ANN)}, ID),
        (USER, {"resource": to("*")}, ID),
        (USER, {"identity": (ALL,)}, R),
        (USER, {"identity": (ALL,), "resource": NOTHING}, R),
        (USER, {"identity": (ALL,), "resource": to(ANN)}, OK),
        (USER, {"identity": (ALL,), "resource": to(HERE)}, OK),
        (USER, {"identity": (ALL,), "resource": to("*")}, OK),
        (USER, {"identity": (ALL,), "resource": to(THERE)}, R),
        (USER, {"identity": (ALL,), "boundary": NOTHING, "resource": to(ANN)}, B),
        (ROLE_SESSION, {"identity": (ALL,), "session": (NOTHING,), "resource": to(SESSION)}, S),
        (ROLE_SESSION, {"identity": (ALL,), "resource": to(ROLE)}, OK),
        (ROOT_USER, {}, R),
        (ROOT_USER, {"resource": to(ROOT)}, OK),
        (USER, {"identity": (ALL,), "resource": to(ANN), "organisation": ((NOTHING,),)}, Reason.IMPLICIT_SCP),
        (USER, {"identity": (ALL,), "resource": to(ANN), "resource_controls": ((NOTHING,),)}, Reason.IMPLICIT_RCP),
    ],
)
def test_across_accounts_both_must_allow(who, policies, reason):
    assert ask(who, owner=THERE, **policies).reason is reason


@pytest.mark.parametrize(
    "policies, reason",
    [
        ({"identity": (ALL,)}, R),
        ({"identity": (ALL,), "resource": NOTHING}, R),
        ({"identity": (ALL,), "resource": to(HERE)}, OK),
        ({"resource": to(HERE)}, ID),
        ({"resource": to(ANN)}, OK),
    ],
)
def test_a_key_policy_must_allow_or_hand_over_to_the_account(policies, reason):
    """https://docs.aws.amazon.com/kms/latest/developerguide/key-policy-default.html#key-policy-default-allow-root-enable-iam"""
    assert ask(required=True, **policies).reason is reason


@pytest.mark.parametrize(
    "who, trust, identity, reason",
    [
        (USER, to(ANN), (), OK),
        (USER, to(HERE), (), ID),
        (USER, to(HERE), (ALL,), OK),
        (USER, to(THERE), (ALL,), Reason.IMPLICIT_TRUST),
        (USER, to(ANN, effect="Deny"), (ALL,), Reason.EXPLICIT_DENY_TRUST),
        (ROLE_SESSION, to(ROLE), (), OK),
    ],
)
def test_a_trust_policy_must_allow(who, trust, identity, reason):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-denyallow.html"""
    assert ask(who, "sts:AssumeRole", on=ROLE, identity=identity, resource=trust, trust=True).reason is reason


@pytest.mark.parametrize("who", [USER, ROLE_SESSION, ROOT_USER, FEDERATED_USER])
@pytest.mark.parametrize(
    "denying, reason",
    [
        ({"identity": (ALL, DENY)}, Reason.EXPLICIT_DENY_IDENTITY),
        ({"boundary": DENY}, Reason.EXPLICIT_DENY_BOUNDARY),
        ({"session": (ALL, DENY)}, Reason.EXPLICIT_DENY_SESSION),
        ({"organisation": ((ALL,), (ALL, DENY))}, Reason.EXPLICIT_DENY_SCP),
        ({"resource_controls": ((ALL, DENY),)}, Reason.EXPLICIT_DENY_RCP),
        ({"resource": policy({"Principal": "*"}, {"Principal": "*", "Effect": "Deny"})}, Reason.EXPLICIT_DENY_RESOURCE),
    ],
)
def test_a_deny_anywhere_wins(who, denying, reason):
    every = {"identity": (ALL,), "boundary": ALL, "session": (ALL,), "resource": policy({"Principal": "*"})}
    assert ask(who, **every).allowed
    decision = ask(who, **every | denying)
    assert decision.reason is reason and not any(statement.allows for statement in decision.statements)


def test_organisations_do_not_bind_service_linked_roles():
    """https://docs.aws.amazon.com/organizations/latest/userguide/orgs_manage_policies_scps.html#scp-effects-on-permissions"""
    role = f"arn:aws:iam::{HERE}:role/aws-service-role/sagemaker.amazonaws.com/AWSServiceRoleForSageMaker"
    linked = Who(HERE, frozenset([role, f"arn:aws:sts::{HERE}:assumed-role/AWSServiceRoleForSageMaker/s"]))
    controls = {"organisation": ((DENY,),), "resource_controls": ((DENY,),)}
    assert ask(linked, identity=(ALL,), **controls).allowed
    assert not ask(ROLE_SESSION, identity=(ALL,), **controls).allowed


def test_the_anonymous_and_services_have_only_the_resources_policy():
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_principal.html"""
    assert ask(ANONYMOUS, resource=to("*")).allowed
    assert ask(ANONYMOUS, resource=to(ANN), identity=(ALL,)).reason is R
    delivery = policy({"Principal": {"Service": ["cloudtrail.amazonaws.com"]}})
    assert ask(TRAIL, resource=delivery).allowed
    assert ask(Who("", service="config.amazonaws.com"), resource=delivery).reason is R
    assert ask(TRAIL, resource=delivery, resource_controls=((DENY,),)).reason is Reason.EXPLICIT_DENY_RCP


def test_a_service_is_denied_with_everybody_but_allowed_only_by_name():
    """reference_policies_condition-keys.html#condition-keys-principalisawsservice denies with "Principal": "*"."""
    assert ask(TRAIL, resource=to("*")).reason is R
    named = {"Principal": {"Service": "cloudtrail.amazonaws.com"}}
    assert (
        ask(TRAIL, resource=policy(named, {"Principal": "*", "Effect": "Deny"})).reason is Reason.EXPLICIT_DENY_RESOURCE
    )


def test_a_decision_shows_the_statements_that_made_it():
    reading = policy({"Sid": "Read", "Action": "s3:Get*"}, {"Sid": "Write", "Action": "s3:Put*"}, source="first")
    both = policy({"Sid": "All"}, {"Sid": "No", "Effect": "Deny", "Action": "s3:GetBucketPolicy"}, source="second")
    found = ask(identity=(reading, both)).statements
    assert [(each.source, each.index, each.sid) for each in found] == [("first", 0, "Read"), ("second", 0, "All")]
    assert [each.sid for each in ask(action="s3:GetBucketPolicy", identity=(reading, both)).statements] == ["No"]
    assert ask(action="sqs:SendMessage", identity=(reading,)).statements == ()
