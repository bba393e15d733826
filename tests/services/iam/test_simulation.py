"""https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html and its EvaluationResult."""

import json

import pytest
from botocore.exceptions import ClientError
from conftest import connect

ACCOUNT = "000000000000"
KEY = "arn:aws:s3:::data/a.csv"


@pytest.fixture
def iam(cloud):
    return connect(cloud, "iam")


def policy(*statements, **form):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)}, **form)


def says(effect, action, resource="*", **members):
    return {"Effect": effect, "Action": action, "Resource": resource, **members}


def refused(call, **request):
    with pytest.raises(ClientError) as caught:
        call(**request)
    return caught.value.response["Error"]["Code"]


def decisions(answer):
    return {
        (each["EvalActionName"], each["EvalResourceName"]): each["EvalDecision"] for each in answer["EvaluationResults"]
    }


def test_each_action_on_each_resource_is_decided(iam):
    text = policy(says("Allow", "s3:*", "arn:aws:s3:::data/*"), says("Deny", "s3:DeleteObject"))
    answer = iam.simulate_custom_policy(
        PolicyInputList=[text],
        ActionNames=["s3:GetObject", "s3:DeleteObject"],
        ResourceArns=[KEY, "arn:aws:s3:::other/k"],
    )
    assert decisions(answer) == {
        ("s3:GetObject", KEY): "allowed",
        ("s3:GetObject", "arn:aws:s3:::other/k"): "implicitDeny",
        ("s3:DeleteObject", KEY): "explicitDeny",
        ("s3:DeleteObject", "arn:aws:s3:::other/k"): "explicitDeny",
    }
    first = answer["EvaluationResults"][0]["ResourceSpecificResults"]
    assert first[0]["EvalResourceName"] == KEY and first[0]["EvalResourceDecision"] == "allowed"


def test_a_matched_statement_is_found_in_its_text(iam):
    text = policy(says("Allow", "s3:GetObject"), says("Deny", "s3:PutObject"), indent=1)
    answer = iam.simulate_custom_policy(PolicyInputList=[text], ActionNames=["s3:PutObject"])
    (statement,) = answer["EvaluationResults"][0]["MatchedStatements"]
    assert (statement["SourcePolicyId"], statement["SourcePolicyType"]) == ("PolicyInputList.1", "none")
    start, end = statement["StartPosition"], statement["EndPosition"]
    lines = text.split("\n")
    assert lines[start["Line"] - 1][: start["Column"] - 1].strip() == "{"  # AWS gives the column behind the brace
    assert lines[end["Line"] - 1][: end["Column"] - 1].strip() == "}"
    shown = "{" + "\n".join(lines[start["Line"] : end["Line"]])
    assert json.loads(shown) == says("Deny", "s3:PutObject")


def test_a_missing_context_value_is_named_and_a_given_one_counts(iam):
    condition = {"StringEquals": {"s3:prefix": "home/${aws:username}"}}
    text = policy(says("Allow", "s3:ListBucket", Condition=condition, Resource="arn:aws:s3:::${aws:username}-data"))

    def simulate(*entries):
        return iam.simulate_custom_policy(
            PolicyInputList=[text],
            ActionNames=["s3:ListBucket"],
            ResourceArns=["arn:aws:s3:::ann-data"],
            ContextEntries=[
                {"ContextKeyName": key, "ContextKeyValues": [value], "ContextKeyType": "string"}
                for key, value in entries
            ],
        )["EvaluationResults"][0]

    missing = simulate(("aws:username", "ann"))
    assert missing["EvalDecision"] == "implicitDeny"
    assert missing["ResourceSpecificResults"][0]["MissingContextValues"] == ["s3:prefix"]
    assert simulate(("aws:username", "ann"), ("s3:prefix", "home/ann"))["EvalDecision"] == "allowed"
    keys = iam.get_context_keys_for_custom_policy(PolicyInputList=[text])["ContextKeyNames"]
    assert keys == ["aws:username", "s3:prefix"]


def test_a_principal_is_simulated_with_groups_and_boundary(iam):
    ann = iam.create_user(UserName="ann")["User"]["Arn"]
    iam.create_group(GroupName="g")
    iam.add_user_to_group(GroupName="g", UserName="ann")
    iam.attach_group_policy(GroupName="g", PolicyArn="arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess")
    iam.put_user_policy(UserName="ann", PolicyName="in", PolicyDocument=policy(says("Allow", "sqs:*")))

    def simulate(**members):
        return iam.simulate_principal_policy(
            PolicySourceArn=ann, ActionNames=["s3:GetObject", "s3:PutObject", "sqs:SendMessage"], **members
        )

    answer = simulate()
    assert list(decisions(answer).values()) == ["allowed", "implicitDeny", "allowed"]
    assert [
        (each["SourcePolicyId"], each["SourcePolicyType"])
        for result in answer["EvaluationResults"]
        for each in result["MatchedStatements"]
    ] == [("AmazonS3ReadOnlyAccess", "aws-managed"), ("in", "user")]
    assert "PermissionsBoundaryDecisionDetail" not in answer["EvaluationResults"][0]

    bound = iam.create_policy(PolicyName="b", PolicyDocument=policy(says("Allow", "s3:*")))["Policy"]["Arn"]
    iam.put_user_permissions_boundary(UserName="ann", PermissionsBoundary=bound)
    answer = simulate(PolicyInputList=[policy(says("Allow", "s3:PutObject"))])
    assert list(decisions(answer).values()) == ["allowed", "allowed", "implicitDeny"]
    assert [
        each["PermissionsBoundaryDecisionDetail"]["AllowedByPermissionsBoundary"]
        for each in answer["EvaluationResults"]
    ] == [True, True, False]
    lifted = simulate(PermissionsBoundaryPolicyInputList=[policy(says("Allow", "sqs:*"))])
    assert list(decisions(lifted).values()) == ["implicitDeny", "implicitDeny", "allowed"]


def test_what_the_sdk_asks_of_an_execution_role_is_answered(iam):
    """The SageMaker SDK v3 checks a role by SimulatePrincipalPolicy before it uses it."""
    role = f"arn:aws:iam::{ACCOUNT}:role/AmazonSageMaker-ExecutionRole"
    answer = iam.simulate_principal_policy(
        PolicySourceArn=role, ActionNames=["sagemaker:CreateTrainingJob", "ec2:TerminateInstances", "logs:PutLogEvents"]
    )
    assert list(decisions(answer).values()) == ["allowed", "implicitDeny", "allowed"]
    assert iam.get_context_keys_for_principal_policy(PolicySourceArn=role)["ContextKeyNames"]


def test_a_resources_policy_and_its_owner_count(iam):
    ann = f"arn:aws:iam::{ACCOUNT}:user/ann"
    attached = policy({"Effect": "Allow", "Principal": {"AWS": ann}, "Action": "s3:GetObject", "Resource": KEY})

    def simulate(text, **members):
        return iam.simulate_custom_policy(
            PolicyInputList=[policy(says("Allow", text))],
            ActionNames=["s3:GetObject"],
            ResourceArns=[KEY],
            ResourcePolicy=attached,
            CallerArn=ann,
            **members,
        )["EvaluationResults"][0]

    own = simulate("sqs:*")
    assert own["EvalDecision"] == "allowed" and own["MatchedStatements"][0]["SourcePolicyType"] == "resource"
    foreign = {"ResourceOwner": "arn:aws:iam::111111111111:root"}
    assert simulate("sqs:*", **foreign)["EvalDecision"] == "implicitDeny"
    assert simulate("s3:*", **foreign)["EvalDecision"] == "allowed"


def test_simulations_are_paged_and_nonsense_is_refused(iam):
    text = policy(says("Allow", "s3:*"))
    pages = list(
        iam.get_paginator("simulate_custom_policy").paginate(
            PolicyInputList=[text],
            ActionNames=["s3:GetObject", "s3:PutObject", "s3:ListBucket"],
            PaginationConfig={"PageSize": 2},
        )
    )
    assert [len(page["EvaluationResults"]) for page in pages] == [2, 1]
    assert refused(iam.simulate_custom_policy, PolicyInputList=["{"], ActionNames=["s3:GetObject"]) == "InvalidInput"
    assert refused(iam.simulate_custom_policy, PolicyInputList=[text], ActionNames=["s3:*"]) == "InvalidInput"
    for arn, code in (
        (f"arn:aws:iam::{ACCOUNT}:user/none", "NoSuchEntity"),
        ("arn:aws:s3:::a-bucket-x", "InvalidInput"),
    ):
        assert refused(iam.simulate_principal_policy, PolicySourceArn=arn, ActionNames=["s3:GetObject"]) == code
