"""What does it cost to decide? The whole authorise step of a call whose caller has ten policies, all of them compiled.

python bench/authorisation.py [--calls N]

The step is all between a parsed request and its handler: the needs of the operation, whether the caller's policies
still hold (one look into the store), the resource's policy and owner, the conditions, the decision.
"""

import argparse
import json
import tempfile
from pathlib import Path
from time import perf_counter

from skylab.cloud import Cloud
from skylab.gateway import identity
from skylab.kernel import credentials
from skylab.settings import Settings
from skylab.wire.http import HttpRequest

POLICIES, STATEMENTS = 10, 5
QUESTIONS = [
    ("s3", "GetObject", {"Bucket": "sagemaker-us-east-1-000000000000", "Key": "a/b"}),
    ("s3", "ListObjectsV2", {"Bucket": "sagemaker-us-east-1-000000000000", "Prefix": "home/ann/x"}),
    ("sagemaker", "DescribeTrainingJob", {"TrainingJobName": "job"}),
    ("sagemaker-runtime", "InvokeEndpoint", {"EndpointName": "endpoint"}),
    ("logs", "PutLogEvents", {"logGroupName": "/jobs", "logStreamName": "one"}),
]


def policy(number: int) -> str:
    """Of the kind people write; the last one allows what is asked."""
    own = [
        {"Effect": "Allow", "Action": ["s3:GetObject", "s3:PutObject"], "Resource": f"arn:aws:s3:::team-{number}/{n}/*"}
        for n in range(STATEMENTS - 2)
    ]
    away = {"NotIpAddress": {"aws:SourceIp": ["10.0.0.0/8", "127.0.0.0/8"]}, "Bool": {"aws:ViaAWSService": "false"}}
    deny = {"Effect": "Deny", "Action": "*", "Resource": "*", "Condition": away}
    tagged = {"StringEquals": {"aws:PrincipalTag/team": f"team-{number}"}}
    mine = {"Effect": "Allow", "Action": ["s3:*", "sagemaker:*", "logs:*"], "Resource": "*", "Condition": tagged}
    return json.dumps({"Version": "2012-10-17", "Statement": [*own, deny, mine]})


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--calls", type=int, default=5000)
    calls = parser.parse_args().calls
    cloud = Cloud(Path(tempfile.mkdtemp()) / "root", Settings(fallback=False))
    given = cloud.account.credentials()
    keys = given["AccessKeyId"], given["SecretAccessKey"], given["SessionToken"]
    iam = cloud.transport.client("iam", "us-east-1", *keys)
    iam.create_user(UserName="ann", Tags=[{"Key": "team", "Value": f"team-{POLICIES - 1}"}])
    for number in range(POLICIES):
        arn = iam.create_policy(PolicyName=f"p{number}", PolicyDocument=policy(number))["Policy"]["Arn"]
        iam.attach_user_policy(UserName="ann", PolicyArn=arn)
    key = iam.create_access_key(UserName="ann")["AccessKey"]["AccessKeyId"]
    with cloud.store.reading() as tx:
        known = credentials.find(tx, key)
    assert known
    who, http = identity.principal(known), HttpRequest("GET", "/", "", {"authorization": "x"})
    for service, operation, parameters in QUESTIONS:
        ours = next(each for each in cloud.services if each.name == service)
        times = []
        for _ in range(calls):
            call = cloud.gateway.call(ours, "us-east-1", who, http, "R")
            begun = perf_counter()
            cloud.gateway.authorisation.authorise(call, operation, parameters)
            times.append(perf_counter() - begun)
        times.sort()
        p50, p99 = (times[int(len(times) * share)] * 1e6 for share in (0.5, 0.99))
        print(f"{service:18} {operation:22} p50 {p50:7.1f} us   p99 {p99:7.1f} us")
    cloud.stop()


if __name__ == "__main__":
    main()
