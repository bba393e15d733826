"""The real server behind a real socket, as `skylab up` starts it, and unmodified clients in front of it."""

import hashlib
import io
import json
import os
import subprocess
import sys
import tarfile
import urllib.request
from contextlib import closing
from pathlib import Path

import boto3
import pytest
from boto3.s3.transfer import TransferConfig
from botocore.config import Config
from botocore.exceptions import ClientError, SSLError
from gateway.served import ENVIRON, MB, run

from skylab.root import Root

IMAGE = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"


def test_an_object_comes_back_as_it_was_put(s3):
    body = os.urandom(3 * MB)
    put = s3.put_object(Bucket="box", Key="a/ü b+c%", Body=body, Metadata={"who": "me"}, ContentType="text/x")

    got = s3.get_object(Bucket="box", Key="a/ü b+c%")

    assert got["Body"].read() == body
    assert (got["ETag"], got["Metadata"], got["ContentType"]) == (put["ETag"], {"who": "me"}, "text/x")
    assert got["ETag"] == f'"{hashlib.md5(body).hexdigest()}"'
    assert s3.head_object(Bucket="box", Key="a/ü b+c%")["ContentLength"] == len(body)


def test_ranges_are_what_they_say(s3):
    s3.put_object(Bucket="box", Key="digits", Body=b"0123456789")
    for asked, body in (
        ("bytes=2-4", b"234"),
        ("bytes=7-", b"789"),
        ("bytes=-2", b"89"),
        ("bytes=0-99", b"0123456789"),
    ):
        answer = s3.get_object(Bucket="box", Key="digits", Range=asked)
        assert (answer["ResponseMetadata"]["HTTPStatusCode"], answer["Body"].read()) == (206, body)
    with pytest.raises(ClientError, match="InvalidRange"):
        s3.get_object(Bucket="box", Key="digits", Range="bytes=10-")


def test_a_multipart_upload_is_one_object(s3, tmp_path):
    (tmp_path / "in").write_bytes(body := os.urandom(12 * MB))
    s3.upload_file(str(tmp_path / "in"), "box", "parts", Config=TransferConfig(5 * MB, multipart_chunksize=5 * MB))
    s3.download_file("box", "parts", str(tmp_path / "out"), Config=TransferConfig(5 * MB, multipart_chunksize=5 * MB))

    assert (tmp_path / "out").read_bytes() == body
    assert s3.head_object(Bucket="box", Key="parts")["ETag"].endswith('-3"')


def trained(root, client, name, bucket):
    """Runs a job with the source at bucket/code.tar.gz to its end: its status, and the lines of its log."""
    sagemaker, logs = client(root, "sagemaker"), client(root, "logs")
    sagemaker.create_training_job(
        TrainingJobName=name,
        RoleArn=Root(root).credentials().role,
        AlgorithmSpecification={"TrainingImage": IMAGE, "TrainingInputMode": "File"},
        OutputDataConfig={"S3OutputPath": f"s3://{bucket}/out"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 300},
        HyperParameters={"sagemaker_program": "t.py", "sagemaker_submit_directory": f"s3://{bucket}/code.tar.gz"},
    )
    sagemaker.get_waiter("training_job_completed_or_stopped").wait(
        TrainingJobName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 100}
    )
    events = logs.filter_log_events(logGroupName="/aws/sagemaker/TrainingJobs", logStreamNamePrefix=name)["events"]
    return [event["message"] for event in events]


def test_two_jobs_with_the_same_requirements_share_one_environment(root, client):
    """numpy is installed here, so that pip needs no internet."""
    bucket = "sagemaker-us-east-1-000000000000"
    with io.BytesIO() as packed:
        with tarfile.open(fileobj=packed, mode="w:gz") as archive:
            for name, text in (("t.py", b"import numpy"), ("requirements.txt", b"numpy  # and no more\n")):
                member = tarfile.TarInfo(name)
                member.size = len(text)
                archive.addfile(member, io.BytesIO(text))
        client(root).put_object(Bucket=bucket, Key="code.tar.gz", Body=packed.getvalue())

    first, second = trained(root, client, "first", bucket), trained(root, client, "second", bucket)

    said = "Dependencies of requirements.txt come from a shared environment: all are there"
    assert said in first and said in second, first
    assert any(line.startswith("Installing") for line in first) and not any(line.startswith("Inst") for line in second)
    assert len(list((root / "requirements" / "ready").iterdir())) == 1


def test_a_program_that_names_no_endpoint_lands_here(root, s3):
    s3.put_object(Bucket="box", Key="k", Body=b"unmodified")
    program = (
        "import boto3, os; del os.environ['AWS_ENDPOINT_URL']\n"
        "s3 = boto3.client('s3')\n"
        "s3.put_object(Bucket='box', Key='from', Body=b'outside')\n"
        "print(s3.get_object(Bucket='box', Key='k')['Body'].read().decode(), s3.meta.endpoint_url)\n"
        "print(boto3.client('sts').get_caller_identity()['Arn'])"
    )
    said = run(root, "exec", "--", sys.executable, "-c", program)
    assert said.returncode == 0, said.stderr
    assert said.stdout.splitlines() == [
        "unmodified https://s3.amazonaws.com",
        "arn:aws:sts::000000000000:assumed-role/Administrator/skylab",
    ]
    assert s3.get_object(Bucket="box", Key="from")["Body"].read() == b"outside"


def test_health_is_told_without_a_signature(root):
    with urllib.request.urlopen(f"{Root(root).running().url}/_skylab/health") as answer:
        told = json.loads(answer.read())
    assert told["status"] == "ready" and {"iam", "logs", "s3", "sts"} <= set(told["services"])


def resident(root, field="VmRSS"):
    """Bytes of memory that the server has, or (VmHWM) had at most."""
    lines = Path(f"/proc/{Root(root).running().pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(field))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc")
def test_a_large_object_does_not_pass_through_memory(root, s3, tmp_path):
    with (tmp_path / "large").open("wb") as file:
        for n in range(100):
            file.write(bytes([n]) * MB)
    before = resident(root)

    with (tmp_path / "large").open("rb") as file:
        s3.put_object(Bucket="box", Key="large", Body=file)
    digest = hashlib.md5()
    for piece in s3.get_object(Bucket="box", Key="large")["Body"].iter_chunks(MB):
        digest.update(piece)

    assert resident(root, "VmHWM") - before < 40 * MB
    assert digest.hexdigest() == hashlib.md5((tmp_path / "large").read_bytes()).hexdigest()


def test_down_ends_it_and_up_again_finds_everything(tmp_path, client):
    root = tmp_path / "root"
    assert run(root, "up", "--port", "0", "--detach").returncode == 0
    client(root).create_bucket(Bucket="box")
    client(root).put_object(Bucket="box", Key="k", Body=b"kept")
    key = Root(root).credentials()

    assert run(root, "down").stdout.startswith("Skylab has stopped.")
    assert Root(root).server() is None
    assert run(root, "up", "--port", "0", "--detach").returncode == 0

    assert Root(root).credentials() == key
    assert client(root).get_object(Bucket="box", Key="k")["Body"].read() == b"kept"
    assert (root / "credentials.json").stat().st_mode & 0o777 == 0o600
    assert run(root, "down").returncode == 0


def test_https_is_certified_by_the_authority_of_the_folder_and_known_to_be_secure(root):
    key, server = Root(root).credentials(), Root(root).running()
    made = [
        boto3.client(
            "sts", endpoint_url=server.https_url, region_name=key.region, aws_access_key_id=key.key,
            aws_secret_access_key=key.secret, aws_session_token=key.token, verify=verify,
            config=Config(retries={"total_max_attempts": 1}),
        )
        for verify in (str(root / "authority" / "ca.pem"), None)
    ]  # fmt: skip
    trusting, stranger = made
    with closing(trusting), closing(stranger):
        assert trusting.get_caller_identity()["Account"] == key.account
        with pytest.raises(SSLError):
            stranger.get_caller_identity()


def test_a_customer_s_key_comes_over_https_only(root):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/ServerSideEncryptionCustomerKeys.html"""
    key, server = Root(root).credentials(), Root(root).running()
    clear, secure = (
        boto3.client(
            "s3", endpoint_url=url, region_name=key.region, aws_access_key_id=key.key,
            aws_secret_access_key=key.secret, aws_session_token=key.token, verify=str(root / "authority" / "ca.pem"),
            config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
        )
        for url in (server.url, server.https_url)
    )  # fmt: skip
    rule = {"BlockedEncryptionTypes": {"EncryptionType": ["NONE"]}}
    customer = {"SSECustomerAlgorithm": "AES256", "SSECustomerKey": b"k" * 32}
    where = {"Bucket": "customers", "Key": "k"}
    with closing(clear), closing(secure):
        secure.create_bucket(Bucket="customers")
        secure.put_bucket_encryption(Bucket="customers", ServerSideEncryptionConfiguration={"Rules": [rule]})
        secure.put_object(**where, Body=b"x" * MB, **customer)
        assert secure.get_object(**where, **customer)["Body"].read() == b"x" * MB
        for call in (clear.put_object, clear.get_object):
            with pytest.raises(ClientError, match="must be made over a secure connection"):
                call(**where, **customer)


def test_env_names_the_encrypted_port_and_who_vouches_for_it(root):
    given = json.loads(run(root, "env", "--shell", "json", "--https").stdout)

    assert given["AWS_ENDPOINT_URL"] == Root(root).running().https_url
    assert (root / "authority" / "ca.pem").read_text() in Path(given["AWS_CA_BUNDLE"]).read_text()
    program = "import boto3; print(boto3.client('s3').list_buckets()['Buckets'][0]['Name'])"
    said = subprocess.run([sys.executable, "-c", program], env=ENVIRON | given, capture_output=True, text=True)
    assert said.stdout.startswith("box") or said.stdout.startswith("sagemaker-"), said.stderr


def test_a_bucket_that_wants_encrypted_requests_is_read_over_https_only(root, client):
    """https://docs.aws.amazon.com/AmazonS3/latest/userguide/amazon-s3-policy-keys.html: aws:SecureTransport"""
    plain, key, server = client(root), Root(root).credentials(), Root(root).running()
    plain.create_bucket(Bucket="secure")
    plain.put_object(Bucket="secure", Key="k", Body=b"x")
    deny = {
        "Effect": "Deny", "Principal": "*", "Action": "s3:*", "Resource": "arn:aws:s3:::secure/*",
        "Condition": {"Bool": {"aws:SecureTransport": "false"}},
    }  # fmt: skip

    plain.put_bucket_policy(Bucket="secure", Policy=json.dumps({"Version": "2012-10-17", "Statement": deny}))

    with pytest.raises(ClientError, match="explicit deny in a resource-based policy"):
        plain.get_object(Bucket="secure", Key="k")
    encrypted = boto3.client(
        "s3", endpoint_url=server.https_url, region_name=key.region, aws_access_key_id=key.key,
        aws_secret_access_key=key.secret, aws_session_token=key.token, verify=str(root / "authority" / "ca.pem"),
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}),
    )  # fmt: skip
    with closing(encrypted):
        assert encrypted.get_object(Bucket="secure", Key="k")["Body"].read() == b"x"
