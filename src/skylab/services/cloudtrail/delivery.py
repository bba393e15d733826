"""Brings a trail's events to its bucket and its log group: a task for each trail that is logging.

    waiting, nothing under way
      -> batch    events up to a number, and the names of their files: committed before a byte leaves
      -> put      each file under its name, if there is none of that name; then the records to the log group
      -> waiting  the number is where the next batch begins, the files' hashes wait for the next digest
    and, once an interval is over, the digests of all regions in the same two steps (digests.py).

A kill at any point repeats a step, which makes the same bytes under the same name: a file is there once.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from skylab.kernel.store import Task, Transaction
from skylab.services.cloudtrail import digests, files, loggroup, names
from skylab.services.cloudtrail.destinations import CONTEXT, PRINCIPAL
from skylab.services.cloudtrail.ledger import Ledger
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.compute.world import World

MOST = 2000  # events of one batch
RETRY = timedelta(seconds=60)  # after a delivery that failed
Doc = dict[str, Any]


class Delivery:
    """The Work of the tasks of kind "trail". Their target is the trail."""

    def __init__(self, world: World) -> None:
        self.world, self.store = world, world.store
        part = world.parts["cloudtrail"]
        self.ledger: Ledger = part["ledger"]
        self.digests = digests.Digests(self.store, part["signers"])

    def advance(self, task: Task, now: datetime) -> float | None:
        with self.store.reading() as tx:
            trail = tx.find(task.target)
        if trail is None:
            self._end(task)
            return None
        try:
            return self._step(task, trail, now)
        except (ClientError, BotoCoreError) as problem:
            self._failed(task, trail, now, problem)
            return None

    def _step(self, task: Task, trail: Doc, now: datetime) -> float | None:
        data = task.data
        if "batch" in data:
            if not self.world.background.done(f"{task.id} {data['batch']['upto']}", lambda: self._put(trail, data)):
                return None
            self._delivered(task, trail, now)
        elif "digest" in data and "end" in data["digest"]:
            self._digest(task, trail, now)
        elif data.get("delivered") and digests.due(data, trail, now, self._digest_interval()):
            with self.store.writing() as tx:  # before the next batch: deliveries may make each other for ever
                tx.move(task.id, "running", digest={"end": now.replace(microsecond=0)})
        elif batch := self._batch(task, trail, now):
            with self.store.writing() as tx:
                tx.move(task.id, "running", batch=batch)
        elif digests.due(data, trail, now, self._digest_interval()):
            with self.store.writing() as tx:
                tx.move(task.id, "running", digest={"end": now.replace(microsecond=0)})
        else:
            self._rest(task, trail, now)
        return None

    # -- a batch of events

    def _batch(self, task: Task, trail: Doc, now: datetime) -> Doc | None:
        """What is to be delivered next: up to which number, in files of which names."""
        last = self.ledger.last()
        rows = self.ledger.selected(trail["_"]["id"], task.data["cursor"], last, MOST)
        if not rows:
            return None
        regions = sorted({region for _, region, _, _ in rows})
        made = {region: files.log_key(trail, region, now, self._unique()) for region in regions}
        full = len(rows) == MOST
        return {"upto": rows[-1][0], "full": full, "bucket": trail["S3BucketName"], "files": made}

    def _unique(self) -> str:
        return (self.world.ids.new() + self.world.ids.new())[:16]

    def _files(self, trail: Doc, data: Doc) -> Iterator[tuple[str, files.File]]:
        batch = data["batch"]
        rows = self.ledger.selected(trail["_"]["id"], data["cursor"], batch["upto"], MOST)
        for region, key in batch["files"].items():
            events = [(ms, record) for _, where, ms, record in rows if where == region]
            yield region, files.log_file(batch["bucket"], key, events)

    def _put(self, trail: Doc, data: Doc) -> None:
        s3 = self._client(trail, "s3")
        for _, file in self._files(trail, data):
            put(s3, file, {}, encryption(trail))

    def _client(self, trail: Doc, service: str) -> Any:
        """CloudTrail itself, on behalf of this trail: the bucket's policy lets it in or not."""
        return self.world.as_service(PRINCIPAL, trail["TrailARN"])(service, trail["HomeRegion"])

    def _delivered(self, task: Task, trail: Doc, now: datetime) -> None:
        data, status = task.data, self._logged(trail, task.data, now)
        if digest := digests.begun(data, trail, now):
            digest = digest | {"chains": dict(digest.get("chains") or {})}
            for region, file in self._files(trail, data):
                chain = digest["chains"].get(region) or {}
                digest["chains"][region] = chain | {"files": [*(chain.get("files") or []), file.described]}
        with self.store.writing() as tx:
            delivered = True if not data["batch"]["full"] else None  # all that there was
            tx.move(task.id, "waiting", cursor=data["batch"]["upto"], batch=None, digest=digest, delivered=delivered)
            if not data["batch"]["full"]:  # what a delivery itself makes happen waits for the next one
                tx.delay(task.id, self._due(trail["_"]["logging"], digest, now))
            done = {"LatestDeliveryTime": now, "LatestDeliveryAttemptSucceeded": files.shown(now)}
            self._note(tx, task, now, **done, **status)
        self._forget(task, data["batch"]["upto"])

    def _forget(self, task: Task, upto: int) -> None:
        """Data events are kept only until every trail has them."""
        with self.store.reading() as tx:
            others = [each.data["cursor"] for each in tx.tasks() if each.kind == "trail" and each.id != task.id]
        self.ledger.purge_data(min([upto, *others]))

    def _logged(self, trail: Doc, data: Doc, now: datetime) -> Doc:
        """To the log group, where the trail has one. It failing holds nothing up: the bucket has the records."""
        if not trail.get("CloudWatchLogsLogGroupArn"):
            return {}
        rows = self.ledger.selected(trail["_"]["id"], data["cursor"], data["batch"]["upto"], MOST)
        try:
            for region in data["batch"]["files"]:
                events = [(ms, record.decode()) for _, where, ms, record in rows if where == region]
                loggroup.write(self.world, trail, region, events)
        except (ClientError, BotoCoreError, AwsError) as problem:
            return {"LatestCloudWatchLogsDeliveryError": code_of(problem)}
        return {"LatestCloudWatchLogsDeliveryTime": now, "LatestCloudWatchLogsDeliveryError": None}

    # -- digests

    def _digest_interval(self) -> timedelta:
        return timedelta(seconds=self.world.settings.trail_digest_seconds)

    def _digest(self, task: Task, trail: Doc, now: datetime) -> None:
        digest = task.data["digest"]
        s3 = self._client(trail, "s3")
        chains = {}
        for region, file, signature in self.digests.made(trail, digest):
            put(s3, file, {"signature": signature, "signature-algorithm": files.ALGORITHM}, {})
            chains[region] = {"files": [], "previous": file.described | {"signature": signature}}
        with self.store.writing() as tx:
            digest = {"start": digest["end"], "end": None, "chains": chains}
            tx.move(task.id, "running", digest=digest, delivered=None)
            self._note(tx, task, now, LatestDigestDeliveryTime=now)

    # -- rest and failure

    def _rest(self, task: Task, trail: Doc, now: datetime) -> None:
        """Until the next interval; for good once the trail is not logging and everything is delivered."""
        digest, last = digests.begun(task.data, trail, now), self.ledger.last()
        pending = self.ledger.selected(trail["_"]["id"], task.data["cursor"], last, 1)
        with self.store.writing() as tx:
            doc = tx.find(task.target)
            logging = doc is not None and doc["_"]["logging"]
            if not logging and not pending and not digests.left(digest):
                tx.move(task.id, "ended")
                return
            tx.move(task.id, "waiting", cursor=task.data["cursor"] if pending else last, digest=digest)
            tx.delay(task.id, self._due(logging, digest, now))

    def _due(self, logging: bool, digest: Doc | None, now: datetime) -> datetime:
        """When there is something to do next: at the end of an interval, or at once where logging has ended."""
        if not logging:
            return now + timedelta(seconds=1)
        due = now + timedelta(seconds=self.world.settings.trail_delivery_seconds)
        return min(due, max(now, digest["start"] + self._digest_interval())) if digest else due

    def _end(self, task: Task) -> None:
        with self.store.writing() as tx:
            tx.move(task.id, "ended")

    def _failed(self, task: Task, trail: Doc, now: datetime, problem: Exception) -> None:
        """What was promised stays, unless the trail has another bucket by now."""
        code = code_of(problem)
        moved = task.data.get("batch", {}).get("bucket") not in (None, trail["S3BucketName"])
        member = "LatestDigestDeliveryError" if "batch" not in task.data else "LatestDeliveryError"
        with self.store.writing() as tx:
            tx.move(task.id, "running", **({"batch": None} if moved else {}))
            tx.delay(task.id, now if moved else now + RETRY)
            self._note(tx, task, now, **{member: code, "LatestDeliveryAttemptTime": files.shown(now)})

    def _note(self, tx: Transaction, task: Task, now: datetime, **status: Any) -> None:
        if (doc := tx.find(task.target)) is None:
            return
        known = doc["_"]["status"] | {"LatestDeliveryAttemptTime": files.shown(now)} | status
        if "LatestDeliveryTime" in status:
            known.pop("LatestDeliveryError", None)
        if "LatestDigestDeliveryTime" in status:
            known.pop("LatestDigestDeliveryError", None)
        doc["_"]["status"] = {member: value for member, value in known.items() if value is not None}
        tx.put(names.key(doc["TrailARN"]), doc, now)


def code_of(problem: Exception) -> str:
    if isinstance(problem, ClientError):
        return str(problem.response["Error"]["Code"])
    return problem.code if isinstance(problem, AwsError) else type(problem).__name__


def put(s3: Any, file: files.File, metadata: dict[str, str], encrypted: dict[str, str]) -> None:
    """The file, unless it is there: then an earlier attempt was killed before it could say so."""
    try:
        s3.put_object(
            Bucket=file.bucket,
            Key=file.key,
            Body=file.body,
            ContentType="application/json",
            ContentEncoding="gzip",
            ACL="bucket-owner-full-control",
            Metadata=metadata,
            IfNoneMatch="*",
            **encrypted,
        )
    except ClientError as problem:
        if problem.response["Error"]["Code"] != "PreconditionFailed":
            raise


def encryption(trail: Doc) -> dict[str, str]:
    """Of log files; digests are under S3's own keys. A key's policy may ask for the context:
    https://docs.aws.amazon.com/awscloudtrail/latest/userguide/create-kms-key-policy-for-cloudtrail.html"""
    if not (key := trail.get("KmsKeyId")):
        return {}
    context = base64.b64encode(json.dumps({CONTEXT: trail["TrailARN"]}).encode()).decode()
    return {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key, "SSEKMSEncryptionContext": context}
