"""Pictures of surfaces with and without defects, and the masks of the defects, as many as wanted.

    python data/synthetic.py --count 100 --to work/look --png    # look at some

The same seed gives the same pictures. Materials are drawn anew for each picture, or, with --materials, from so many.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import defects
import numpy as np
from numpy.typing import NDArray
from textures import FAMILIES, SIZE, Material, exposed, material, texture

CLASSES = ("none", *defects.KINDS)
DRAW = defects.KINDS | defects.UNSEEN
FAINT = 0.06  # the least contrast that a defect is drawn with, also on a surface that is smoother


def picture(kind: str, of: Material, rng: np.random.Generator) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """One picture and its mask."""
    surface, mask = texture(of, rng), np.zeros((SIZE, SIZE), bool)
    if kind != "none":
        change, mask = DRAW[kind](rng)
        surface = surface + change * max(1.0, FAINT / of.contrast)
    return exposed(surface, of, rng), mask


def dataset(kinds: list[str], seed: int, materials: list[Material] | None = None) -> dict[str, NDArray]:
    """Pictures of the kinds, in that order: images and masks (n, SIZE, SIZE), families (n)."""
    rng = np.random.default_rng(seed)
    images, masks, families = [], [], []
    for kind in kinds:
        of = material(rng) if materials is None else materials[rng.integers(len(materials))]
        image, mask = picture(kind, of, rng)
        images.append(image)
        masks.append(mask)
        families.append(FAMILIES.index(of.family))
    return {"images": np.stack(images), "masks": np.stack(masks), "families": np.array(families)}


def products(count: int, seed: int) -> list[Material]:
    """So many materials, for a factory that makes so many products."""
    rng = np.random.default_rng([seed, 1])
    return [material(rng) for _ in range(count)]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--materials", type=int, default=0)
    parser.add_argument("--to", type=Path, default=Path("work/synthetic"))
    parser.add_argument("--png", action="store_true", help="as PNG files, a mask beside each; needs Pillow")
    args = parser.parse_args()
    kinds = [(*CLASSES, *defects.UNSEEN)[i % (len(CLASSES) + 1)] for i in range(args.count)]
    begun = time.monotonic()
    made = dataset(kinds, args.seed, products(args.materials, args.seed) if args.materials else None)
    print(f"{args.count} pictures in {time.monotonic() - begun:.1f} s")
    args.to.mkdir(parents=True, exist_ok=True)
    if not args.png:
        np.savez(args.to / "pictures.npz", labels=kinds, **made)
        return
    from PIL import Image

    for place, (kind, image, mask) in enumerate(zip(kinds, made["images"], made["masks"], strict=True)):
        Image.fromarray(image).save(args.to / f"{place:04}-{kind}.png")
        Image.fromarray(mask).save(args.to / f"{place:04}-{kind}-mask.png")


if __name__ == "__main__":
    main()
