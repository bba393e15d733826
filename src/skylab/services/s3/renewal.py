"""Bodies that an earlier Skylab wrote in the clear are sealed before anything else: after an opening none is left.

One body at a time: its sealed copy, then the transaction by which every row names the copy, then the old file goes, and
last the note that it was in the clear. A kill in between repeats that one body; a copy that no row names yet is swept
away by the next opening.
"""

import logging
import os
import sqlite3

from skylab.kernel.store import dump, load
from skylab.services.s3.bodies import Bodies, flush
from skylab.services.s3.index import Index
from skylab.services.s3.keys import Keys
from skylab.services.s3.wish import Wish

log = logging.getLogger(__name__)
_PIECE = 1024 * 1024
_BUCKET = "select rowid, bucket, key, meta from version where body = ?"
_UPLOADS = "select bucket, key, id, meta from upload where json_extract(meta, '$._key') is null and done is null"
_PART = "select upload.bucket, upload.key, upload.meta from part join upload on upload.id = part.upload where body = ?"


def seal_plain(index: Index, bodies: Bodies, keys: Keys) -> None:
    with index.reading() as db:
        plain = [body for (body,) in db.execute("select body from plain order by body").fetchall()]
    if not plain:
        return
    log.warning("sealing %d bodies that an earlier version wrote in the clear", len(plain))
    with index.writing() as db:
        for bucket, key, id, meta in db.execute(_UPLOADS).fetchall():
            members = load(meta) | keys.make(None, Wish(), bucket, key).members
            db.execute("update upload set meta = ? where bucket = ? and key = ? and id = ?",
                       (dump(members), bucket, key, id))  # fmt: skip
    for body in plain:
        _seal(index, bodies, keys, body)


def _seal(index: Index, bodies: Bodies, keys: Keys, body: int) -> None:
    with index.reading() as db:
        versions, part = db.execute(_BUCKET, (body,)).fetchall(), db.execute(_PART, (body,)).fetchone()
    if versions or part:  # else it was doomed, or a kill came before its file was taken away
        _copy(index, bodies, keys, body, _layers(keys, part))
    bodies.remove(body)
    with index.writing() as db:
        db.execute("delete from plain where body = ?", (body,))


def _copy(index: Index, bodies: Bodies, keys: Keys, body: int, layers: tuple[bytes, ...]) -> None:
    with bodies.draft(layers) as draft, open(bodies.file(body), "rb", buffering=0) as old:
        while piece := old.read(_PIECE):
            draft.write(piece)
        file = bodies.file(new := draft.keep())
        flush(file)
        flush(os.path.dirname(file))
        with index.writing() as db:
            _name(db, keys, layers, body, new)
    index.checkpoint()  # all of it is on the disk before the old file goes, also where writes do not wait for that


def _layers(keys: Keys, part: tuple[str, str, str] | None) -> tuple[bytes, ...]:
    if part is None:
        return keys.make(None, Wish(), "", "").layers
    bucket, key, meta = part
    return keys.own(load(meta), bucket, key)


def _name(db: sqlite3.Connection, keys: Keys, layers: tuple[bytes, ...], old: int, new: int) -> None:
    for row, bucket, key, meta in db.execute(_BUCKET, (old,)).fetchall():
        members = load(meta) | keys.again(layers, bucket, key).members
        db.execute("update version set body = ?, meta = ? where rowid = ?", (new, dump(members), row))
    db.execute("update part set body = ? where body = ?", (new, old))
