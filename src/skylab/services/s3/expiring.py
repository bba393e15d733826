"""What lifecycle rules do, once a day and when they change: one pass over a bucket, safe to repeat.

Nothing remembers how far a pass came: what it took away is gone, what it did not the next one finds. Object Lock wins:
what is protected stays.
"""

import sqlite3
from collections.abc import Iterator
from datetime import datetime
from itertools import groupby
from typing import Any

from skylab.compute.world import World
from skylab.kernel.store import Task, dump
from skylab.services.s3 import retention, rules, uploads, versions
from skylab.services.s3.common import when
from skylab.services.s3.lifecycle import SMALLEST
from skylab.services.s3.versions import COLUMNS, NULL, Fresh, Version

SMALL = 128 * 1024  # bytes that an object must have to be moved to another class by default
ARCHIVES = ("GLACIER", "DEEP_ARCHIVE")
BATCH = 500  # versions looked at in one transaction: others get their turn in between


class Expiring:
    def __init__(self, world: World) -> None:
        self.world = world

    def advance(self, task: Task, now: datetime) -> float | None:
        with self.world.store.reading() as tx:
            bucket = tx.find(task.target)
        if bucket is None or "_lifecycle" not in bucket:
            with self.world.store.writing() as tx:
                tx.move(task.id, "ended")
            return None
        if self.world.background.done(task.id, lambda: self._pass(bucket, now)):
            with self.world.store.writing() as tx:
                tx.delay(task.id, rules.midnight(now) + rules.DAY)
        return None

    def _pass(self, bucket: dict[str, Any], now: datetime) -> None:
        part = self.world.parts["s3"]
        changed = False
        after: str | None = ""
        while after is not None:
            with part["objects"].writing() as db:
                after, some = Pass(db, bucket, now, self.world.ids.new).batch(after)
                changed |= some
        with part["objects"].writing() as db:
            changed |= Pass(db, bucket, now, self.world.ids.new).abort()
        if changed:
            part["keeper"].note()


class Pass:
    """One transaction of a pass."""

    def __init__(self, db: sqlite3.Connection, bucket: dict[str, Any], now: datetime, unique: Any) -> None:
        self.db, self.bucket, self.now, self.unique = db, bucket, now, unique
        self.name: str = bucket["Name"]
        self.rules = bucket["_lifecycle"]["Rules"]
        self.changed = False

    def batch(self, after: str) -> tuple[str | None, bool]:
        """All versions of some keys behind after; the last of these keys, None when there are no more."""
        last = None
        for key, group in groupby(self._versions(after), key=lambda version: version.key):
            self._key(list(group))
            last = key
        return last, self.changed

    def _versions(self, after: str) -> Iterator[Version]:
        rows = self.db.execute(
            f"select {COLUMNS} from version where bucket = ? and key in (select distinct key from version"
            " where bucket = ? and key > ? order by key limit ?) order by key, seq desc",
            (self.name, self.name, after, BATCH),
        ).fetchall()
        return map(Version._make, rows)

    def _key(self, found: list[Version]) -> None:
        current, older = found[0], found[1:]
        for place, version in enumerate(older):  # one is not current since the one above it was written
            self._noncurrent(version, when(found[place].modified), place)
        if current.body is None:
            if not older and any(self._marker(rule, current) for rule in self.rules):
                self._remove(current)
        elif self._expired(current):
            self._expire(current)
        else:
            self._move(current, self._steps(current, "Transitions", when(current.modified)))

    def _about(self, rule: rules.Rule, version: Version) -> bool:
        return rules.about(rule, version.key, version.size, version.tag_set)

    # -- current versions

    def _expired(self, version: Version) -> bool:
        found = rules.expiry(self.rules, version.key, version.size, version.tag_set, when(version.modified))
        return found is not None and found[0] <= self.now

    def _expire(self, version: Version) -> None:
        """As a delete without a version id: for good, or behind a delete marker."""
        status = self.bucket.get("Versioning")
        if status is None:
            self._remove(version)
        elif status == "Enabled" or not self._protected(version):
            stamp = self.now.timestamp()
            versions.write(self.db, self.name, version.key, Fresh(None), stamp, status, self.unique())
            self.changed = True

    def _marker(self, rule: rules.Rule, marker: Version) -> bool:
        """A delete marker with nothing behind it goes where a rule says so, or would have expired an object so old."""
        expiration = rule.get("Expiration", {})
        if not self._about(rule, marker):
            return False
        at = rules.due(expiration, when(marker.modified))
        return bool(expiration.get("ExpiredObjectDeleteMarker")) or (at is not None and at <= self.now)

    def _noncurrent(self, version: Version, since: datetime, newer: int) -> None:
        """newer: how many versions that are not current are newer."""
        ends = [rule.get("NoncurrentVersionExpiration", {}) for rule in self.rules if self._about(rule, version)]
        if any(self._over(end, since, newer) for end in ends):
            self._remove(version)
        elif version.body is not None:
            self._move(version, self._steps(version, "NoncurrentVersionTransitions", since, newer))

    def _over(self, end: Any, since: datetime, newer: int) -> bool:
        days = end.get("NoncurrentDays")
        return days is not None and newer >= end.get("NewerNoncurrentVersions", 0) and self._past(since, days)

    def _past(self, since: datetime, days: int) -> bool:
        return rules.after(since, days) <= self.now

    # -- what happens

    def _protected(self, version: Version) -> bool:
        return version.body is not None and retention.protected(version.members, self.now)

    def _remove(self, version: Version) -> None:
        if not self._protected(version):
            versions.remove(self.db, self.name, version.key, version.name or NULL, self.now.timestamp())
            self.changed = True

    def _steps(self, version: Version, action: str, since: datetime, newer: int = 0) -> list[tuple[datetime, str]]:
        """The transitions that are due: when they were, and to which class."""
        return [
            (at, step["StorageClass"])
            for rule in self.rules
            if self._about(rule, version)
            for step in rule.get(action, [])
            if newer >= step.get("NewerNoncurrentVersions", 0) and not self._small(rule, version, step["StorageClass"])
            if (at := rules.due({"Days": step["NoncurrentDays"]} if "NoncurrentDays" in step else step, since))
            and at <= self.now
        ]

    def _small(self, rule: rules.Rule, version: Version, kind: str) -> bool:
        """Small objects stay where they are, unless the rule speaks of sizes itself."""
        if version.size >= SMALL or rules.sized(rule):
            return False
        return self.bucket["_lifecycle"]["TransitionDefaultMinimumObjectSize"] == SMALLEST or kind not in ARCHIVES

    def _move(self, version: Version, steps: list[tuple[datetime, str]]) -> None:
        """To the class of the last transition that is due."""
        meta = version.members
        if steps and meta.get("StorageClass", "STANDARD") != max(steps)[1]:
            self.db.execute(
                "update version set meta = ? where bucket = ? and key = ? and seq = ?",
                (dump(meta | {"StorageClass": max(steps)[1]}), self.name, version.key, version.seq),
            )
            self.changed = True

    def abort(self) -> bool:
        """Uploads that nobody completes."""
        rows = self.db.execute(
            f"select {uploads.COLUMNS} from upload where bucket = ? and done is null", (self.name,)
        ).fetchall()
        for upload in map(uploads.Upload._make, rows):
            for rule in self.rules:
                days = rule.get("AbortIncompleteMultipartUpload", {}).get("DaysAfterInitiation")
                if days is None or rule["Status"] != "Enabled" or not upload.key.startswith(rules.prefix(rule)):
                    continue
                if rules.after(when(upload.initiated), days) <= self.now:
                    uploads.drop(self.db, upload, self.now.timestamp())
                    self.changed = True
                    break
        return self.changed
