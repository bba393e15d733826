"""Kill -9 of the cloud: what was acknowledged is there with the right bytes, what was not is there whole or not at all.

Two ways: the process ends itself by SIGKILL at one effect of a write, or a server under load is killed at any moment.
"""

import hashlib
import json
import os
import random
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, HTTPClientError

import skylab
from skylab.cloud import Cloud
from skylab.settings import Settings

SOURCE = str(Path(skylab.__file__).parents[1])
OLD, NEW, PARTS = b"old" * 1000, b"new" * 200_000, [b"1" * 5 * 2**20, b"2" * 1000]

# One child for each step; it dies before or after what the step names has happened.
DYING = """
import json, os, signal, sys
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from skylab.cloud import Cloud
from skylab.services.s3 import bodies, completions, keeper, uploads, versions
from skylab.settings import Settings

def die(root, owner, name, when):
    cloud = Cloud(Path(root), Settings(durability=sys.argv[2], fallback=False))
    place = eval(owner)
    real = getattr(place, name)

    def step(*given, **more):
        if when == "after":
            real(*given, **more)
        os.kill(os.getpid(), signal.SIGKILL)

    key = cloud.account.credentials()
    s3 = cloud.transport.client("s3", key["Region"], key["AccessKeyId"], key["SecretAccessKey"], key["SessionToken"],
                                s3={"addressing_style": "path"})
    (upload,) = s3.list_multipart_uploads(Bucket="box")["Uploads"]
    where = {"Bucket": "box", "Key": "k", "UploadId": upload["UploadId"]}
    chosen = [{"PartNumber": part["PartNumber"], "ETag": part["ETag"]} for part in s3.list_parts(**where)["Parts"]]
    setattr(place, name, step)
    if sys.argv[3] == "put":
        s3.put_object(Bucket="box", Key="k", Body=b"new" * 200_000, **json.loads(sys.argv[5]))
    else:
        s3.complete_multipart_upload(**where, MultipartUpload={"Parts": chosen})

for step in json.loads(sys.argv[4]):
    if not (child := os.fork()):
        die(*step)
        os._exit(1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL, step
"""

MODES = [{"ServerSideEncryption": mode} for mode in ("AES256", "aws:kms", "aws:kms:dsse")]
modes = pytest.mark.parametrize("mode", MODES[:2], ids=lambda mode: mode["ServerSideEncryption"])

PUT = [  # (what, its name, before or after it, whether the write has happened)
    ("bodies.Draft", "write", "before", False),
    ("bodies.Draft", "write", "after", False),
    ("bodies.Draft", "keep", "before", False),
    ("bodies.Draft", "keep", "after", False),
    ("versions", "write", "after", False),
    ("keeper.Keeper", "note", "before", True),
]
COMPLETION = [
    ("bodies.Draft", "append", "before", False),
    ("bodies.Draft", "append", "after", False),
    ("bodies.Draft", "keep", "before", False),
    ("bodies.Draft", "keep", "after", False),
    ("versions", "write", "after", False),
    ("uploads", "drop_parts", "after", False),
    ("uploads", "complete", "after", False),
    ("keeper.Keeper", "note", "before", True),
]


def opened(root, durability):
    return Cloud(root, Settings(durability=durability, fallback=False))


def s3_of(cloud):
    key = cloud.account.credentials()
    given = key["AccessKeyId"], key["SecretAccessKey"], key["SessionToken"]
    return cloud.transport.client("s3", key["Region"], *given, s3={"addressing_style": "path"})


def killed_at(tmp_path, durability, work, steps, mode):
    """Each step's cloud, opened again after its death, and whether the write has happened."""
    cloud = opened(tmp_path / "before", durability)
    s3 = s3_of(cloud)
    s3.create_bucket(Bucket="box")
    s3.put_object(Bucket="box", Key="k", Body=OLD)
    where = {"Bucket": "box", "Key": "k"}
    where["UploadId"] = s3.create_multipart_upload(**where, **mode)["UploadId"]
    for n, body in enumerate(PARTS, 1):
        s3.upload_part(**where, PartNumber=n, Body=body)
    chosen = [{"PartNumber": part["PartNumber"], "ETag": part["ETag"]} for part in s3.list_parts(**where)["Parts"]]
    cloud.stop()
    roots = [shutil.copytree(tmp_path / "before", tmp_path / str(n)) for n in range(len(steps))]
    told = json.dumps([[str(root), *step[:3]] for root, step in zip(roots, steps, strict=True)])
    argv = [sys.executable, "-c", DYING, SOURCE, durability, work, told, json.dumps(mode)]
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=100)
    assert ended.returncode == 0, ended.stderr
    for root, step in zip(roots, steps, strict=True):
        cloud = opened(root, durability)
        try:
            yield cloud, step[3], where | {"MultipartUpload": {"Parts": chosen}}
        finally:
            cloud.stop()


def leftovers(root):
    """The files of drafts and bodies."""
    return [file for top in ("drafts", "bodies") for file in (root / "s3" / top).rglob("*") if file.is_file()]


@modes
@pytest.mark.parametrize("durability", ["kill", "power"])
def test_a_put_that_is_killed_at_any_step_has_happened_whole_or_not_at_all(tmp_path, durability, mode):
    for cloud, done, _ in killed_at(tmp_path, durability, "put", PUT, mode):
        assert s3_of(cloud).get_object(Bucket="box", Key="k")["Body"].read() == (NEW if done else OLD)
        assert set(leftovers(cloud.root)) == cloud_bodies(cloud)


@modes
@pytest.mark.parametrize("durability", ["kill", "power"])
def test_a_completion_that_is_killed_at_any_step_can_be_asked_for_again(tmp_path, durability, mode):
    for cloud, done, completion in killed_at(tmp_path, durability, "complete", COMPLETION, mode):
        s3 = s3_of(cloud)
        assert s3.get_object(Bucket="box", Key="k")["Body"].read() == (b"".join(PARTS) if done else OLD)
        assert len(s3.list_multipart_uploads(Bucket="box").get("Uploads", [])) == (0 if done else 1)
        assert set(leftovers(cloud.root)) == cloud_bodies(cloud)
        s3.complete_multipart_upload(**completion)
        assert s3.get_object(Bucket="box", Key="k")["Body"].read() == b"".join(PARTS)
        assert not [file for file in leftovers(cloud.root) if PARTS[0][:64] in file.read_bytes()]


def cloud_bodies(cloud):
    part = next(service.part for service in cloud.services if service.name == "s3")
    with part["objects"].reading() as db:
        rows = db.execute(
            "select body from version union select body from part union select body from doomed"
        ).fetchall()
    return {part["bodies"].path(body) for (body,) in rows if body is not None}


# under load


class Server:
    """A server of one folder as a process; its port is its own at each start."""

    def __init__(self, root, durability):
        self.root, self.durability = root, durability

    def start(self):
        environ = os.environ | {"PYTHONPATH": SOURCE, "SKYLAB_DURABILITY": self.durability, "SKYLAB_FALLBACK": "0"}
        with (self.root.parent / "log").open("ab") as log:
            argv = [sys.executable, "-m", "skylab.server", str(self.root), "0"]
            self.process = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=log, text=True, env=environ)
        word, _, self.url = self.process.stdout.readline().strip().partition(" ")
        assert word == "ready", (self.root.parent / "log").read_text()[-2000:]

    def kill(self):
        self.process.kill()
        self.process.communicate()

    def client(self, service):
        key = json.loads((self.root / "credentials.json").read_text())
        return boto3.client(
            service, region_name=key["Region"], endpoint_url=self.url, aws_access_key_id=key["AccessKeyId"],
            aws_secret_access_key=key["SecretAccessKey"], aws_session_token=key["SessionToken"],
            config=Config(retries={"total_max_attempts": 1}, read_timeout=20, s3={"addressing_style": "path"}),
        )  # fmt: skip


class Load:
    """Four threads that write without a pause until the server is gone, and remember what it acknowledged."""

    def __init__(self, server, round, objects):
        """objects: what all rounds wrote, by key: [(MD5, acknowledged)] in order."""
        self.server, self.round, self.objects = server, round, objects
        self.touched, self.users, self.messages, self.wrong = set(), set(), set(), []
        kinds = (self.put, self.multipart, self.log, self.user)
        clients = [{name: server.client(name) for name in ("s3", "logs", "iam")} for _ in kinds]
        pairs = zip(kinds, clients, strict=True)
        self.threads = [threading.Thread(target=self.run, args=pair, daemon=True) for pair in pairs]

    def run(self, kind, clients):
        for n in range(10**6):
            try:
                kind(f"{self.round}-{n}", clients)
            except (HTTPClientError, BotoCoreError):
                return  # the server is gone
            except ClientError as error:
                self.wrong.append(error)
                return

    def put(self, name, clients):
        key = f"put/{name}" if random.random() < 0.7 else "put/again"
        body = name.encode() + os.urandom(random.randrange(300_000))
        self.attempt(key, body)
        clients["s3"].put_object(Bucket="box", Key=key, Body=body, **random.choice(MODES))
        self.acknowledge(key)

    def multipart(self, name, clients):
        s3, where = clients["s3"], {"Bucket": "box", "Key": f"multi/{name}"}
        bodies = [os.urandom(1000) * 5300, os.urandom(2000)]
        upload = where | {"UploadId": s3.create_multipart_upload(**where, **random.choice(MODES))["UploadId"]}
        parts = [{"PartNumber": n, "ETag": s3.upload_part(**upload, PartNumber=n, Body=body)["ETag"]}
                 for n, body in enumerate(bodies, 1)]  # fmt: skip
        self.attempt(where["Key"], b"".join(bodies))
        s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})
        self.acknowledge(where["Key"])

    def attempt(self, key, body):
        self.touched.add(key)
        self.objects.setdefault(key, []).append((hashlib.md5(body).hexdigest(), False))

    def acknowledge(self, key):
        self.objects[key][-1] = (self.objects[key][-1][0], True)

    def log(self, name, clients):
        event = {"timestamp": int(time.time() * 1000), "message": name}
        clients["logs"].put_log_events(logGroupName="/load", logStreamName="s", logEvents=[event])
        self.messages.add(name)

    def user(self, name, clients):
        try:
            clients["iam"].create_user(UserName=name)
        except clients["iam"].exceptions.LimitExceededException:
            return  # 5000 in an account
        self.users.add(name)

    def check(self, keys=None):
        """Everything acknowledged is there; an object is the last acknowledged write, or the one after it."""
        assert not self.wrong
        s3, iam = self.server.client("s3"), self.server.client("iam")
        for key in keys or self.touched:
            writes = self.objects[key]
            last = max((n for n, (_, sure) in enumerate(writes) if sure), default=None)
            allowed = [None] * (last is None) + [digest for digest, _ in writes[last or 0 :]]
            assert found(s3, key) in allowed, (key, writes[-3:])
        pages = iam.get_paginator("list_users").paginate()
        assert self.users <= {user["UserName"] for page in pages for user in page["Users"]}
        assert self.messages <= messages(self.server.client("logs"))


def found(s3, key):
    try:
        return hashlib.md5(s3.get_object(Bucket="box", Key=key)["Body"].read()).hexdigest()
    except s3.exceptions.NoSuchKey:
        return None


def messages(logs):
    pages = logs.get_paginator("filter_log_events").paginate(logGroupName="/load")
    return {event["message"] for page in pages for event in page["events"]}


def killed_under_load(root, durability, kills):
    """Kills the server that often, at random moments; returns how many objects, users, messages were acknowledged."""
    server = Server(root, durability)
    server.start()
    try:
        server.client("s3").create_bucket(Bucket="box")
        logs = server.client("logs")
        logs.create_log_group(logGroupName="/load")
        logs.create_log_stream(logGroupName="/load", logStreamName="s")
        loads, objects = [], {}
        for round in range(kills):
            loads.append(Load(server, round, objects))
            for thread in loads[-1].threads:
                thread.start()
            loads[-1].threads[0].join(random.uniform(0.05, 0.7))
            server.kill()
            for thread in loads[-1].threads:
                thread.join(30)
            server.start()
            loads[-1].check()
        final = loads[-1]
        final.users = set().union(*(load.users for load in loads))
        final.messages = set().union(*(load.messages for load in loads))
        final.check(list(objects))  # no later kill took away what an earlier one had left
        return sum(sure for writes in objects.values() for _, sure in writes), len(final.users), len(final.messages)
    finally:
        server.kill()


@pytest.mark.parametrize("durability", ["kill", pytest.param("power", marks=pytest.mark.slow)])
def test_what_was_acknowledged_outlives_five_kills_under_load(tmp_path, durability):
    acknowledged = killed_under_load(tmp_path / "root", durability, 5)
    assert min(acknowledged) > 0, acknowledged


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("durability", ["kill", pytest.param("power", marks=pytest.mark.slow)])
def test_what_was_acknowledged_outlives_a_hundred_kills_under_load(tmp_path, durability):
    acknowledged = killed_under_load(tmp_path / "root", durability, 50)
    assert min(acknowledged) > 0, acknowledged
