"""The rows of object versions: which one a key shows, what a write or a delete makes of them. No protocol here."""

import sqlite3
from dataclasses import dataclass
from typing import Any, NamedTuple

from skylab.kernel.store import dump, load
from skylab.services.s3.keeper import GRACE

COLUMNS = "bucket, key, seq, name, latest, body, size, etag, modified, tags, meta"
NULL = "null"


class Version(NamedTuple):
    """One version as it is stored; a delete marker has no body."""

    bucket: str
    key: str
    seq: int
    name: str
    latest: int
    body: int | None
    size: int
    etag: str
    modified: int
    tags: str | None
    meta: str

    @property
    def members(self) -> dict[str, Any]:
        return load(self.meta)

    @property
    def tag_set(self) -> list[dict[str, str]]:
        return load(self.tags) if self.tags else []


@dataclass(frozen=True)
class Fresh:
    """What a write brings. body None: a delete marker."""

    body: int | None
    size: int = 0
    etag: str = ""
    meta: dict[str, Any] | None = None
    tags: list[dict[str, str]] | None = None
    parts: list[list[Any]] | None = None


def current(db: sqlite3.Connection, bucket: str, key: str) -> Version | None:
    """The latest version, which may be a delete marker."""
    row = db.execute(
        f"select {COLUMNS} from version where bucket = ? and key = ? order by seq desc limit 1", (bucket, key)
    ).fetchone()
    return Version._make(row) if row else None


def named(db: sqlite3.Connection, bucket: str, key: str, name: str) -> Version | None:
    row = db.execute(
        f"select {COLUMNS} from version where bucket = ? and key = ? and name = ?", (bucket, key, name)
    ).fetchone()
    return Version._make(row) if row else None


def parts_of(db: sqlite3.Connection, version: Version) -> list[list[Any]]:
    """[number, size, checksum] of each part of a multipart object; empty for any other."""
    row = db.execute(
        "select parts from version where bucket = ? and key = ? and seq = ?", (version.bucket, version.key, version.seq)
    ).fetchone()
    return load(row[0]) if row and row[0] else []


def write(
    db: sqlite3.Connection, bucket: str, key: str, fresh: Fresh, now: float, status: str | None, unique: str
) -> str:
    """Makes fresh the latest version and returns its name. status: the bucket's versioning, None when it never had any.

    unique: twelve characters; the name carries the sequence number too, so that a listing can go on after a version
    that was deleted meanwhile.
    """
    last = db.execute(
        "select seq from version where bucket = ? and key = ? order by seq desc limit 1", (bucket, key)
    ).fetchone()
    seq = last[0] + 1 if last else 1
    if status == "Enabled":
        name = f"{unique}{seq:020x}"
    else:
        name = NULL
        if last:
            remove(db, bucket, key, NULL, now)
    if last:
        db.execute("update version set latest = 0 where bucket = ? and key = ? and latest", (bucket, key))
    db.execute(
        f"insert into version ({COLUMNS}, parts) values (?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?, ?)",
        (bucket, key, seq, name, fresh.body, fresh.size, fresh.etag, int(now))
        + (
            dump(fresh.tags) if fresh.tags else None,
            dump(fresh.meta or {}),
            dump(fresh.parts) if fresh.parts else None,
        ),
    )
    return name


def remove(db: sqlite3.Connection, bucket: str, key: str, name: str, now: float) -> Version | None:
    """Takes one version away for good, and shows the one before it; the version that went, if there was one."""
    if (gone := named(db, bucket, key, name)) is None:
        return None
    db.execute("delete from version where bucket = ? and key = ? and seq = ?", (bucket, key, gone.seq))
    if gone.latest:
        db.execute(
            "update version set latest = 1 where rowid ="
            " (select rowid from version where bucket = ? and key = ? order by seq desc limit 1)",
            (bucket, key),
        )
    if gone.body is not None:
        doom(db, gone.body, now)
    return gone


def doom(db: sqlite3.Connection, body: int, now: float) -> None:
    """The body is taken away after GRACE, unless another version shares it."""
    db.execute(
        "insert or ignore into doomed select :body, :due where not exists (select 1 from version where body = :body)",
        {"body": body, "due": now + GRACE},
    )


def is_named(db: sqlite3.Connection, body: int) -> bool:
    return db.execute("select 1 from version where body = ?", (body,)).fetchone() is not None
