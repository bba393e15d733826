"""Texts with labels, as the channels hold them: JSON lines with text and label."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np

OTHER = "other"  # the label of what belongs to no class


@dataclass(frozen=True)
class Examples:
    texts: list[str]
    labels: list[str]

    def numbers(self, classes: list[str]) -> np.ndarray:
        """Each label's place in classes; -1 for what is in none of them."""
        places = {name: number for number, name in enumerate(classes)}
        return np.array([places.get(label, -1) for label in self.labels])


def read(folder: Path) -> Examples:
    """All .jsonl files of a channel, or one file; SystemExit in one sentence where they hold no texts with labels."""
    files = sorted(folder.glob("*.jsonl")) if folder.is_dir() else [folder]
    try:
        rows = [json.loads(line) for file in files for line in file.read_text().splitlines()]
        found = Examples([row["text"] for row in rows], [row["label"] for row in rows])
    except (OSError, ValueError, KeyError, TypeError) as error:
        found = Examples([], [])
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
    if not found.texts:
        print(f"{folder} holds no JSON lines with text and label", file=sys.stderr)
        raise SystemExit(2)
    return found
