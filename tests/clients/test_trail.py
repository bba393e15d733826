"""`aws cloudtrail validate-logs` accepts what a trail delivered, and shows what was changed since.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-log-file-validation-cli.html
"""

import gzip
import os
import re
import subprocess
import sys
import time

import pytest
from trail_steps import welcoming

SKYLAB = [sys.executable, "-m", "skylab.cli"]
ARN = "arn:aws:cloudtrail:us-east-1:000000000000:trail/audit"
QUICK = {"SKYLAB_TRAIL_DELIVERY_SECONDS": "1", "SKYLAB_TRAIL_DIGEST_SECONDS": "3"}


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    """Runs a command against a Skylab whose trails deliver each second; (code, what it printed)."""
    root = str(tmp_path_factory.mktemp("cloud") / "root")
    environ = os.environ | QUICK
    subprocess.run([*SKYLAB, "up", "--root", root, "--port", "0", "--detach"], check=True, timeout=60, env=environ)

    def run(*argv):
        done = subprocess.run(
            [*SKYLAB, "exec", "--root", root, "--", *map(str, argv)], capture_output=True, text=True, timeout=120
        )
        return done.returncode, done.stdout + done.stderr

    yield run
    subprocess.run([*SKYLAB, "down", "--root", root], check=True, timeout=60)


@pytest.fixture
def stopped(quick, tool):
    """A trail that has delivered some digests and is logging no more; (aws, objects of it by kind)."""
    aws = tool("awscli", "aws")

    def does(*argv):
        code, text = quick(aws, *argv)
        assert code == 0, text
        return text

    does("s3", "mb", "s3://the-logs")
    does("s3api", "put-bucket-policy", "--bucket", "the-logs", "--policy", welcoming("the-logs"))
    trail = ("cloudtrail", "create-trail", "--name", "audit", "--s3-bucket-name", "the-logs")
    does(*trail, "--enable-log-file-validation", "--s3-key-prefix", "company")
    does("cloudtrail", "start-logging", "--name", "audit")
    deadline = time.monotonic() + 90
    while len(listed(does, "CloudTrail-Digest")) < 3:
        does("iam", "list-roles")
        assert time.monotonic() < deadline
    does("cloudtrail", "stop-logging", "--name", "audit")
    while not settled(does):
        assert time.monotonic() < deadline
    return does


def settled(does):
    """Whether nothing more comes: twice the same listing, the deliveries' interval apart."""
    before = does("s3", "ls", "--recursive", "s3://the-logs")
    deadline = time.monotonic() + 4
    while time.monotonic() < deadline:
        if does("s3", "ls", "--recursive", "s3://the-logs") != before:
            return False
    return True


def listed(does, part):
    found = does("s3", "ls", "--recursive", "s3://the-logs/company/")
    return re.findall(rf"company/AWSLogs/000000000000/{part}/\S+", found)


def validated(quick, aws):
    return quick(aws, "cloudtrail", "validate-logs", "--trail-arn", ARN, "--start-time", "2020-01-01", "--verbose")


@pytest.mark.slow
@pytest.mark.timeout(400)
def test_the_aws_cli_validates_a_trail_and_shows_tampering(quick, stopped, tool, tmp_path):
    aws, does = tool("awscli", "aws"), stopped
    logs, digests = listed(does, "CloudTrail"), listed(does, "CloudTrail-Digest")

    code, text = validated(quick, aws)
    assert code == 0, text
    assert f"{len(digests)}/{len(digests)} digest files valid" in text, text
    assert f"{len(logs)}/{len(logs)} log files valid" in text, text

    # a log file that is changed, and put back
    local = tmp_path / "file"
    does("s3", "cp", f"s3://the-logs/{logs[0]}", local, "--no-progress")
    whole = local.read_bytes()
    local.write_bytes(gzip.compress(gzip.decompress(whole).replace(b"Administrator", b"Administrat0r", 1)))
    does("s3", "cp", local, f"s3://the-logs/{logs[0]}", "--no-progress")
    code, text = validated(quick, aws)
    assert code == 1 and f"Log file\ts3://the-logs/{logs[0]}\tINVALID: hash value doesn't match" in text, text
    local.write_bytes(whole)
    does("s3", "cp", local, f"s3://the-logs/{logs[0]}", "--no-progress")

    # a log file that is deleted
    does("s3", "rm", f"s3://the-logs/{logs[1]}")
    code, text = validated(quick, aws)
    assert code == 1 and f"Log file\ts3://the-logs/{logs[1]}\tINVALID: not found" in text, text

    # a digest that is changed, by one who keeps its signature
    does("s3", "cp", f"s3://the-logs/{digests[1]}", local, "--no-progress")
    local.write_bytes(gzip.compress(gzip.decompress(local.read_bytes()).replace(b"s3Bucket", b"s3bucket", 1)))
    head = does("s3api", "head-object", "--bucket", "the-logs", "--key", digests[1], "--query", "Metadata.signature")
    signature = head.strip().strip('"')
    metadata = f"signature={signature},signature-algorithm=SHA256withRSA"
    does("s3", "cp", local, f"s3://the-logs/{digests[1]}", "--no-progress", "--metadata", metadata)
    code, text = validated(quick, aws)
    assert code == 1 and f"s3://the-logs/{digests[1]}\tINVALID" in text, text

    # a digest that is deleted
    does("s3", "rm", f"s3://the-logs/{digests[1]}")
    code, text = validated(quick, aws)
    assert code == 1 and f"Digest file\ts3://the-logs/{digests[1]}\tINVALID: not found" in text, text
