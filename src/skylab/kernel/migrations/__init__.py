"""Numbered SQL files, each applied once, in order, in a transaction of its own that also records it."""

import sqlite3
from pathlib import Path


class TooNew(Exception):
    """The file was written by a later Skylab."""


def migrate(db: sqlite3.Connection, folder: Path = Path(__file__).parent) -> None:
    """Brings a database up to the newest file in folder; raises TooNew when it is ahead of that."""
    steps = sorted(folder.glob("[0-9]*.sql"))
    done = db.execute("pragma user_version").fetchone()[0]
    if done > len(steps):
        raise TooNew(f"state of version {done}; this Skylab knows {len(steps)}")
    for number, step in enumerate(steps[done:], done + 1):
        db.executescript(f"begin immediate;\n{step.read_text()}\npragma user_version = {number};\ncommit;")
