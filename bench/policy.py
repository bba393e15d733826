"""What does one decision cost? A role's session with ten policies, a boundary, a bucket's policy and an organisation's.

python bench/policy.py [--rounds N]
"""

import argparse
import json
import time
from collections.abc import Iterator
from typing import Any

from tools.figures import Table

from skylab.policy.document import Policy, parse
from skylab.policy.evaluate import Policies, evaluate
from skylab.policy.request import Request, Who

ACCOUNT = "111122223333"
VERBS = ("Create", "Describe", "List", "Delete", "Update", "Stop", "Get", "Put")
SERVICES = ("sagemaker", "s3", "logs", "kms", "ecr", "cloudwatch", "iam", "sts", "events", "lambda")
CALLER = Who(
    ACCOUNT,
    frozenset([f"arn:aws:sts::{ACCOUNT}:assumed-role/Trainer/job", f"arn:aws:iam::{ACCOUNT}:role/Trainer"]),
)
CONTEXT = {
    "aws:sourceip": ["10.1.2.3"],
    "aws:currenttime": ["2026-01-01T12:00:00Z"],
    "aws:securetransport": ["true"],
    "aws:principaltag/team": ["fraud"],
    "aws:requestedregion": ["eu-west-1"],
    "aws:userid": ["AROAEXAMPLE:job"],
}


def policy(*statements: dict[str, Any]) -> Policy:
    written = []
    for statement in statements:
        shared = {"Effect": "Allow", "Resource": "*"} | ({} if "NotAction" in statement else {"Action": "*"})
        written.append(shared | statement)
    return parse(json.dumps({"Version": "2012-10-17", "Statement": written}))


def statements(service: str) -> Iterator[dict[str, Any]]:
    """As in managed policies: some lists of actions, some resources, some conditions."""
    for noun in ("Model", "Endpoint", "Object", "Group"):
        yield {"Action": [f"{service}:{verb}{noun}" for verb in VERBS]}
        yield {
            "Action": [f"{service}:{verb}{noun}*" for verb in VERBS],
            "Resource": [
                f"arn:aws:{service}:*:*:{noun.lower()}/${{aws:PrincipalTag/team}}-*",
                "arn:aws:s3:::*sagemaker*",
            ],
            "Condition": {"StringEquals": {"aws:RequestedRegion": ["eu-west-1", "eu-central-1"]}},
        }
    yield {
        "Effect": "Deny",
        "NotAction": [f"{each}:*" for each in SERVICES],
        "Condition": {"NotIpAddress": {"aws:SourceIp": ["10.0.0.0/8", "2001:db8::/32"]}},
    }
    yield {"Effect": "Deny", "Action": f"{service}:*", "Condition": {"Bool": {"aws:SecureTransport": "false"}}}


def questions() -> dict[str, tuple[Request, Policies]]:
    ten = tuple(policy(*statements(service)) for service in SERVICES)
    bucket = policy({"Principal": {"AWS": ACCOUNT}}, {"Effect": "Deny", "Principal": "*", "Action": "s3:DeleteBucket"})
    everywhere = Policies(
        identity=ten, boundary=policy({}), session=(policy({}),), resource=bucket, organisation=((policy({}),),) * 2
    )
    get = Request(CALLER, "s3:GetObject", "arn:aws:s3:::bucket/fraud/train.csv", ACCOUNT, CONTEXT)
    none = Request(CALLER, "dynamodb:GetItem", f"arn:aws:dynamodb:eu-west-1:{ACCOUNT}:table/t", ACCOUNT, CONTEXT)
    return {
        "ten policies": (get, Policies(identity=ten)),
        "ten policies, another service": (none, Policies(identity=ten)),
        "and every other kind": (get, everywhere),
    }


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=5000)
    given = parser.parse_args()
    table = Table("Policy")
    for question, (request, policies) in questions().items():
        timings = []
        for _ in range(given.rounds):
            begin = time.perf_counter()
            evaluate(request, policies)
            timings.append(time.perf_counter() - begin)
        table.times(question, "skylab", timings, "< 0.1 ms")


if __name__ == "__main__":
    main()
