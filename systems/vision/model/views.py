"""A surface has no up: a picture is asked about in all eight ways that it can lie, and the logits are averaged.
NumPy alone."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray


def views(images: NDArray) -> list[NDArray]:
    """Pictures (..., side, side) turned by quarters, each also mirrored; the first as they are."""
    turned = [np.rot90(images, quarters, (-2, -1)) for quarters in range(4)]
    return [np.ascontiguousarray(view) for of in turned for view in (of, of[..., ::-1])]


def averaged(ask: Callable[[NDArray], NDArray], images: NDArray) -> NDArray:
    """What is answered of the pictures, in the mean over their views."""
    return np.mean([ask(view) for view in views(images)], 0)
