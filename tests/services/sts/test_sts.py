import json
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError
from conftest import connect

from skylab.kernel import credentials

ACCOUNT = "000000000000"
ARN = f"arn:aws:iam::{ACCOUNT}:role/team/Trainer"


@pytest.fixture
def sts(cloud):
    return connect(cloud, "sts")


def trust(iam, principal, **members):
    allow = {"Effect": "Allow", "Principal": principal, "Action": ["sts:AssumeRole", "sts:TagSession"]}
    document = json.dumps({"Version": "2012-10-17", "Statement": [allow | members]})
    iam.create_role(RoleName="Trainer", Path="/team/", AssumeRolePolicyDocument=document, MaxSessionDuration=7200)


def assume(sts, **members):
    return sts.assume_role(**{"RoleArn": ARN, "RoleSessionName": "me", **members})


def refused(call, **request):
    with pytest.raises(ClientError) as caught:
        call(**request)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def test_the_caller_is_told_who_signed(sts):
    who = sts.get_caller_identity()
    assert who["Account"] == ACCOUNT
    assert who["Arn"].startswith(f"arn:aws:sts::{ACCOUNT}:assumed-role/")
    assert ":" in who["UserId"]


def test_a_session_of_a_role_can_be_had_by_whom_it_trusts(sts, cloud):
    iam = connect(cloud, "iam")
    trust(iam, {"AWS": f"arn:aws:iam::{ACCOUNT}:root"})
    answer = assume(sts, Tags=[{"Key": "a", "Value": "b"}])
    role_id = iam.get_role(RoleName="Trainer")["Role"]["RoleId"]
    arn = f"arn:aws:sts::{ACCOUNT}:assumed-role/Trainer/me"
    assert answer["AssumedRoleUser"] == {"AssumedRoleId": f"{role_id}:me", "Arn": arn}
    given = answer["Credentials"]
    assert given["Expiration"] == cloud.clock.now() + timedelta(hours=1)
    with cloud.store.reading() as tx:
        found = credentials.find(tx, given["AccessKeyId"])
    assert (found.secret, found.token) == (given["SecretAccessKey"], given["SessionToken"])
    assert (found.principal["arn"], found.principal["role"]) == (arn, ARN)


@pytest.mark.parametrize("case", ["another account", "a service", "a condition", "no role", "another path"])
def test_whom_a_role_does_not_trust_cannot_tell_it_from_none(sts, cloud, case):
    iam, arn = connect(cloud, "iam"), ARN
    if case == "another account":
        trust(iam, {"AWS": "999999999999"})
    elif case == "a service":
        trust(iam, {"Service": "sagemaker.amazonaws.com"})
    elif case == "a condition":
        trust(iam, {"AWS": "*"}, Condition={"StringEquals": {"sts:ExternalId": "x"}})
    elif case == "another path":
        trust(iam, {"AWS": "*"})
        arn = f"arn:aws:iam::{ACCOUNT}:role/Trainer"
    me = sts.get_caller_identity()["Arn"]
    code, message = refused(assume, sts=sts, RoleArn=arn)
    assert (code, message) == (
        "AccessDenied",
        f"User: {me} is not authorized to perform: sts:AssumeRole on resource: {arn} because no role trust policy "
        "allows the sts:AssumeRole action",
    )


def test_a_session_lasts_no_longer_than_the_role_and_chaining_allow(sts, cloud):
    trust(connect(cloud, "iam"), {"AWS": ACCOUNT})
    assert "MaxSessionDuration" in refused(assume, sts=sts, DurationSeconds=7201)[1]
    assert "role chaining" in refused(assume, sts=sts, DurationSeconds=3601)[1]
    ends = assume(sts, DurationSeconds=900)["Credentials"]["Expiration"]
    assert ends == cloud.clock.now() + timedelta(seconds=900)


def test_what_would_need_a_trust_of_its_own_is_not_slipped_in(sts, cloud):
    trust(connect(cloud, "iam"), {"AWS": ACCOUNT})
    assert "sts:SetSourceIdentity" in refused(assume, sts=sts, SourceIdentity="ann")[1]
    assert refused(assume, sts=sts, SerialNumber="123456789", TokenCode="123456")[0] == "AccessDenied"


def test_an_arn_that_is_not_a_roles_is_invalid(sts):
    arn = f"arn:aws:iam::{ACCOUNT}:user/ann"
    assert refused(assume, sts=sts, RoleArn=arn) == ("ValidationError", f"{arn} is invalid")


def test_a_deleted_role_takes_its_sessions_along(sts, cloud):
    iam = connect(cloud, "iam")
    trust(iam, {"AWS": ACCOUNT})
    key = assume(sts)["Credentials"]["AccessKeyId"]
    iam.delete_role(RoleName="Trainer")
    with cloud.store.reading() as tx:
        assert credentials.find(tx, key) is None


def test_a_session_gets_no_session_token(sts):
    assert refused(sts.get_session_token) == ("AccessDenied", "Cannot call GetSessionToken with session credentials")


def test_a_key_tells_its_account(sts):
    key = credentials.key_id("AKIA", "123456789012")
    assert sts.get_access_key_info(AccessKeyId=key)["Account"] == "123456789012"
    assert refused(sts.get_access_key_info, AccessKeyId="AKIA1111111111111111")[0] == "ValidationError"
