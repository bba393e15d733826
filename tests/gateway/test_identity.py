"""Who may call, in the words of each protocol, as real boto3 clients hear it."""

import json

import pytest
from botocore import UNSIGNED
from botocore.exceptions import ClientError
from gateway.callers import administrator, client_of

from skylab.account import EXECUTION

# One operation of a query service, of a JSON service, and of S3.
ASKS = {
    "sts": lambda client: client.get_access_key_info(AccessKeyId="AKIAIOSFODNN7EXAMPLE"),
    "logs": lambda client: client.describe_log_groups(logGroupNamePrefix="a"),
    "s3": lambda client: client.put_object(Bucket="box", Key="k", Body=b"body", Metadata={"a": "b"}),
}


def user(cloud, name="ann"):
    """The first key of a user without policies."""
    iam = client_of(cloud, "iam", administrator(cloud))
    iam.create_user(UserName=name)
    return iam.create_access_key(UserName=name)["AccessKey"]


def session(cloud):
    """A session, of 15 minutes, of a role."""
    sts = client_of(cloud, "sts", administrator(cloud))
    arn = f"arn:aws:iam::{cloud.settings.account}:role/{EXECUTION}"
    return sts.assume_role(RoleArn=arn, RoleSessionName="me", DurationSeconds=900)["Credentials"]


def refused(attempt, *given, **more):
    with pytest.raises(ClientError) as error:
        attempt(*given, **more)
    said = error.value.response
    return said["Error"]["Code"], said["ResponseMetadata"]["HTTPStatusCode"]


def altered(client, change):
    """The client's requests are changed after they were signed."""
    client.meta.events.register_first("before-send", lambda request, **_: change(request))
    return client


def unknown_key(cloud, service):
    return client_of(cloud, service, administrator(cloud) | {"AccessKeyId": "AKIAIOSFODNN7EXAMPLE"})


def wrong_secret(cloud, service):
    return client_of(cloud, service, administrator(cloud) | {"SecretAccessKey": "guessed"})


def another_token(cloud, service):
    return client_of(cloud, service, administrator(cloud) | {"SessionToken": "another"})


def token_not_ascii(cloud, service):
    return altered(client_of(cloud, service, administrator(cloud)), lambda request: replace_token(request, "ü"))


def replace_token(request, token):
    del request.headers["X-Amz-Security-Token"]
    request.headers["X-Amz-Security-Token"] = token


def altered_header(cloud, service):
    def change(request):
        name = "x-amz-meta-a" if service == "s3" else "X-Amz-Date"
        del request.headers[name]
        request.headers[name] = cloud.clock.now().strftime("%Y%m%dT%H%M59Z")

    return altered(client_of(cloud, service, administrator(cloud)), change)


def altered_body(cloud, service):
    def change(request):
        text = request.body.encode() if isinstance(request.body, str) else request.body
        text = text if isinstance(text, bytes) else text.read()
        request.body = text[:-1] + b"X"

    return altered(client_of(cloud, service, administrator(cloud)), change)


def on_the_way_for_16_minutes(cloud, service):
    def wait(request):
        cloud.clock.advance(minutes=16)

    return altered(client_of(cloud, service, administrator(cloud)), wait)


def ended_session(cloud, service):
    key = session(cloud)
    cloud.clock.advance(minutes=15)
    return client_of(cloud, service, key)


def inactive_key(cloud, service):
    key = user(cloud, service)
    iam = client_of(cloud, "iam", administrator(cloud))
    iam.update_access_key(UserName=service, AccessKeyId=key["AccessKeyId"], Status="Inactive")
    return client_of(cloud, service, key)


def without_policies(cloud, service):
    return client_of(cloud, service, user(cloud, service))


def unsigned(cloud, service):
    return client_of(cloud, service, administrator(cloud), signature_version=UNSIGNED)


UNKNOWN = {"sts": ("InvalidClientTokenId", 403), "logs": ("UnrecognizedClientException", 400)}
MISMATCH = {"sts": ("SignatureDoesNotMatch", 403), "logs": ("InvalidSignatureException", 400)}
REFUSALS = [
    (unknown_key, UNKNOWN | {"s3": ("InvalidAccessKeyId", 403)}),
    (wrong_secret, MISMATCH | {"s3": ("SignatureDoesNotMatch", 403)}),
    (another_token, UNKNOWN | {"s3": ("InvalidToken", 400)}),
    (token_not_ascii, MISMATCH | {"s3": ("SignatureDoesNotMatch", 403)}),
    (altered_header, MISMATCH | {"s3": ("SignatureDoesNotMatch", 403)}),
    (altered_body, MISMATCH | {"s3": ("XAmzContentSHA256Mismatch", 400)}),
    (on_the_way_for_16_minutes, MISMATCH | {"s3": ("RequestTimeTooSkewed", 403)}),
    (ended_session, {"sts": ("ExpiredToken", 403),
                     "logs": ("ExpiredTokenException", 400), "s3": ("ExpiredToken", 400)}),
    (inactive_key, UNKNOWN | {"s3": ("InvalidAccessKeyId", 403)}),
    (without_policies, {"sts": ("AccessDenied", 403),
                        "logs": ("AccessDeniedException", 400), "s3": ("AccessDenied", 403)}),
    (unsigned, {"sts": ("MissingAuthenticationToken", 403), "logs": ("MissingAuthenticationTokenException", 400),
                "s3": ("AccessDenied", 403)}),
]  # fmt: skip


@pytest.mark.parametrize("caller, expected", REFUSALS, ids=[caller.__name__ for caller, _ in REFUSALS])
def test_a_caller_who_is_not_proved_or_not_allowed_is_refused_and_nothing_happens(cloud, caller, expected):
    box = client_of(cloud, "s3", administrator(cloud))
    box.create_bucket(Bucket="box")

    assert {service: refused(ask, caller(cloud, service)) for service, ask in ASKS.items()} == expected

    assert box.list_objects_v2(Bucket="box")["KeyCount"] == 0


def test_the_same_requests_of_the_administrator_are_answered(cloud):
    box = client_of(cloud, "s3", administrator(cloud))
    box.create_bucket(Bucket="box")

    for service, ask in ASKS.items():
        answer = ask(client_of(cloud, service, administrator(cloud)))
        assert answer["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_a_signature_for_one_service_opens_no_other(cloud):
    """The scope decides who answers: a request that was signed for STS never reaches Logs."""
    logs = client_of(cloud, "logs", administrator(cloud))

    def rename(request):
        signed = request.headers["Authorization"].decode().replace("/logs/", "/sts/")
        del request.headers["Authorization"]
        request.headers["Authorization"] = signed

    with pytest.raises(ClientError, match="<Code>SignatureDoesNotMatch</Code>"):
        altered(logs, rename).describe_log_groups()


@pytest.mark.parametrize("kind", ["root", "administrator", "user", "role", "job"])
def test_everybody_may_ask_who_they_are(cloud, kind):
    account = cloud.settings.account
    match kind:
        case "root":
            with cloud.store.reading() as tx:
                key, arn = tx.get(cloud.account.key)["Root"], f"arn:aws:iam::{account}:root"
            sts = client_of(cloud, "sts", key)
        case "administrator":
            sts = client_of(cloud, "sts", administrator(cloud))
            arn = f"arn:aws:sts::{account}:assumed-role/Administrator/skylab"
        case "user":
            sts, arn = client_of(cloud, "sts", user(cloud)), f"arn:aws:iam::{account}:user/ann"
        case "role":
            sts, arn = client_of(cloud, "sts", session(cloud)), f"arn:aws:sts::{account}:assumed-role/{EXECUTION}/me"
        case "job":
            sts, arn = job(cloud, "sts"), f"arn:aws:sts::{account}:assumed-role/{EXECUTION}/train-1"

    caller = sts.get_caller_identity()

    assert (caller["Account"], caller["Arn"]) == (account, arn)


def job(cloud, service):
    role = f"arn:aws:iam::{cloud.settings.account}:role/{EXECUTION}"
    return cloud.assume(service, cloud.settings.region, role, "train-1")


def test_a_job_may_do_what_its_work_needs(cloud):
    bucket = f"sagemaker-{cloud.settings.region}-{cloud.settings.account}"
    s3, logs = job(cloud, "s3"), job(cloud, "logs")

    s3.put_object(Bucket=bucket, Key="model", Body=b"weights")
    logs.create_log_group(logGroupName="/job")
    logs.create_log_stream(logGroupName="/job", logStreamName="algo-1")

    assert s3.get_object(Bucket=bucket, Key="model")["Body"].read() == b"weights"
    assert [each["Key"] for each in s3.list_objects_v2(Bucket=bucket)["Contents"]] == ["model"]
    s3.delete_object(Bucket=bucket, Key="model")


def test_a_job_may_do_no_more_than_its_work_needs(cloud):
    bucket = f"sagemaker-{cloud.settings.region}-{cloud.settings.account}"
    trust = json.dumps({"Version": "2012-10-17", "Statement": []})

    assert refused(job(cloud, "s3").delete_bucket, Bucket=bucket) == ("AccessDenied", 403)
    assert refused(job(cloud, "logs").delete_log_group, logGroupName="g") == ("AccessDeniedException", 400)
    denied = refused(job(cloud, "iam").create_role, RoleName="Root", AssumeRolePolicyDocument=trust)
    assert denied == ("AccessDenied", 403)
    assert refused(job(cloud, "iam").create_access_key, UserName="ann") == ("AccessDenied", 403)


def test_a_denial_names_the_caller_and_the_action(cloud):
    with pytest.raises(ClientError, match=r"User: \S+:user/ann is not authorized to perform: logs:DescribeLogGroups"):
        client_of(cloud, "logs", user(cloud)).describe_log_groups()


def test_a_key_that_is_active_again_works(cloud):
    key = user(cloud)
    iam = client_of(cloud, "iam", administrator(cloud))
    for status in ("Inactive", "Active"):
        iam.update_access_key(UserName="ann", AccessKeyId=key["AccessKeyId"], Status=status)
    assert client_of(cloud, "sts", key).get_caller_identity()["Arn"].endswith(":user/ann")
    iam.delete_access_key(UserName="ann", AccessKeyId=key["AccessKeyId"])
    assert refused(client_of(cloud, "sts", key).get_caller_identity) == ("InvalidClientTokenId", 403)


# services that are not ours


def test_a_service_that_is_not_ours_is_refused_in_its_own_words_before_anything_is_forwarded(cloud):
    dynamo = client_of(cloud, "dynamodb", administrator(cloud) | {"SecretAccessKey": "guessed"})
    assert refused(dynamo.list_tables) == ("InvalidSignatureException", 400)
    assert refused(client_of(cloud, "sns", user(cloud)).list_topics) == ("AccessDenied", 403)
    with pytest.raises(ClientError, match="dynamodb is not one of Skylab's own services"):
        client_of(cloud, "dynamodb", administrator(cloud)).list_tables()
    assert refused(client_of(cloud, "lambda", administrator(cloud)).list_functions) == ("NotImplemented", 501)
