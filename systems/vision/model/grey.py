"""A picture of any size, colour and depth as the system sees it: 96x96, eight bits of grey."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

SIZE = 96


def grey(picture: Image.Image) -> NDArray[np.uint8]:
    """Of sixteen bits the upper eight, as of a range of 65,536 tones; ValueError where the range is unknown."""
    if picture.mode in ("I", "F"):
        raise ValueError(f"a picture of 32 bits (mode {picture.mode}) has no known range: send eight or sixteen bits")
    if picture.mode.startswith("I;16"):  # convert("L") would clip it at 255
        picture = Image.fromarray((np.asarray(picture) >> 8).astype(np.uint8))
    picture = picture.convert("L")
    return np.asarray(picture.resize((SIZE, SIZE), Image.Resampling.BOX) if picture.size != (SIZE, SIZE) else picture)
