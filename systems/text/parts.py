"""RESULTS.md in parts: every command writes its own part and leaves the others as they are."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

FILE = "RESULTS.md"
WRITTEN = (":!RESULTS.md",)
HEADS = {  # in their order
    "aws": "Support texts, the default run",
    "banking77": "Banking77 through the run",
    "published": "Sets with published results",
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


def replaced(path: Path, text: str) -> None:
    """Put a file in its place in one step, so that nobody reads half of it."""
    beside = path.with_name(f".{path.name}.new")
    beside.write_text(text)
    os.replace(beside, path)


def commit(folder: Path) -> str:
    """What is checked out, and whether this system's code was changed since; what its commands write is none."""
    short, changed = (
        subprocess.run(["git", *argv], cwd=folder, capture_output=True, text=True).stdout.strip()
        for argv in (["rev-parse", "--short", "HEAD"], ["status", "--porcelain", "--", ".", *WRITTEN])
    )
    return f"{short or 'unknown'}{'-dirty' if changed else ''}"


def value(fact: dict[str, object], digits: int = 3) -> str:
    """A number with its interval."""
    low, high = fact["interval"]  # type: ignore[misc]
    return f"{fact.get('value', fact.get('accuracy')):.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"
