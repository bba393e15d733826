"""AWS managed keys: alias/aws/s3 and its like, made when they are first asked for, used only through their service.

https://docs.aws.amazon.com/kms/latest/developerguide/concepts.html#aws-managed-key
"""

import json
from datetime import timedelta

from skylab.kernel.store import Exists
from skylab.services.call import Call
from skylab.services.kms.creation import described, new_key, write
from skylab.services.kms.materials import generate
from skylab.services.kms.names import alias_in, arn_of, located
from skylab.services.kms.specs import SPECS

PREFIX = "alias/aws/"
YEAR = timedelta(days=365)
SERVICES = (
    "acm", "athena", "backup", "bedrock", "dynamodb", "ebs", "ecr", "elasticfilesystem", "es", "events", "firehose",
    "glue", "kinesis", "kinesisvideo", "lambda", "lightsail", "logs", "rds", "redshift", "s3", "sagemaker",
    "secretsmanager", "sns", "sqs", "ssm", "states", "xray",
)  # fmt: skip


def ensure(call: Call, key_id: str) -> None:
    """Makes the AWS managed key that key_id means, where it is not there yet. Anything else is left alone."""
    if PREFIX not in key_id:
        return
    alias = located(call, key_id)
    service = alias.name.removeprefix(PREFIX)
    if alias.type != "alias" or alias.account != call.account or service not in SERVICES:
        return
    with call.reading() as tx:
        if tx.find(alias) is not None:
            return
    _make(call, service)


def _make(call: Call, service: str) -> None:
    key, alias, spec = new_key(call), alias_in(call, call.account, PREFIX + service), "SYMMETRIC_DEFAULT"
    doc = described(call, key, spec, next(iter(SPECS[spec])))
    doc |= {"KeyManager": "AWS", "Description": f"Default key that protects my {service} data when no other is chosen"}
    next_rotation = call.now + YEAR
    rotation = {"enabled": True, "period": YEAR.days, "next": next_rotation}
    named = {"AliasName": alias.name, "AliasArn": arn_of(alias), "TargetKeyId": key.name}
    try:
        with call.writing() as tx:
            tx.create(alias, named | {"CreationDate": call.now, "LastUpdatedDate": call.now}, call.now)
            private = {"policy": policy(call, service), "tags": {}, "rotation": rotation}
            write(tx, call, key, doc, generate(spec), private)
            tx.start("kms-rotation", key, next_rotation, id=call.ids.new())
    except Exists:
        pass  # another caller was first


def policy(call: Call, service: str) -> str:
    """What AWS writes for its own keys: everybody who may use the service, and only through it."""
    account = call.account
    through = {
        "Sid": f"Allow access through {service} for all principals in the account that are authorized to use {service}",
        "Effect": "Allow",
        "Principal": {"AWS": "*"},
        "Action": [
            "kms:Encrypt",
            "kms:Decrypt",
            "kms:ReEncrypt*",
            "kms:GenerateDataKey*",
            "kms:CreateGrant",
            "kms:DescribeKey",
        ],
        "Resource": "*",
        "Condition": {
            "StringEquals": {"kms:CallerAccount": account, "kms:ViaService": f"{service}.{call.region}.amazonaws.com"}
        },
    }
    metadata = {
        "Sid": "Allow direct access to key metadata to the account",
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
        "Action": ["kms:Describe*", "kms:Get*", "kms:List*", "kms:RevokeGrant"],
        "Resource": "*",
    }
    return json.dumps({"Version": "2012-10-17", "Id": f"auto-{service}-1", "Statement": [through, metadata]}, indent=2)
