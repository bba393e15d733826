"""The rows of multipart uploads and of their parts. No protocol here but NoSuchUpload."""

import sqlite3
from typing import Any, NamedTuple

from skylab.kernel.store import dump, load
from skylab.services.s3 import versions
from skylab.wire.errors import AwsError

COLUMNS = "bucket, key, id, initiated, initiator, tags, meta, done, answer"
_PART = "number, body, size, etag, modified, checksum"


class Upload(NamedTuple):
    bucket: str
    key: str
    id: str
    initiated: int
    initiator: str
    tags: str | None
    meta: str
    done: int | None
    answer: str | None

    @property
    def members(self) -> dict[str, Any]:
        return load(self.meta)


class Part(NamedTuple):
    number: int
    body: int
    size: int
    etag: str
    modified: int
    checksum: str


def begin(db: sqlite3.Connection, upload: Upload) -> None:
    db.execute(f"insert into upload ({COLUMNS}) values (?, ?, ?, ?, ?, ?, ?, ?, ?)", upload)


def find(db: sqlite3.Connection, request: Any, done: bool = False) -> Upload:
    """NoSuchUpload when there is none, or (unless done) when it was completed."""
    row = db.execute(
        f"select {COLUMNS} from upload where bucket = ? and key = ? and id = ?",
        (request["Bucket"], request["Key"], request["UploadId"]),
    ).fetchone()
    if row is None or (row[7] is not None and not done):
        message = (
            "The specified upload does not exist. The upload ID may be invalid, or the upload may have been aborted"
        )
        raise AwsError("NoSuchUpload", f"{message} or completed.", 404, UploadId=request["UploadId"])
    return Upload._make(row)


def put_part(db: sqlite3.Connection, upload: str, part: Part, now: float) -> None:
    """A part may be sent again: the last one counts."""
    old = db.execute("select body from part where upload = ? and number = ?", (upload, part.number)).fetchone()
    db.execute(f"insert or replace into part (upload, {_PART}) values (?, ?, ?, ?, ?, ?, ?)", (upload, *part))
    if old:
        versions.doom(db, old[0], now)


def parts(db: sqlite3.Connection, upload: str, after: int = 0, most: int = -1) -> list[Part]:
    rows = db.execute(
        f"select {_PART} from part where upload = ? and number > ? order by number limit ?", (upload, after, most)
    )
    return [Part._make(row) for row in rows]


def complete(db: sqlite3.Connection, upload: Upload, answer: dict[str, Any], now: float) -> None:
    """Its parts go; its answer is kept, for a client that did not hear it."""
    drop_parts(db, upload.id, now)
    db.execute(
        "update upload set done = ?, answer = ? where bucket = ? and key = ? and id = ?",
        (int(now), dump(answer), upload.bucket, upload.key, upload.id),
    )


def drop(db: sqlite3.Connection, upload: Upload, now: float) -> None:
    drop_parts(db, upload.id, now)
    db.execute("delete from upload where bucket = ? and key = ? and id = ?", (upload.bucket, upload.key, upload.id))


def drop_all(db: sqlite3.Connection, bucket: str, now: float) -> None:
    """The uploads of a bucket that is deleted."""
    for (upload,) in db.execute("select id from upload where bucket = ?", (bucket,)).fetchall():
        drop_parts(db, upload, now)
    db.execute("delete from upload where bucket = ?", (bucket,))


def drop_parts(db: sqlite3.Connection, upload: str, now: float) -> None:
    for (body,) in db.execute("delete from part where upload = ? returning body", (upload,)).fetchall():
        versions.doom(db, body, now)
