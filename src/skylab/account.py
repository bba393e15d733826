"""What an account has from its first day: root's key, an administrator, an execution role, the default bucket.

The administrator's session is what a person uses; its keys stay the same, and its end moves on while Skylab runs.
"""

import json
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from skylab.gateway.inprocess import Transport
from skylab.gateway.sessions import administrators
from skylab.kernel import credentials
from skylab.kernel.clock import Clock
from skylab.kernel.key import Key
from skylab.kernel.store import Store, Task
from skylab.settings import Settings

ADMINISTRATOR = "Administrator"
EXECUTION = "AmazonSageMaker-ExecutionRole"
SESSION_LIFE, RENEWAL = timedelta(hours=12), timedelta(hours=1)


class Account:
    """Also the Work that renews the administrator's session: advance()."""

    def __init__(self, store: Store, clock: Clock, settings: Settings, transport: Transport) -> None:
        self.store, self.clock, self.settings, self.transport = store, clock, settings, transport
        self.key = Key(settings.account, "", "skylab", "account", settings.account)

    def prepare(self) -> None:
        """Makes what is not there yet; a kill in the middle is mended by the next start."""
        with self.store.reading() as tx:
            doc = tx.find(self.key)
        if doc is None:
            doc = self._root()
        if "Session" not in doc:
            self._make(doc["Root"])
        self._extend(self.clock.now())

    def credentials(self) -> dict[str, str]:
        """The administrator's session, as <root>/credentials.json shows it."""
        with self.store.reading() as tx:
            session = tx.get(self.key)["Session"]
        return {
            "AccessKeyId": session["AccessKeyId"],
            "SecretAccessKey": session["SecretAccessKey"],
            "SessionToken": session["SessionToken"],
            "Account": self.settings.account,
            "Region": self.settings.region,
            "RoleArn": self._role(ADMINISTRATOR),
        }

    def advance(self, task: Task, now: datetime) -> float | None:
        self._extend(now)
        with self.store.writing() as tx:
            tx.delay(task.id, now + RENEWAL)
        return None

    def _extend(self, now: datetime) -> None:
        with self.store.writing() as tx:
            credentials.extend(tx, tx.get(self.key)["Session"]["AccessKeyId"], now + SESSION_LIFE)
            credentials.purge(tx, now - timedelta(hours=1))

    def _role(self, name: str) -> str:
        return f"arn:aws:iam::{self.settings.account}:role/{name}"

    def _root(self) -> dict[str, Any]:
        now, account = self.clock.now(), self.settings.account
        root = {"arn": f"arn:aws:iam::{account}:root", "id": account, "account": account, "type": "Root"}
        with self.store.writing() as tx:
            doc = {"Root": credentials.issue_long_term(tx, root, "root", now)}
            tx.create(self.key, doc, now)
        return doc

    def _make(self, root: dict[str, str]) -> None:
        key = root["AccessKeyId"], root["SecretAccessKey"], None
        iam = self.transport.client("iam", self.settings.region, *key)
        for name, policy in ((ADMINISTRATOR, "AdministratorAccess"), (EXECUTION, "AmazonSageMakerFullAccess")):
            self._make_role(iam, name, policy)
        s3 = self.transport.client("s3", self.settings.region, *key, s3={"addressing_style": "path"})
        region = self.settings.region
        where = {} if region == "us-east-1" else {"CreateBucketConfiguration": {"LocationConstraint": region}}
        _unless(
            s3.create_bucket, "BucketAlreadyOwnedByYou", Bucket=f"sagemaker-{region}-{self.settings.account}", **where
        )
        now = self.clock.now()
        with self.store.writing() as tx:
            session = administrators(tx, self._role(ADMINISTRATOR), "skylab", now, now + SESSION_LIFE)
            tx.update(self.key, now, Session=session)
            tx.start("session", self.key, now + RENEWAL, id="administrator-session")

    def _make_role(self, iam: Any, name: str, policy: str) -> None:
        trust = {
            "Version": "2012-10-17",
            "Statement": [
                {
                    "Effect": "Allow",
                    "Principal": {
                        "Service": "sagemaker.amazonaws.com",
                        "AWS": f"arn:aws:iam::{self.settings.account}:root",
                    },
                    "Action": "sts:AssumeRole",
                }
            ],
        }
        _unless(iam.create_role, "EntityAlreadyExists", RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))
        iam.attach_role_policy(RoleName=name, PolicyArn=f"arn:aws:iam::aws:policy/{policy}")


def _unless(create: Any, there: str, **parameters: Any) -> None:
    try:
        create(**parameters)
    except ClientError as error:
        if error.response["Error"]["Code"] != there:
            raise
