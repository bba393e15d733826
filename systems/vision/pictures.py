"""Pictures on their way into the cloud: a folder of real ones, checked before it is uploaded, and lines to ask."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import numpy as np
import prepare
from grey import grey
from PIL import Image


def raw_files(data: Path) -> list[tuple[Path, str]]:
    """The picture files of a folder and their keys; of a folder with train/ only that part. ValueError says what is
    wrong with it."""
    top = data / "train" if (data / "train").is_dir() else data
    found = prepare.files(top)
    for path in (path for paths in found.values() for path in paths):
        try:
            with Image.open(path) as picture:
                if picture.mode in ("I", "F"):
                    grey(picture)
        except (OSError, ValueError) as error:
            raise ValueError(f"{path} cannot be used: {error}") from None
    return [(path, f"raw/{path.relative_to(top)}") for paths in found.values() for path in paths]


def png(image: np.ndarray) -> bytes:
    held = io.BytesIO()
    Image.fromarray(image).save(held, "PNG")
    return held.getvalue()


def line(name: str, image: np.ndarray) -> str:
    return json.dumps({"id": name, "image": base64.b64encode(png(image)).decode(), "detail": True})
