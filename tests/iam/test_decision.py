"""The sentences of https://docs.aws.amazon.com/IAM/latest/UserGuide/troubleshoot_access-denied.html"""

import pytest
from iam.asking import *

from skylab.policy.decision import Decision, Reason, worded
from skylab.policy.request import Request
from skylab.policy.trust import trusts

JOHN = "arn:aws:iam::123456789012:user/JohnDoe"


def said(reason, action, resource="*", source=""):
    statements = policy({"Effect": "Deny"}, source=source).statements
    return worded(Decision(reason, statements), Request(USER, action, resource, HERE), JOHN)


@pytest.mark.parametrize(
    "reason, action, resource, ending",
    [
        ("EXPLICIT_DENY_SCP", "codecommit:ListRepositories", "*", "with an explicit deny in a service control policy"),
        (
            "IMPLICIT_SCP",
            "codecommit:ListRepositories",
            "*",
            "because no service control policy allows the codecommit:ListRepositories action",
        ),
        (
            "EXPLICIT_DENY_RCP",
            "secretsmanager:GetSecretValue",
            "*",
            "with an explicit deny in a resource control policy",
        ),
        (
            "IMPLICIT_BOUNDARY",
            "codedeploy:ListDeployments",
            "arn:aws:codedeploy:us-east-1:123456789012:deploymentgroup:*",
            "on resource: arn:aws:codedeploy:us-east-1:123456789012:deploymentgroup:* because no permissions boundary "
            "allows the codedeploy:ListDeployments action",
        ),
        ("EXPLICIT_DENY_BOUNDARY", "sagemaker:ListModels", "*", "with an explicit deny in a permissions boundary"),
        (
            "IMPLICIT_SESSION",
            "codecommit:ListRepositories",
            "*",
            "because no session policy allows the codecommit:ListRepositories action",
        ),
        ("EXPLICIT_DENY_SESSION", "codedeploy:ListDeployments", "*", "with an explicit deny in a session policy"),
        (
            "IMPLICIT_RESOURCE",
            "secretsmanager:GetSecretValue",
            "*",
            "because no resource-based policy allows the secretsmanager:GetSecretValue action",
        ),
        (
            "EXPLICIT_DENY_RESOURCE",
            "secretsmanager:GetSecretValue",
            "*",
            "with an explicit deny in a resource-based policy",
        ),
        ("IMPLICIT_TRUST", "sts:AssumeRole", "*", "because no role trust policy allows the sts:AssumeRole action"),
        ("EXPLICIT_DENY_TRUST", "sts:AssumeRole", "*", "with an explicit deny in the role trust policy"),
        (
            "IMPLICIT_IDENTITY",
            "codecommit:ListRepositories",
            "*",
            "because no identity-based policy allows the codecommit:ListRepositories action",
        ),
        (
            "EXPLICIT_DENY_IDENTITY",
            "s3:GetObject",
            OBJECT,
            f'on resource: "{OBJECT}" with an explicit deny in an identity-based policy',
        ),
    ],
)
def test_a_denial_says_which_kind_of_policy_it_comes_from(reason, action, resource, ending):
    expected = f"User: {JOHN} is not authorized to perform: {action} {ending}"
    assert said(Reason[reason], action, resource) == expected


def test_an_explicit_deny_names_its_managed_policy():
    arn = "arn:aws:iam::123456789012:policy/Example"
    assert said(Reason.EXPLICIT_DENY_IDENTITY, "a:B", source=arn).endswith(f"policy, with policy ARN: {arn}")
    assert "ARN" not in said(Reason.EXPLICIT_DENY_IDENTITY, "a:B", source="inline")
    assert "ARN" not in said(Reason.EXPLICIT_DENY_RESOURCE, "a:B", source=arn)
    assert "ARN" not in said(Reason.IMPLICIT_IDENTITY, "a:B", source=arn)


@pytest.mark.parametrize(
    "statements, who, context, reason",
    [
        ([{"Principal": {"AWS": HERE}}], USER, {}, Reason.ALLOWED),
        ([{"Principal": {"AWS": THERE}}], USER, {}, Reason.IMPLICIT_TRUST),
        ([{"Principal": "*"}, {"Principal": {"AWS": ANN}, "Effect": "Deny"}], USER, {}, Reason.EXPLICIT_DENY_TRUST),
        ([{"Principal": {"Service": "cloudtrail.amazonaws.com"}}], TRAIL, {}, Reason.ALLOWED),
        ([{"Principal": "*"}], TRAIL, {}, Reason.IMPLICIT_TRUST),
        ([{"Principal": "*", "Condition": {"StringEquals": {"sts:ExternalId": "x"}}}], USER, {}, Reason.IMPLICIT_TRUST),
        (
            [{"Principal": "*", "Condition": {"StringEquals": {"sts:ExternalId": "x"}}}],
            USER,
            {"sts:externalid": ["x"]},
            Reason.ALLOWED,
        ),
        ([{"Principal": "*", "Action": "sts:TagSession"}], USER, {}, Reason.IMPLICIT_TRUST),
    ],
)
def test_a_trust_policy_alone(statements, who, context, reason):
    assert trusts(document(*statements), Request(who, "sts:AssumeRole", ROLE, HERE, context)).reason is reason
