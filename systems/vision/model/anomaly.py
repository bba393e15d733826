"""Find what was never shown: pictures far from all known ones. NumPy alone.

patches   features of 12x12 patches by the backbone, to the nearest of a bank of known patches (as PatchCore, Roth et
          al., 2022); a picture is as unusual as its most unusual patches
whole     the backbone's features of the whole picture, to the nearest known picture
numbers   the floor's numbers of tone and texture, to the nearest known picture

Each is measured in deviations among known pictures that are in no bank, and some are summed: those that do best where
known classes play the unknown.
"""

from __future__ import annotations

from itertools import combinations

import numpy as np
from measures import auroc
from numpy.typing import NDArray

BANK = 3000  # patches kept
WORST = 3  # patches that a picture's score is the mean of
SORTS = ("patches", "whole", "numbers")
WAYS = [way for size in (1, 2, 3) for way in combinations(SORTS, size)]
Array = NDArray[np.float32]
Sorts = dict[str, Array]  # by sort: features (pictures, parts of it, values), or a score for each picture
Banks = dict[str, dict[str, Array]]
Levels = dict[str, tuple[float, float]]  # by sort: mean and deviation of known pictures


def bank(features: Array, seed: int = 0, size: int = BANK) -> dict[str, Array]:
    """From features (pictures, patches, values): their scale, and some patches drawn by chance."""
    flat = features.reshape(-1, features.shape[-1])
    centre, scale = flat.mean(0), flat.std(0) + 1e-6
    rng = np.random.default_rng(seed)
    kept = flat[rng.choice(len(flat), min(size, len(flat)), replace=False)]
    return {"centre": centre, "scale": scale, "patches": ((kept - centre) / scale).astype(np.float32)}


def distances(features: Array, known: dict[str, Array]) -> Array:
    """How far each patch of (pictures, patches, values) is from its nearest neighbour in the bank."""
    wanted, patches = (features - known["centre"]) / known["scale"], known["patches"]
    norms = (patches**2).sum(1)
    nearest = [((one**2).sum(1) + (norms - 2 * one @ patches.T).min(1)).clip(0) for one in wanted]
    return np.sqrt(np.stack(nearest) / features.shape[-1]).astype(np.float32)


def scores(features: Array, known: dict[str, Array]) -> Array:
    """One number for each picture; larger is more unusual."""
    return np.sort(distances(features, known), axis=1)[:, -WORST:].mean(1)


def only(features: Sorts, wanted: NDArray[np.bool_]) -> Sorts:
    return {sort: of[wanted] for sort, of in features.items()}


def banks(features: Sorts) -> Banks:
    return {sort: bank(of) for sort, of in features.items()}


def far(features: Sorts, known: Banks) -> Sorts:
    """A score for each picture, by sort."""
    return {sort: scores(features[sort], of) for sort, of in known.items()}


def levels(found: Sorts) -> Levels:
    """Of the scores of known pictures that are in no bank."""
    return {sort: (float(of.mean()), float(of.std()) + 1e-9) for sort, of in found.items()}


def summed(found: Sorts, usual: Levels, way: tuple[str, ...]) -> Array:
    """One score for each picture: how many deviations it is above known ones, over the way's sorts."""
    return np.sum([(found[sort] - usual[sort][0]) / usual[sort][1] for sort in way], axis=0)


def compared(found: Sorts, strange: NDArray[np.bool_]) -> dict[tuple[str, ...], float]:
    """AUROC of each way, where those that are strange play the unknown."""
    usual = levels(only(found, ~strange))
    return {way: auroc(summed(found, usual, way), strange) for way in WAYS}


def choose(train: Sorts, labels: NDArray, held: Sorts, truth: NDArray, good: int | None) -> dict[str, float]:
    """Mean AUROC of each way, best first, by known classes alone.

    With a good class, banks know only that one, and all other held pictures are strange; without, each class in turn
    is left out of the banks, and its held pictures are.
    """
    kinds = [good] if good is not None else sorted(set(truth.tolist()))
    found = []
    for kind in kinds:
        known = banks(only(train, labels == kind if good is not None else labels != kind))
        found.append(compared(far(held, known), truth != kind if good is not None else truth == kind))
    means = {"+".join(way): float(np.mean([one[way] for one in found])) for way in WAYS}
    return dict(sorted(means.items(), key=lambda one: -one[1]))
