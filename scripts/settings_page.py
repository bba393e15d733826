"""Writes docs/settings.md from skylab.settings: `python scripts/settings_page.py`. A test fails when it is old."""

from dataclasses import fields
from pathlib import Path

from skylab.settings import Settings

PAGE = Path(__file__).parent.parent / "docs" / "settings.md"
HEAD = """# Settings

Read once, at the start, from the environment of `skylab up`. A wrong value is refused with a sentence.

| variable | default | what it is |
|---|---|---|
"""
TAIL = """
`--port` goes before `SKYLAB_PORT`. The folder of the cloud is `--root`, or `SKYLAB_ROOT`, or `.skylab`.

This page is made by `python scripts/settings_page.py` from `src/skylab/settings.py`.
"""


def text() -> str:
    rows = (f"| `SKYLAB_{f.name.upper()}` | `{f.default}` | {f.metadata['sentence']} |\n" for f in fields(Settings))
    return HEAD + "".join(rows) + TAIL


if __name__ == "__main__":
    PAGE.write_text(text())
