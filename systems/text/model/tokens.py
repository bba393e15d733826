"""Our tokeniser: MiniLM's WordPiece after our own normalisation, with a piece of its own for every placeholder.

BERT's vocabulary has ninety-nine unused pieces. Eight of them become <PERSON>, <ADDRESS> and so on, so that the matrix
of embeddings keeps its size; encoder.py gives them the meaning of the words below.
"""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from normalise import PLACEHOLDERS, TOKENS, normalise
from tokenizers import Tokenizer

MEANING = {  # the words whose mean embedding a placeholder starts with
    "PERSON": "person name",
    "ADDRESS": "street address",
    "LOCATION": "city country",
    "ORGANIZATION": "company",
    "NUMBER": "number",
    "CONTACT": "mail phone",
    "DATE_TIME": "date",
    "TITLE": "doctor",
}
LENGTH = 64  # pieces a text; longer ones are cut


def build(source: Path, length: int = LENGTH) -> Tokenizer:
    """The tokeniser of the model in `source`, with placeholders in unused pieces."""
    told = json.loads((source / "tokenizer.json").read_text())
    vocabulary = told["model"]["vocab"]
    for number, token in enumerate(TOKENS, start=1):
        piece = vocabulary.pop(f"[unused{number}]")
        vocabulary[token] = piece
        flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
        told["added_tokens"].append({"id": piece, "content": token} | flags)
    tokenizer = Tokenizer.from_str(json.dumps(told))
    tokenizer.enable_truncation(length)
    tokenizer.no_padding()
    return tokenizer


def meanings(tokenizer: Tokenizer) -> dict[int, list[int]]:
    """The piece of each placeholder, and the pieces whose mean it starts with."""
    pieces = {token: tokenizer.token_to_id(token) for token in TOKENS}
    return {pieces[f"<{name}>"]: tokenizer.encode(MEANING[name], add_special_tokens=False).ids for name in PLACEHOLDERS}


def encode(tokenizer: Tokenizer, texts: list[str]) -> list[list[int]]:
    """Pieces of each text, [CLS] and [SEP] included, unpadded."""
    return [each.ids for each in tokenizer.encode_batch([normalise(text) for text in texts])]


def padded(rows: list[list[int]]) -> tuple[np.ndarray, np.ndarray]:
    """Pieces and attention mask of a batch, as wide as its longest text."""
    ids = np.zeros((len(rows), max(map(len, rows))), dtype=np.int64)
    mask = np.zeros_like(ids)
    for number, row in enumerate(rows):
        ids[number, : len(row)] = row
        mask[number, : len(row)] = 1
    return ids, mask


def by_length(rows: list[list[int]], size: int) -> list[np.ndarray]:
    """Batches of texts of like length, so that little is padding: the numbers of their rows."""
    order = np.argsort([len(row) for row in rows], kind="stable")
    return [order[start : start + size] for start in range(0, len(order), size)]
