"""Names, addresses, places, companies and occupations by their words and neighbours: an averaged perceptron.

Collins 2002: the tag of a word is the best sum of weights of what is seen there, the two tags before it included; a
wrong tag moves the weights, and their average over all of the training is the model. Small, quick (some 20,000 words a
second), and needs no model from anywhere: it learns in seconds from invented texts (data/letters.py).

Its lists (`Lists`) are features, not answers: half of the names it learns from are not in them.
"""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

TAGS = ("O", "PERSON", "ADDRESS", "LOCATION", "ORGANIZATION", "TITLE")
WORD = re.compile(r"\n|[^\W\d_]+(?:['’][^\W\d_]+)*|\d+|[^\w\s]|_")
EPOCHS = 6
STREET = frozenset("street road avenue lane drive way court place st ave rd square boulevard close crescent".split())
ABROAD = frozenset("rua via rue calle avenida strada ul piazza boulevard chemin corso viale plaza r".split())
FLAT = frozenset("apt suite unit flat floor apartment".split())


@dataclass(frozen=True)
class Lists:
    """Single words, in small letters, of names, cities, countries, occupations."""

    words: dict[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def of(cls, entries: dict[str, Iterable[str]]) -> Lists:
        return cls(
            {
                kind: frozenset(word for entry in found for word in re.findall(r"[^\W\d_]{2,}", entry.lower()))
                for kind, found in entries.items()
            }
        )

    def holding(self, word: str) -> str:
        return "".join(kind[0] for kind, words in self.words.items() if word in words)


def words(text: str) -> list[tuple[int, int]]:
    """Where each word, number, sign and line break stands."""
    return [each.span() for each in WORD.finditer(text)]


def shape(word: str) -> str:
    if word == "\n":
        return "/"
    if word.isdigit():
        return f"9{min(len(word), 6)}"
    if not word[0].isalpha():
        return word
    return "A" if word.isupper() and len(word) > 1 else "Aa" if word[0].isupper() else "a"


def seen(tokens: list[str], lists: Lists) -> list[list[str]]:
    """What is seen at each word, but for the tags before it."""
    low = ["<s>", "<s>", *(token.lower() for token in tokens), "</s>", "</s>"]
    shapes = ["^", "^", *(shape(token) for token in tokens), "$", "$"]
    held = ["", "", *(lists.holding(each) for each in low[2:-2]), "", ""]
    upper = any(each in ("A", "Aa") for each in shapes)  # a text in small letters alone tells nothing by its shapes
    told = []
    for at in range(2, len(low) - 2):
        word, kind = low[at], _kind(low[at])
        told.append([
            f"w={word}", f"s={shapes[at]}{upper}", f"3={word[-3:]}", f"4={word[-4:]}", f"p={word[:3]}", f"k={kind}",
            f"l={held[at]}", f"-w={low[at - 1]}", f"+w={low[at + 1]}", f"-2={low[at - 2]}", f"+2={low[at + 2]}",
            f"-s={shapes[at - 1]}", f"+s={shapes[at + 1]}", f"-l={held[at - 1]}", f"+l={held[at + 1]}",
            f"-s+={shapes[at - 1]}|{shapes[at]}|{shapes[at + 1]}", f"-w-={low[at - 2]}|{low[at - 1]}",
            f"+w+={low[at + 1]}|{low[at + 2]}", f"l+={held[at]}|{held[at + 1]}", f"-ws={low[at - 1]}|{shapes[at]}",
            f"ls={held[at]}|{shapes[at]}{upper}", f"-k={_kind(low[at - 1])}", f"+k={_kind(low[at + 1])}",
            f"+2s={shapes[at + 2]}|{_kind(low[at + 2])}", "b",
        ])  # fmt: skip
    return told


def _kind(word: str) -> str:
    bare = "".join(each for each in unicodedata.normalize("NFD", word) if not unicodedata.combining(each))
    kinds = {"street": STREET, "abroad": ABROAD, "flat": FLAT}
    return next((name for name, members in kinds.items() if bare in members), "")


class Tagger:
    """weights: by what is seen, one number a tag."""

    def __init__(self, lists: Lists, weights: dict[str, np.ndarray] | None = None) -> None:
        self.lists, self.weights = lists, {} if weights is None else weights

    def tags(self, text: str, lean: float = 0.0) -> list[tuple[int, int, str]]:
        """Each word's start, end and tag. lean: taken from O's score; more of it finds more and errs more."""
        places = words(text)
        before, told = ("O", "O"), []
        for place, features in zip(places, seen([text[slice(*each)] for each in places], self.lists), strict=True):
            scores = self._scores(features + _past(before))
            scores[0] -= lean
            before = (before[1], TAGS[int(scores.argmax())])
            told.append((*place, before[1]))
        return told

    def _scores(self, features: list[str]) -> np.ndarray:
        total = np.zeros(len(TAGS))
        for each in features:
            if (weight := self.weights.get(each)) is not None:
                total += weight
        return total


def _past(before: tuple[str, str]) -> list[str]:
    return [f"t={before[1]}", f"tt={before[0]}|{before[1]}"]


def learn(texts: list[tuple[str, list[tuple[int, int, str]]]], lists: Lists, seed: int, epochs: int = EPOCHS) -> Tagger:
    """Train on texts and the (start, end, tag) of what is in them."""
    draw = np.random.default_rng(seed)
    made = [_example(text, spans, lists) for text, spans in texts]
    now: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(len(TAGS)))
    late: dict[str, np.ndarray] = defaultdict(lambda: np.zeros(len(TAGS)))  # the sum of each change times its step
    tagger, step = Tagger(lists, now), 1
    for _ in range(epochs):
        for number in draw.permutation(len(made)):
            before = ("O", "O")
            for features, right in zip(*made[number], strict=True):
                told = features + _past(before)
                guess = int(tagger._scores(told).argmax())
                if guess != right:
                    for each in told:
                        for tag, change in ((right, 1.0), (guess, -1.0)):
                            now[each][tag] += change
                            late[each][tag] += change * step
                before, step = (before[1], TAGS[guess]), step + 1
    return Tagger(lists, {each: weight - late[each] / step for each, weight in now.items()})


def _example(text: str, spans: list[tuple[int, int, str]], lists: Lists) -> tuple[list[list[str]], list[int]]:
    places = words(text)
    right = [_tag(place, spans) for place in places]
    return seen([text[slice(*place)] for place in places], lists), right


def _tag(place: tuple[int, int], spans: list[tuple[int, int, str]]) -> int:
    for start, end, tag in spans:
        if start <= place[0] < end and tag in TAGS:
            return TAGS.index(tag)
    return 0
