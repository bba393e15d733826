"""Real sets with published results, read from a folder that --data names: Banking77 and SMS spam."""

from __future__ import annotations

import csv
import gzip
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
import parts

BANKING, FEW, SPAM = "banking77_train.csv.gz", "banking77_fewshot_train_10.csv.gz", "sms_spam.csv.gz"


def rows(path: Path, label: str) -> tuple[list[str], list[str]]:
    """Texts and labels of a CSV file with a header; one sentence and the end where it is not that."""
    try:
        with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
            table = list(csv.DictReader(file))
    except (OSError, EOFError, UnicodeDecodeError) as error:
        parts.refuse(f"{path} cannot be read: {error}")
    if not table or any(row.get("text") is None or row.get(label) is None for row in table):
        parts.refuse(f"{path} has no rows, or rows without the columns text and {label}.")
    return [row["text"] for row in table], [row[label] for row in table]


def banking(folder: Path) -> tuple[list[str], list[str]]:
    """10,003 questions to a bank, 77 intents."""
    return rows(folder / BANKING, "category")


def few(folder: Path) -> tuple[list[str], list[str]]:
    """Ten of them for each intent, the draw that others are measured with."""
    return rows(folder / FEW, "category")


def spam(folder: Path) -> tuple[list[str], list[str]]:
    """5,574 short messages in their original order, ham or spam."""
    return rows(folder / SPAM, "label")


def letters(text: str) -> str:
    """What is left of a text that two files, or two people, write differently."""
    return re.sub(r"[^a-z0-9]", "", text.lower()) or text
