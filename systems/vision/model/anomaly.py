"""Find what was never shown: patches unlike any patch of known pictures (as PatchCore, Roth et al., 2022).

The bank keeps features of patches of known pictures; a picture is as unusual as its most unusual patches. NumPy alone.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BANK = 3000  # patches kept
WORST = 3  # patches that a picture's score is the mean of
Array = NDArray[np.float32]


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
