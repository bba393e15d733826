"""From what people and machines write to what the tokeniser reads; used in training and in serving alike.

    "Hi, my PutObject on s3 fails!!! Regards, <PERSON>"  ->  "hi, my put object on s3 fails! regards, <PERSON>"

Unicode is brought to one form (NFKC), names in camel case are taken apart, since WordPiece would cut them at random
places, and long runs of one character are shortened. What masking left (<PERSON>) stays as it is.
"""

from __future__ import annotations

import re
import unicodedata

PLACEHOLDERS = ("PERSON", "ADDRESS", "LOCATION", "ORGANIZATION", "NUMBER", "CONTACT", "DATE_TIME", "TITLE")
TOKENS = tuple(f"<{name}>" for name in PLACEHOLDERS)

CAMEL = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
LONG = re.compile(r"(\W)\1{1,}|(\w)\2{3,}")
SPACE = re.compile(r"\s+")
LINK = re.compile(r"https?://\S+")
KEPT = re.compile(f"({'|'.join(TOKENS)})")


def normalise(text: str) -> str:
    """One line of small letters, with placeholders kept."""
    parts = KEPT.split(unicodedata.normalize("NFKC", text))
    return SPACE.sub(" ", "".join(part if part in TOKENS else _plain(part) for part in parts)).strip()


def _plain(text: str) -> str:
    text = LINK.sub(" link ", text)
    return LONG.sub(lambda run: run.group()[0], CAMEL.sub(" ", text)).lower()
