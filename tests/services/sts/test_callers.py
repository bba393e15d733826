"""Users, roles and devices of their own: what depends on who calls.

https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRole.html,
https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html
"""

import base64
import json
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError
from conftest import connect
from cryptography.hazmat.primitives.hashes import SHA1
from cryptography.hazmat.primitives.twofactor.totp import TOTP

from skylab.kernel import credentials, sealed

ACCOUNT = "000000000000"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/Trainer"
ANN = f"arn:aws:iam::{ACCOUNT}:user/ann"
READ_ONLY = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"


@pytest.fixture
def iam(cloud):
    return connect(cloud, "iam")


def document(*statements):
    return json.dumps({"Version": "2012-10-17", "Statement": list(statements)})


def allow(actions, resource="*", **members):
    return {"Effect": "Allow", "Action": actions, "Resource": resource, **members}


def speaks(cloud, service, key):
    """A client with the keys that an answer gave."""
    return cloud.transport.client(
        service, "us-east-1", key["AccessKeyId"], key["SecretAccessKey"], key.get("SessionToken")
    )


@pytest.fixture
def ann(cloud, iam):
    """A user who may call STS; what she signs with."""
    iam.create_user(UserName="ann", Tags=[{"Key": "team", "Value": "ml"}])
    iam.put_user_policy(UserName="ann", PolicyName="sts", PolicyDocument=document(allow("sts:*")))
    return iam.create_access_key(UserName="ann")["AccessKey"]


def trust(iam, *conditions, principal=None, name="Trainer", actions="sts:*", seconds=7200):
    statement = {"Effect": "Allow", "Principal": principal or {"AWS": ACCOUNT}, "Action": actions}
    if conditions:
        statement["Condition"] = conditions[0]
    iam.create_role(RoleName=name, AssumeRolePolicyDocument=document(statement), MaxSessionDuration=seconds)


def assume(sts, role=ROLE, **members):
    return sts.assume_role(**{"RoleArn": role, "RoleSessionName": "me", **members})


def refused(call, *args, **request):
    with pytest.raises(ClientError) as caught:
        call(*args, **request)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def principal_of(cloud, key):
    with cloud.store.reading() as tx:
        return credentials.find(tx, key["AccessKeyId"]).principal


def root(cloud):
    with cloud.store.reading() as tx:
        return tx.get(cloud.account.key)["Root"]


def test_a_session_token_speaks_for_the_same_caller(cloud, ann):
    for key, hours in ((ann, 12), (root(cloud), 1)):
        sts = speaks(cloud, "sts", key)
        given = sts.get_session_token()["Credentials"]
        assert given["Expiration"] == cloud.clock.now() + timedelta(hours=hours)
        assert speaks(cloud, "sts", given).get_caller_identity()["Arn"] == sts.get_caller_identity()["Arn"]
        assert refused(speaks(cloud, "sts", given).get_session_token)[0] == "AccessDenied"


def test_a_user_may_stay_in_a_role_as_long_as_the_role_allows(cloud, iam, ann):
    trust(iam)
    sts = speaks(cloud, "sts", ann)
    given = assume(sts, DurationSeconds=7200)
    assert given["Credentials"]["Expiration"] == cloud.clock.now() + timedelta(hours=2)
    who = speaks(cloud, "sts", given["Credentials"]).get_caller_identity()
    assert who["Arn"] == given["AssumedRoleUser"]["Arn"] and who["UserId"] == given["AssumedRoleUser"]["AssumedRoleId"]
    kept = principal_of(cloud, given["Credentials"])
    assert (kept["type"], kept["issuer"]["arn"], kept["mfa"]) == ("AssumedRole", ROLE, False)


def test_root_assumes_no_role(cloud, iam):
    trust(iam)
    message = "Roles may not be assumed by root accounts."
    assert refused(assume, speaks(cloud, "sts", root(cloud))) == ("AccessDenied", message)


def test_trust_in_the_account_leaves_it_to_the_callers_own_policies(cloud, iam, ann):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic_policy-eval-basics.html"""
    trust(iam)
    trust(iam, name="Named", principal={"AWS": ANN})
    iam.delete_user_policy(UserName="ann", PolicyName="sts")
    sts = speaks(cloud, "sts", ann)
    assert "no identity-based policy allows the sts:AssumeRole action" in refused(assume, sts)[1]
    assert assume(sts, f"arn:aws:iam::{ACCOUNT}:role/Named")["Credentials"]


@pytest.mark.parametrize(
    "condition, good, bad",
    [
        ({"StringEquals": {"sts:ExternalId": "x-1"}}, {"ExternalId": "x-1"}, {"ExternalId": "x-2"}),
        ({"StringEquals": {"sts:ExternalId": "x-1"}}, {"ExternalId": "x-1"}, {}),
        ({"StringLike": {"sts:RoleSessionName": "ann-*"}}, {"RoleSessionName": "ann-1"}, {"RoleSessionName": "bob"}),
        ({"StringEquals": {"aws:PrincipalTag/team": "ml"}}, {}, None),
        ({"StringEquals": {"aws:PrincipalTag/team": "ops"}}, None, {}),
        ({"StringEquals": {"sts:SourceIdentity": "ann"}}, {"SourceIdentity": "ann"}, {"SourceIdentity": "bob"}),
        (
            {"StringEquals": {"aws:RequestTag/stage": "dev"}},
            {"Tags": [{"Key": "stage", "Value": "dev"}]},
            {"Tags": [{"Key": "stage", "Value": "prod"}]},
        ),
        ({"DateLessThan": {"aws:CurrentTime": "2024-01-01T00:00:00Z"}}, None, {}),
    ],
)
def test_a_trust_policys_conditions_count(cloud, iam, ann, condition, good, bad):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_iam-condition-keys.html#condition-keys-sts"""
    trust(iam, condition)
    sts = speaks(cloud, "sts", ann)
    if good is not None:
        assert assume(sts, **good)["Credentials"]
    if bad is not None:
        assert refused(assume, sts, **bad)[0] == "AccessDenied"


def test_tags_and_source_identity_need_a_permission_of_their_own(cloud, iam, ann):
    trust(iam, actions="sts:AssumeRole")
    sts = speaks(cloud, "sts", ann)
    assert "sts:TagSession" in refused(assume, sts, Tags=[{"Key": "a", "Value": "b"}])[1]
    assert "sts:SetSourceIdentity" in refused(assume, sts, SourceIdentity="ann")[1]


def device(cloud, iam, user="ann"):
    made = iam.create_virtual_mfa_device(VirtualMFADeviceName=user)["VirtualMFADevice"]
    totp = TOTP(base64.b32decode(made["Base32StringSeed"]), 6, SHA1(), 30, enforce_key_length=False)

    def code(step=0):
        return totp.generate(int(cloud.clock.now().timestamp()) + 30 * step).decode()

    iam.enable_mfa_device(
        UserName=user, SerialNumber=made["SerialNumber"], AuthenticationCode1=code(-1), AuthenticationCode2=code()
    )
    cloud.clock.advance(minutes=1)
    return made["SerialNumber"], code


MFA = {"Bool": {"aws:MultiFactorAuthPresent": "true"}}


def test_a_role_that_wants_a_device_gets_one(cloud, iam, ann):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_credentials_mfa_configure-api-require.html"""
    trust(iam, MFA)
    serial, code = device(cloud, iam)
    sts = speaks(cloud, "sts", ann)
    assert refused(assume, sts)[0] == "AccessDenied"
    once = code()
    given = assume(sts, SerialNumber=serial, TokenCode=once)["Credentials"]
    assert principal_of(cloud, given)["mfa"]
    wrong = "MultiFactorAuthentication failed with invalid MFA one time pass code. "
    assert refused(assume, sts, SerialNumber=serial, TokenCode=once) == ("AccessDenied", wrong)
    assert refused(assume, sts, SerialNumber=serial, TokenCode="000000")[1] == wrong
    cloud.clock.advance(minutes=10)
    assert refused(assume, sts, SerialNumber=serial, TokenCode=code(-5))[1] == wrong


def test_a_session_that_began_with_a_device_has_it(cloud, iam, ann):
    trust(iam, MFA)
    serial, code = device(cloud, iam)
    sts = speaks(cloud, "sts", ann)
    with_it = sts.get_session_token(SerialNumber=serial, TokenCode=code())["Credentials"]
    without = sts.get_session_token()["Credentials"]
    assert assume(speaks(cloud, "sts", with_it))["Credentials"]
    assert refused(assume, speaks(cloud, "sts", without))[0] == "AccessDenied"


def test_somebody_elses_device_proves_nothing(cloud, iam, ann):
    trust(iam, MFA)
    iam.create_user(UserName="bob")
    serial, code = device(cloud, iam, "bob")
    assert refused(assume, speaks(cloud, "sts", ann), SerialNumber=serial, TokenCode=code())[0] == "AccessDenied"


def test_a_session_policy_narrows_the_role(cloud, iam, ann):
    trust(iam)
    iam.attach_role_policy(RoleName="Trainer", PolicyArn="arn:aws:iam::aws:policy/IAMReadOnlyAccess")
    sts = speaks(cloud, "sts", ann)
    whole = assume(sts)
    narrow = assume(sts, Policy=document(allow("iam:ListUsers")))
    by_arn = assume(sts, PolicyArns=[{"arn": READ_ONLY}])
    assert "PackedPolicySize" not in whole and 0 < narrow["PackedPolicySize"] < 20
    assert speaks(cloud, "iam", whole["Credentials"]).list_roles()["Roles"]
    assert speaks(cloud, "iam", narrow["Credentials"]).list_users()["Users"]
    for answer in (narrow, by_arn):
        assert "no session policy" in refused(speaks(cloud, "iam", answer["Credentials"]).list_roles)[1]


def test_session_policies_have_limits(cloud, iam, ann):
    trust(iam)
    sts = speaks(cloud, "sts", ann)
    assert refused(assume, sts, Policy="{}")[0] == "MalformedPolicyDocument"
    assert refused(assume, sts, Policy=document(allow("s3:*", Principal="*")))[0] == "MalformedPolicyDocument"
    assert refused(assume, sts, Policy=document(allow(["s3:" + "x" * 2100])))[0] == "ValidationError"
    assert refused(assume, sts, PolicyArns=[{"arn": READ_ONLY}] * 11)[0] == "ValidationError"
    for arn in (READ_ONLY + "x", f"arn:aws:iam::{ACCOUNT}:policy/none", "arn:aws:iam::111111111111:policy/other"):
        assert refused(assume, sts, PolicyArns=[{"arn": arn}])[0] == "ValidationError"
    noise = [{"Key": f"{n:02}" + "kq"[n % 2] * 100, "Value": str(hash((n, "v")))} for n in range(50)]
    assert assume(sts, Tags=noise[:3])["PackedPolicySize"] > 0
    long = [
        {"Key": f"k{n}", "Value": base64.b32encode(bytes((n * 37 + i * i * 11) % 256 for i in range(150))).decode()}
        for n in range(50)
    ]
    assert refused(assume, sts, Tags=long)[0] == "PackedPolicyTooLarge"


def test_transitive_tags_and_the_source_identity_follow_into_the_next_role(cloud, iam, ann):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_session-tags.html#id_session-tags_role-chaining"""
    trust(iam)
    trust(iam, {"StringEquals": {"aws:PrincipalTag/project": "fraud"}}, name="Next")
    iam.put_role_policy(RoleName="Trainer", PolicyName="p", PolicyDocument=document(allow("sts:*")))
    tags = [{"Key": "project", "Value": "fraud"}, {"Key": "stage", "Value": "dev"}]
    first = assume(speaks(cloud, "sts", ann), Tags=tags, TransitiveTagKeys=["project"], SourceIdentity="ann")
    assert first["SourceIdentity"] == "ann"
    sts, role = speaks(cloud, "sts", first["Credentials"]), f"arn:aws:iam::{ACCOUNT}:role/Next"
    second = assume(sts, role, Tags=[{"Key": "own", "Value": "1"}])
    kept = principal_of(cloud, second["Credentials"])
    assert kept["tags"] == {"project": "fraud", "own": "1"} and kept["transitive"] == ["project"]
    assert second["SourceIdentity"] == kept["source_identity"] == "ann"
    code, message = refused(assume, sts, role, Tags=[{"Key": "Project", "Value": "other"}])
    assert code == "InvalidParameterValue" and "conflicts with a transitive tag key" in message
    assert refused(assume, sts, role, SourceIdentity="bob")[0] == "AccessDenied"
    assert "role chaining" in refused(assume, sts, role, DurationSeconds=3601)[1]


@pytest.mark.parametrize(
    "members, message",
    [
        ({"Tags": [{"Key": "a", "Value": "1"}, {"Key": "A", "Value": "2"}]}, "Duplicate tag keys"),
        ({"Tags": [{"Key": "aws:a", "Value": "1"}]}, "reserved"),
        ({"TransitiveTagKeys": ["a"]}, "must be included in the requested tags"),
    ],
)
def test_session_tags_have_rules(cloud, iam, ann, members, message):
    trust(iam)
    code, text = refused(assume, speaks(cloud, "sts", ann), **members)
    assert code == "InvalidParameterValue" and message in text


def test_a_federated_user_may_what_both_its_policy_and_its_maker_allow(cloud, iam, ann):
    """https://docs.aws.amazon.com/STS/latest/APIReference/API_GetFederationToken.html"""
    iam.attach_user_policy(UserName="ann", PolicyArn="arn:aws:iam::aws:policy/IAMReadOnlyAccess")
    sts = speaks(cloud, "sts", ann)
    given = sts.get_federation_token(Name="guest", Policy=document(allow(["iam:ListUsers", "s3:*"])))
    assert given["FederatedUser"] == {
        "FederatedUserId": f"{ACCOUNT}:guest",
        "Arn": f"arn:aws:sts::{ACCOUNT}:federated-user/guest",
    }
    key = given["Credentials"]
    assert key["Expiration"] == cloud.clock.now() + timedelta(hours=12)
    who = speaks(cloud, "sts", key).get_caller_identity()
    assert (who["Arn"], who["UserId"]) == (given["FederatedUser"]["Arn"], f"{ACCOUNT}:guest")
    assert speaks(cloud, "iam", key).list_users()["Users"]
    assert refused(speaks(cloud, "iam", key).list_roles)[0] == "AccessDenied"
    assert refused(speaks(cloud, "s3", key).list_buckets)[0] == "AccessDenied"
    nothing = sts.get_federation_token(Name="guest")["Credentials"]
    assert refused(speaks(cloud, "iam", nothing).list_users)[0] == "AccessDenied"
    assert refused(speaks(cloud, "sts", key).get_federation_token, Name="more")[0] == "AccessDenied"


def test_a_renamed_maker_does_not_lend_its_name_to_its_federated_users(cloud, iam, ann):
    key = speaks(cloud, "sts", ann).get_federation_token(Name="guest")["Credentials"]
    iam.update_user(UserName="ann", NewUserName="anna")
    assert speaks(cloud, "sts", key).get_caller_identity()["Arn"] == f"arn:aws:sts::{ACCOUNT}:federated-user/guest"
    assert principal_of(cloud, key)["issuer"]["arn"] == f"arn:aws:iam::{ACCOUNT}:user/anna"
    assert speaks(cloud, "sts", ann).get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/anna"


def test_a_message_that_was_sealed_can_be_read_by_who_may(cloud, iam, ann):
    vault = next(service.part["vault"] for service in cloud.services if service.name == "sts")
    text = sealed.message(
        vault,
        ACCOUNT,
        principal={"id": "AIDAX", "name": "bob", "arn": f"arn:aws:iam::{ACCOUNT}:user/bob"},
        action="s3:GetObject",
        resource="arn:aws:s3:::b/k",
        conditions={"aws:Region": ["us-east-1"]},
    )
    sts = speaks(cloud, "sts", ann)
    decoded = json.loads(sts.decode_authorization_message(EncodedMessage=text)["DecodedMessage"])
    assert decoded["allowed"] is False and decoded["context"]["action"] == "s3:GetObject"
    assert decoded["context"]["conditions"]["items"] == [
        {"key": "aws:Region", "values": {"items": [{"value": "us-east-1"}]}}
    ]
    for broken in (text[:-6] + "AAAAAA", "not/base64!", "AAAA"):
        code = refused(sts.decode_authorization_message, EncodedMessage=broken)[0]
        assert code == "InvalidAuthorizationMessageException"
    iam.delete_user_policy(UserName="ann", PolicyName="sts")
    assert refused(sts.decode_authorization_message, EncodedMessage=text)[0] == "AccessDenied"
