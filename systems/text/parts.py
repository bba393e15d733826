"""RESULTS.md in parts: every command writes its own part and leaves the others as they are."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

FILE = "RESULTS.md"
WRITTEN = (":!RESULTS.md",)
HEADS = {  # in their order
    "aws": "Support texts, the default run",
    "banking77": "Banking77 through the run",
    "published": "Sets with published results",
    "masking": "Masking on a published set",
}
OPENING = "# Results\n\nEach part is written by the command that it names.\n"


def put(folder: Path, name: str, lines: list[str]) -> None:
    """Write one part, whole or not at all. name: one of HEADS."""
    path = folder / FILE
    told = path.read_text().split("\n## ")[1:] if path.exists() else []
    kept = {part.partition("\n")[0]: part.partition("\n")[2].strip() for part in told}
    kept[HEADS[name]] = "\n".join(lines).strip()
    text = "\n".join([OPENING, *(f"## {head}\n\n{kept[head]}\n" for head in HEADS.values() if head in kept)])
    replaced(path, text)


def replaced(path: Path, body: str | bytes) -> None:
    """Put a file in its place in one step, so that nobody reads half of it."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_bytes(body.encode() if isinstance(body, str) else body)
    os.replace(beside, path)


def refuse(why: str) -> NoReturn:
    """End with one sentence on what was wrong in what was given."""
    print(why, file=sys.stderr)
    raise SystemExit(2)


def commit(folder: Path) -> str:
    """What is checked out, and whether this system's code was changed since; what its commands write is none."""
    try:
        short, changed = (
            subprocess.run(["git", *argv], cwd=folder, capture_output=True, text=True).stdout.strip()
            for argv in (["rev-parse", "--short", "HEAD"], ["status", "--porcelain", "--", ".", *WRITTEN])
        )
    except FileNotFoundError:  # there is no program git
        return "unknown"
    return f"{short or 'unknown'}{'-dirty' if changed else ''}"


def value(fact: dict[str, object], digits: int = 3) -> str:
    """A number with its interval, if it has one."""
    said = f"{fact.get('value', fact.get('accuracy')):.{digits}f}"
    if "interval" not in fact:
        return said
    low, high = fact["interval"]  # type: ignore[misc]
    return f"{said} ({low:.{digits}f} to {high:.{digits}f})"
