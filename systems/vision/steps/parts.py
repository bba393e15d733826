"""Pictures as steps/prepare.py parted them, dealt anew by other seeds, and few of them drawn."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from prepare import halved
from train import read

NAMES = "train", "validation", "test"
Part = tuple[np.ndarray, np.ndarray]  # images, labels


class Data:
    """The parts, and the pool that few labels are drawn from: everything but the test."""

    def __init__(self, parts: dict[str, Part], classes: list[str]) -> None:
        self.parts, self.classes = parts, classes
        (self.train, self.train_labels), (self.held, self.held_labels), (self.test, self.truth) = (
            parts[name] for name in NAMES
        )
        self.pool = np.concatenate([self.train, self.held])
        self.pool_labels = np.concatenate([self.train_labels, self.held_labels])
        self.answers = np.eye(len(self.classes))[self.pool_labels]

    @classmethod
    def of(cls, prepared: Path) -> Data:
        found = {name: read(prepared / name) for name in NAMES}
        return cls({name: part[:2] for name, part in found.items()}, found["train"][2])

    def again(self, seed: int) -> Data:
        """All pictures dealt anew by that seed, as steps/prepare.py does; 0 is its own split."""
        if not seed:
            return self
        images, labels = (np.concatenate([self.parts[name][side] for name in NAMES]) for side in (0, 1))
        rng, places = np.random.default_rng(seed), dict[str, list[np.ndarray]]()
        for label in range(len(self.classes)):
            of = np.flatnonzero(labels == label)
            for name, some in halved(len(of), rng).items():
                places.setdefault(name, []).append(of[some])
        found = {name: np.concatenate(of) for name, of in places.items()}
        return Data({name: (images[of], labels[of]) for name, of in found.items()}, self.classes)

    def places(self, each: int, seed: int) -> np.ndarray:
        rng = np.random.default_rng([seed, each])
        of = [rng.permutation(np.flatnonzero(self.pool_labels == i))[:each] for i in range(len(self.classes))]
        return np.concatenate(of)

    def few(self, each: int, seed: int) -> Part:
        places = self.places(each, seed)
        return self.pool[places], self.pool_labels[places]
