"""Kill -9 and CloudTrail: no event of an answered call is lost, and each is in one log file."""

import gzip
import json
import signal
import subprocess
import sys
import threading
from datetime import timedelta

import pytest
from botocore.exceptions import BotoCoreError, HTTPClientError
from botocore.parsers import ResponseParserError
from test_cloud import SOURCE, Server
from trail_steps import receiving

from skylab.cloud import Cloud
from skylab.compute.background import Inline
from skylab.settings import Settings

# The cloud of a folder, its deliveries stepped by hand; dies by SIGKILL before or after what the step names happens.
DYING = """
import json, os, signal, sys
from datetime import timedelta
from pathlib import Path
sys.path.insert(0, sys.argv[1])
from skylab.cloud import Cloud
from skylab.compute.background import Inline
from skylab.compute.background import Inline
from skylab.kernel.store import Transaction
from skylab.services.cloudtrail import delivery
from skylab.settings import Settings

cloud = Cloud(Path(sys.argv[2]), Settings(fallback=False, durability=sys.argv[3]), executor=Inline(), strict=True)
owner, name, when, nth = json.loads(sys.argv[4])
place = eval(owner)
real, calls = getattr(place, name), 0

def step(*given, **more):
    global calls
    calls += 1
    if calls == nth and when == "before":
        os.kill(os.getpid(), signal.SIGKILL)
    answer = real(*given, **more)
    if calls == nth:
        os.kill(os.getpid(), signal.SIGKILL)
    return answer

setattr(place, name, step)
now = cloud.clock.now() + timedelta(hours=2)
for _ in range(20):
    cloud.supervisor.step(now)
os._exit(7)
"""
STEPS = [
    ("Transaction", "move", "before", 1),  # the batch has no name yet
    ("delivery", "put", "before", 1),  # it has, and nothing is written
    ("delivery", "put", "after", 1),  # the log file is written, and nobody knows
    ("delivery.Delivery", "_delivered", "after", 1),
    ("delivery", "put", "before", 2),  # the digest
    ("delivery", "put", "after", 2),
    ("delivery.Delivery", "_digest", "after", 1),
]


def client(cloud, service):
    key = cloud.account.credentials()
    given = key["AccessKeyId"], key["SecretAccessKey"], key["SessionToken"]
    config = {"s3": {"addressing_style": "path"}} if service == "s3" else {}
    return cloud.transport.client(service, key["Region"], *given, **config)


def opened(root, durability="kill"):
    return Cloud(root, Settings(fallback=False, durability=durability), executor=Inline())


def delivered(cloud):
    """All objects of the bucket, by key, in every version."""
    s3 = client(cloud, "s3")
    keys = [
        (each["Key"], each["VersionId"]) for each in s3.list_object_versions(Bucket="trail-logs").get("Versions", [])
    ]
    bodies = {
        place: s3.get_object(Bucket="trail-logs", Key=place[0], VersionId=place[1])["Body"].read() for place in keys
    }
    return {place: json.loads(gzip.decompress(body)) for place, body in bodies.items()}


def through(cloud, hours=3):
    """Everything that is due within this time, step by step."""
    later = cloud.clock.now() + timedelta(hours=hours)
    for _ in range(30):
        cloud.supervisor.step(later)


@pytest.mark.parametrize("step", STEPS, ids=lambda step: "-".join(map(str, step)))
def test_a_delivery_that_is_killed_at_any_step_has_delivered_each_event_once(tmp_path, step):
    root = tmp_path / "root"
    cloud = opened(root)
    s3 = client(cloud, "s3")
    receiving(s3, "trail-logs")
    s3.put_bucket_versioning(Bucket="trail-logs", VersioningConfiguration={"Status": "Enabled"})
    trail = client(cloud, "cloudtrail")
    trail.create_trail(Name="audit", S3BucketName="trail-logs", EnableLogFileValidation=True)
    trail.start_logging(Name="audit")
    for n in range(3):
        client(cloud, "iam").create_user(UserName=f"user-{n}")
    cloud.stop()

    argv = [sys.executable, "-c", DYING, SOURCE, str(root), "kill", json.dumps(step)]
    ended = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert ended.returncode == -signal.SIGKILL, (ended.returncode, ended.stderr)

    cloud = opened(root)
    through(cloud)
    found = delivered(cloud)
    cloud.stop()
    events = [event["eventName"] for content in found.values() for event in content.get("Records", [])]
    assert events.count("CreateUser") == 3 and events.count("StartLogging") == 1
    digested = [file["s3Object"] for content in found.values() for file in content.get("logFiles", [])]
    assert sorted(digested) == sorted(key for key, _ in found if "/CloudTrail/" in key)


@pytest.mark.parametrize("durability", ["kill", pytest.param("power", marks=pytest.mark.slow)])
def test_no_event_of_an_answered_call_is_lost_by_kills(tmp_path, durability):
    """Three rounds: clients that make calls until the server dies, and then every answer is looked up."""
    server, answered, wrong = Server(tmp_path / "root", durability), set(), []

    def calls(iam, logs, round):
        for n in range(10**6):
            try:
                made = iam.create_user(UserName=f"user-{round}-{n}") if n % 2 else logs.describe_log_groups()
            except (HTTPClientError, BotoCoreError, ResponseParserError):
                return  # the server is gone, perhaps between the head of an answer and its body
            except Exception as problem:
                wrong.append(repr(problem))
                return
            answered.add(made["ResponseMetadata"]["RequestId"])

    server.start()
    try:
        for round in range(3):
            threads = [
                threading.Thread(target=calls, args=(server.client("iam"), server.client("logs"), f"{round}-{n}"))
                for n in range(3)
            ]
            for thread in threads:
                thread.start()
            threads[0].join(0.7)
            server.kill()
            for thread in threads:
                thread.join(30)
            server.start()
        pages = server.client("cloudtrail").get_paginator("lookup_events").paginate()
        recorded = [json.loads(e["CloudTrailEvent"])["requestID"] for page in pages for e in page["Events"]]
    finally:
        server.kill()
    assert wrong == [], (tmp_path / "log").read_text()[-3000:]
    assert len(answered) > 20
    assert answered <= set(recorded)
    assert len(recorded) == len(set(recorded))
