"""Kill -9 of a cloud that has just acknowledged a change of IAM: the next cloud decides by it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from botocore.exceptions import ClientError

import skylab
from skylab.cloud import Cloud
from skylab.settings import Settings

SOURCE = str(Path(skylab.__file__).parents[1])

# Asks once as ann (so that her policies are kept), changes them, and is killed when the change is acknowledged.
DYING = """
import json, os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from skylab.cloud import Cloud
from skylab.settings import Settings

cloud = Cloud(Path(sys.argv[2]), Settings(durability=sys.argv[3], fallback=False))
def client(service, key):
    given = key["AccessKeyId"], key["SecretAccessKey"], key.get("SessionToken")
    return cloud.transport.client(service, "us-east-1", *given)
iam = client("iam", cloud.account.credentials())
iam.create_user(UserName="ann")
key = iam.create_access_key(UserName="ann")["AccessKey"]
print(json.dumps([key["AccessKeyId"], key["SecretAccessKey"]]), flush=True)
if sys.argv[4] == "deny":
    iam.put_user_policy(UserName="ann", PolicyName="p", PolicyDocument=sys.argv[5])
    client("logs", key).describe_log_groups()
    iam.delete_user_policy(UserName="ann", PolicyName="p")
else:
    iam.put_user_policy(UserName="ann", PolicyName="p", PolicyDocument=sys.argv[5])
os.kill(os.getpid(), signal.SIGKILL)
"""
ALLOW = {"Effect": "Allow", "Action": "logs:DescribeLogGroups", "Resource": "*"}
POLICY = json.dumps({"Version": "2012-10-17", "Statement": [ALLOW]})


@pytest.mark.parametrize("durability", ["kill", pytest.param("power", marks=pytest.mark.slow)])
@pytest.mark.parametrize("change", ["allow", "deny"])
def test_a_change_of_policies_that_was_acknowledged_outlives_a_kill(tmp_path, change, durability):
    argv = [sys.executable, "-c", DYING, SOURCE, tmp_path / "root", durability, change, POLICY]
    done = subprocess.run(argv, env=os.environ | {"AWS_EC2_METADATA_DISABLED": "true"}, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    key, secret = json.loads(done.stdout)

    cloud = Cloud(tmp_path / "root", Settings(fallback=False))
    try:
        logs = cloud.transport.client("logs", "us-east-1", key, secret, None)
        if change == "allow":
            logs.describe_log_groups()
        else:
            with pytest.raises(ClientError, match="no identity-based policy allows the logs:DescribeLogGroups action"):
                logs.describe_log_groups()
    finally:
        cloud.stop()


def test_two_processes_of_one_folder_see_each_others_changes_at_once(tmp_path):
    """The generation is in the store, not in a process: two clouds stand for two gateways."""
    one, two = (Cloud(tmp_path / "root", Settings(fallback=False)) for _ in range(2))
    try:
        given = one.account.credentials()
        keys = given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]
        iam = one.transport.client("iam", "us-east-1", *keys)
        iam.create_user(UserName="ann")
        key = iam.create_access_key(UserName="ann")["AccessKey"]
        logs = two.transport.client("logs", "us-east-1", key["AccessKeyId"], key["SecretAccessKey"], None)
        for _ in range(3):
            iam.put_user_policy(UserName="ann", PolicyName="p", PolicyDocument=POLICY)
            logs.describe_log_groups()
            iam.delete_user_policy(UserName="ann", PolicyName="p")
            with pytest.raises(ClientError, match="AccessDenied"):
                logs.describe_log_groups()
    finally:
        one.stop()
        two.stop()
