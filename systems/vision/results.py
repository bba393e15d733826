"""RESULTS.md in parts: each command rewrites its own and leaves the others as they are."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
OPENING = "# Results\n\nEach part is written by the command that it names. Intervals: 95 %.\n"
ORDER = ("The default run", "Real pictures", "Benchmark", "The backbone")  # what the parts' names begin with
OWN = ("RESULTS.md", "benchmark.json")  # changed by the commands themselves


def parts(text: str) -> dict[str, str]:
    """Names and bodies of a file's parts."""
    found = (part.partition("\n") for part in text.split("\n## ")[1:])
    return {name: body.strip() for name, _, body in found}


def put(name: str, lines: list[str], folder: Path = HERE) -> None:
    """Write the part of that name into the folder's RESULTS.md."""
    file = folder / "RESULTS.md"
    kept = parts(file.read_text()) if file.exists() else {}
    kept[name] = "\n".join(lines).strip()
    place = {each: next((i for i, start in enumerate(ORDER) if each.startswith(start)), len(ORDER)) for each in kept}
    said = [f"## {each}\n\n{kept[each]}\n" for each in sorted(kept, key=lambda each: (place[each], each))]
    whole(file, "\n".join([OPENING, *said]))


def whole(file: Path, text: str) -> None:
    """Write a file whole or not at all."""
    beside = file.with_name(f".{file.name}.{os.getpid()}")
    beside.write_text(text)
    beside.replace(file)


def commit(folder: Path = HERE) -> str:
    """The code's commit, and whether the code was changed since."""
    git = lambda *told: subprocess.run(["git", *told], cwd=folder, capture_output=True, text=True)  # noqa: E731
    try:
        short = git("rev-parse", "--short", "HEAD").stdout.strip()
    except OSError:  # there is no git
        short = ""
    if not short:
        return "unknown"
    changed = git("diff", "--quiet", "HEAD", "--", ".", *(f":!{name}" for name in OWN)).returncode
    return f"{short}, changed since" if changed else short
