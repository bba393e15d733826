"""Requests and policies in few words."""

import json

from skylab.policy.document import parse
from skylab.policy.evaluate import Policies, evaluate
from skylab.policy.request import Request, Who

HERE, THERE = "111122223333", "444455556666"
ANN = f"arn:aws:iam::{HERE}:user/ann"
ROLE = f"arn:aws:iam::{HERE}:role/trainer"
SESSION = f"arn:aws:sts::{HERE}:assumed-role/trainer/job"
FEDERATED = f"arn:aws:sts::{HERE}:federated-user/ann"
ROOT = f"arn:aws:iam::{HERE}:root"

USER = Who(HERE, frozenset([ANN]))
ROLE_SESSION = Who(HERE, frozenset([SESSION, ROLE]))
FEDERATED_USER = Who(HERE, frozenset([FEDERATED, ANN]))
ROOT_USER = Who(HERE, frozenset([ROOT]), root=True)
ANONYMOUS = Who("")
TRAIL = Who("", service="cloudtrail.amazonaws.com")
OBJECT = "arn:aws:s3:::bucket/key"


def document(*statements, version="2012-10-17"):
    shared = {"Effect": "Allow", "Action": "*", "Resource": "*"}
    made = []
    for statement in statements:
        absent = {name for name in ("Action", "Resource") if f"Not{name}" in statement}
        made.append({key: value for key, value in (shared | statement).items() if key not in absent})
    return json.dumps({"Version": version, "Statement": made})


def policy(*statements, source="", version="2012-10-17"):
    """Of statements that allow everything, but for what they say themselves."""
    return parse(document(*statements, version=version), source)


ALL = policy({})
NOTHING = policy({"Action": "sqs:Nothing"})
DENY = policy({"Effect": "Deny"})


def to(*names, effect="Allow", **members):
    """A resource's policy for these principals."""
    return policy({"Effect": effect, "Principal": {"AWS": list(names)}} | members)


def ask(who=USER, action="s3:GetObject", on=OBJECT, owner=HERE, context=(), **policies):
    return evaluate(Request(who, action, on, owner, dict(context)), Policies(**policies))


def allowed(*statements, version="2012-10-17", **asked):
    """Whether a user with one policy may."""
    return ask(identity=(policy(*statements, version=version),), **asked).allowed
