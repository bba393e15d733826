"""Bucket policies, decided with everything else.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/bucket-policies.html
https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic-cross-account.html
"""

import json

import pytest
from access_steps import OPEN, doc, policy


def test_a_policy_is_kept_word_for_word_and_forgotten(s3, refused):
    assert refused(s3.get_bucket_policy, Bucket="box") == ("NoSuchBucketPolicy", 404)
    text = json.dumps(policy(doc(who={"AWS": "111122223333"})), indent=3)

    s3.put_bucket_policy(Bucket="box", Policy=text)

    assert s3.get_bucket_policy(Bucket="box")["Policy"] == text
    assert s3.get_bucket_policy_status(Bucket="box")["PolicyStatus"] == {"IsPublic": False}
    s3.delete_bucket_policy(Bucket="box")
    assert refused(s3.get_bucket_policy, Bucket="box") == ("NoSuchBucketPolicy", 404)
    assert refused(s3.get_bucket_policy_status, Bucket="box") == ("NoSuchBucketPolicy", 404)


@pytest.mark.parametrize("text, message", [
    ("nothing", "Policies must be valid JSON and the first byte must be '{'"),
    ("{", "This policy contains invalid Json"),
    ({"Version": "2012-10-17"}, "Missing required field Statement"),
    (policy(doc(Principal=None)), "Missing required field Principal"),
    (policy(doc(Action=None)), "Missing required field Action"),
    (policy(doc(Resource=None)), "Missing required field Resource"),
    (policy(doc(Effect=None)), "Missing required field Effect"),
    (policy(doc(), Version="2013-01-01"), "The policy must contain a valid version string"),
    (policy(doc(Resource="*")), "Policy has invalid resource"),
    (policy(doc(Resource="arn:aws:s3:::other/*")), "Policy has invalid resource"),
    (policy(doc(Resource="arn:aws:sqs:::box")), "Policy has invalid resource"),
    (policy(doc(Action="s3:GetEverything")), "Policy has invalid action"),
    (policy(doc(Action="sqs:SendMessage")), "Policy has invalid action"),
    (policy(doc(Action="GetObject")), "Policy has invalid action"),
    (policy(doc(Resource="arn:aws:s3:::box")), "Action does not apply to any resource(s) in statement"),
    (policy(doc(Action="s3:ListBucket")), "Action does not apply to any resource(s) in statement"),
    (policy(doc(Action=["s3:GetObject", "s3:ListBucket"])), "Action does not apply to any resource(s) in statement"),
    (policy(doc(who={"AWS": "arn:aws:iam::1:user/a"})), "Invalid principal in policy"),
    (policy(doc(who={"AWS": "arn:aws:iam::111122223333:user/*"})), "Invalid principal in policy"),
    (policy(doc(who={"AWS": "arn:aws:iam::000000000000:role/nobody"})), "Invalid principal in policy"),
    (policy(doc(who={"Service": "nothing"})), "Invalid principal in policy"),
    (policy(doc(), doc(), Id="x" * 21_000), "Policy exceeds the maximum allowed document size."),
])  # fmt: skip
def test_what_is_no_bucket_policy_is_refused_in_S3s_words(s3, text, message):
    with pytest.raises(s3.exceptions.ClientError) as error:
        s3.put_bucket_policy(Bucket="box", Policy=text if isinstance(text, str) else json.dumps(text))
    assert error.value.response["Error"]["Code"] == "MalformedPolicy"
    assert error.value.response["Error"]["Message"] == message


@pytest.mark.parametrize("statement", [
    doc(Action="s3:*", Resource=["arn:aws:s3:::box", "arn:aws:s3:::box/*"]),
    doc(Action="*", Resource="arn:aws:s3:::box"),
    doc(Action="s3:ListBucket", Resource="arn:aws:s3:::box*"),
    doc(Action="s3:Get*", Resource="arn:aws:s3:::b?x/a/*"),
    doc(Action="s3:GETOBJECT"),
    doc(who={"AWS": ["arn:aws:iam::000000000000:role/Administrator", "arn:aws:iam::999988887777:user/path/bob"]}),
    doc(Action=None, NotAction="s3:PutObject"),
    doc(Action=["s3:GetObject", "s3:ListBucket"], Resource=["arn:aws:s3:::box", "arn:aws:s3:::box/x"]),
])  # fmt: skip
def test_what_is_one_is_kept(s3, statement):
    s3.delete_public_access_block(Bucket="box")
    s3.put_bucket_policy(Bucket="box", Policy=json.dumps(policy(statement)))


def test_an_account_is_let_in_by_the_policy_and_its_own(s3, stranger, people, refused):
    s3.put_object(Bucket="box", Key="k", Body=b"x")
    assert refused(stranger.get_object, Bucket="box", Key="k") == ("AccessDenied", 403)

    s3.put_bucket_policy(Bucket="box", Policy=json.dumps(policy(doc(who={"AWS": people.account}))))

    assert stranger.get_object(Bucket="box", Key="k")["Body"].read() == b"x"
    assert refused(stranger.put_object, Bucket="box", Key="k", Body=b"") == ("AccessDenied", 403)
    assert refused(stranger.get_object, Bucket="box", Key="none") == ("AccessDenied", 403)  # it may not list
    people.allow("s3:PutObject")  # not that of reading any more
    assert refused(stranger.get_object, Bucket="box", Key="k") == ("AccessDenied", 403)


def test_what_another_account_writes_is_the_bucket_owners(s3, stranger, people):
    may = doc(Action=["s3:PutObject*", "s3:ListBucket"], Resource=["arn:aws:s3:::box", "arn:aws:s3:::box/*"])
    s3.put_bucket_policy(Bucket="box", Policy=json.dumps(policy(may | {"Principal": {"AWS": people.account}})))

    stranger.put_object(Bucket="box", Key="k", Body=b"x", ACL="bucket-owner-full-control")

    owner = s3.list_buckets()["Owner"]["ID"]
    assert s3.get_object_acl(Bucket="box", Key="k")["Owner"]["ID"] == owner
    assert stranger.list_objects(Bucket="box")["Contents"][0]["Owner"]["ID"] == owner
    assert not stranger.list_buckets()["Buckets"]


def test_a_copy_out_of_a_foreign_bucket_needs_its_leave(s3, stranger, people, refused):
    s3.put_object(Bucket="box", Key="k", Body=b"x")
    stranger.create_bucket(Bucket="theirs")
    copy = {"Bucket": "theirs", "Key": "k", "CopySource": "box/k"}
    assert refused(stranger.copy_object, **copy) == ("AccessDenied", 403)

    s3.put_bucket_policy(Bucket="box", Policy=json.dumps(policy(doc(who={"AWS": people.account}))))

    stranger.copy_object(**copy)
    assert stranger.get_object(Bucket="theirs", Key="k")["Body"].read() == b"x"
    assert refused(s3.get_object, Bucket="theirs", Key="k") == ("AccessDenied", 403)


def test_whoever_is_let_in_does_not_touch_the_policy(s3, stranger, people, refused):
    may = doc(Action="s3:*", Resource=["arn:aws:s3:::box", "arn:aws:s3:::box/*"], who={"AWS": people.account})
    s3.put_bucket_policy(Bucket="box", Policy=json.dumps(policy(may)))

    assert refused(stranger.get_bucket_policy, Bucket="box") == ("MethodNotAllowed", 405)
    assert refused(stranger.put_bucket_policy, Bucket="box", Policy=json.dumps(policy(may))) == (
        "MethodNotAllowed",
        405,
    )
    assert refused(stranger.delete_bucket_policy, Bucket="box") == ("MethodNotAllowed", 405)
    stranger.put_bucket_tagging(Bucket="box", Tagging={"TagSet": []})


def test_the_name_of_a_foreign_bucket_is_taken_and_not_forbidden(s3, stranger, refused):
    assert refused(stranger.create_bucket, Bucket="box") == ("BucketAlreadyExists", 409)


def test_an_explicit_deny_holds_the_owner_and_says_so(s3):
    s3.put_object(Bucket="box", Key="k", Body=b"x")
    s3.put_bucket_policy(Bucket="box", Policy=json.dumps(policy(doc(Effect="Deny", Action="s3:DeleteObject"))))

    with pytest.raises(s3.exceptions.ClientError) as error:
        s3.delete_object(Bucket="box", Key="k")
    assert error.value.response["Error"]["Message"].endswith(
        'on resource: "arn:aws:s3:::box/k" with an explicit deny in a resource-based policy'
    )
    (failed,) = s3.delete_objects(Bucket="box", Delete={"Objects": [{"Key": "k"}]})["Errors"]
    assert failed["Code"] == "AccessDenied"


def test_nobody_locks_themselves_out_unasked_and_root_gets_in_again(s3, people, refused):
    """https://docs.aws.amazon.com/AmazonS3/latest/API/API_PutBucketPolicy.html"""
    lockout = json.dumps(policy(doc(Effect="Deny", Action="s3:*", Resource="arn:aws:s3:::box")))
    assert refused(s3.put_bucket_policy, Bucket="box", Policy=lockout) == ("AccessDenied", 403)
    s3.head_bucket(Bucket="box")

    s3.put_bucket_policy(Bucket="box", Policy=lockout, ConfirmRemoveSelfBucketAccess=True)

    assert refused(s3.put_bucket_policy, Bucket="box", Policy=lockout) == ("AccessDenied", 403)
    assert refused(s3.delete_bucket_policy, Bucket="box") == ("AccessDenied", 403)
    root = people.root()
    assert refused(root.list_objects_v2, Bucket="box") == ("AccessDenied", 403)
    assert root.get_bucket_policy(Bucket="box")["Policy"] == lockout
    root.delete_bucket_policy(Bucket="box")
    s3.list_objects_v2(Bucket="box")


def test_conditions_see_the_request(s3, stranger, people, refused):
    only = doc(who={"AWS": people.account}, Condition={"StringEquals": {"s3:ExistingObjectTag/open": "yes"}})
    s3.put_bucket_policy(Bucket="box", Policy=json.dumps(policy(only)))
    s3.put_object(Bucket="box", Key="open", Body=b"x", Tagging="open=yes")
    s3.put_object(Bucket="box", Key="shut", Body=b"x")

    assert stranger.get_object(Bucket="box", Key="open")["Body"].read() == b"x"
    assert refused(stranger.get_object, Bucket="box", Key="shut") == ("AccessDenied", 403)


def test_a_service_comes_in_by_its_name_and_for_its_resource(lone, s3, refused):
    trail = "arn:aws:cloudtrail:us-east-1:000000000000:trail/t"
    service = lone.cloud.as_service("cloudtrail.amazonaws.com", trail)("s3", "us-east-1")
    may = doc(Action="s3:PutObject", who={"Service": "cloudtrail.amazonaws.com"})
    assert refused(service.put_object, Bucket="box", Key="k", Body=b"") == ("AccessDenied", 403)

    s3.put_bucket_policy(
        Bucket="box", Policy=json.dumps(policy(may | {"Condition": {"StringEquals": {"aws:SourceArn": trail}}}))
    )
    service.put_object(Bucket="box", Key="k", Body=b"")

    s3.put_bucket_policy(
        Bucket="box", Policy=json.dumps(policy(may | {"Condition": {"StringEquals": {"aws:SourceArn": trail + "2"}}}))
    )
    assert refused(service.put_object, Bucket="box", Key="k", Body=b"") == ("AccessDenied", 403)


def test_the_expected_owner_is_the_bucket_owner(s3, stranger, people, refused):
    s3.put_object(Bucket="box", Key="k", Body=b"x")
    s3.put_bucket_policy(Bucket="box", Policy=json.dumps(policy(doc(who={"AWS": people.account}))))

    assert stranger.get_object(Bucket="box", Key="k", ExpectedBucketOwner="000000000000")
    given = {"Bucket": "box", "Key": "k", "ExpectedBucketOwner": people.account}
    assert refused(stranger.get_object, **given) == ("AccessDenied", 403)


def test_the_public_reads_where_it_is_let_in(s3, anonymous, refused):
    s3.put_object(Bucket="box", Key="k", Body=b"x")
    s3.put_object(Bucket="box", Key="locked", Body=b"x", ServerSideEncryption="aws:kms")
    assert refused(anonymous.get_object, Bucket="box", Key="k") == ("AccessDenied", 403)
    assert refused(anonymous.get_object, Bucket="nowhere", Key="k") == ("NoSuchBucket", 404)
    s3.delete_public_access_block(Bucket="box")

    s3.put_bucket_policy(Bucket="box", Policy=OPEN)

    assert anonymous.get_object(Bucket="box", Key="k")["Body"].read() == b"x"
    assert refused(anonymous.put_object, Bucket="box", Key="k", Body=b"") == ("AccessDenied", 403)
    assert refused(anonymous.get_object, Bucket="box", Key="none") == ("AccessDenied", 403)
    assert refused(anonymous.list_buckets) == ("AccessDenied", 403)
    assert refused(anonymous.get_object, Bucket="box", Key="locked") == ("InvalidArgument", 400)  # KMS knows nobody


def test_the_public_needs_no_region(lone, anonymous):
    far = lone.client("eu-west-1")
    far.create_bucket(Bucket="far", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    far.put_object(Bucket="far", Key="k", Body=b"x")
    far.delete_public_access_block(Bucket="far")
    far.put_bucket_policy(Bucket="far", Policy=OPEN.replace("box", "far"))

    assert anonymous.get_object(Bucket="far", Key="k")["Body"].read() == b"x"
