"""Make train, validation and test parts of 96x96 grey pictures: of raw picture files, or of the generator's.

    python steps/prepare.py --out work/prepared                    # a factory of six products, simulated
    python steps/prepare.py --raw FOLDER --out work/prepared       # FOLDER/<class>/*.jpg: half of each class is test

A fifth of what is not the test is validation. Raw files are split by name, so one file is in one part only; simulated
parts have seeds of their own. The test part of the simulation has a defect that no other part has.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

HERE = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(HERE / part) for part in ("data", "model")]
from defects import UNSEEN  # noqa: E402
from synthetic import CLASSES, dataset, products  # noqa: E402

SEEDS = {"train": 10_000_019, "validation": 10_000_020, "test": 20_261_123}  # the test's is new: see README, Choices
SEED, PRODUCTS, KINDS = 0, 6, ("jpg", "jpeg", "png", "bmp")
LEAST = 10  # pictures of a class
Part = tuple[np.ndarray, np.ndarray]  # images, labels


def files(raw: Path) -> dict[str, list[Path]]:
    """The picture files of each class, FOLDER/<class>/ or deeper (FOLDER/train/<class>/); ValueError if none."""
    found: dict[str, list[Path]] = {}
    for path in sorted(raw.rglob("*")):
        if path.suffix.lower().lstrip(".") not in KINDS:
            continue
        if path.parent == raw:
            raise ValueError(f"{path} is of no class: expected {raw}/<class>/{path.name}")
        before = found.setdefault(path.parent.name, [])
        if before and before[0].parent != path.parent:
            raise ValueError(f"two folders are of the class {path.parent.name}: {before[0].parent} and {path.parent}")
        before.append(path)
    if len(found) < 2:
        raise ValueError(f"{raw} has {len(found)} folders of pictures, expected one for each of two classes or more")
    for name, paths in found.items():
        if len(paths) < LEAST:
            raise ValueError(
                f"the class {name} has {len(paths)} pictures, at least {LEAST} are needed: a tenth is validation"
            )
    return found


def decoded(paths: list[Path]) -> np.ndarray:
    from grey import grey
    from PIL import Image

    return np.stack([grey(Image.open(path)) for path in paths])


def halved(count: int, rng: np.random.Generator) -> dict[str, np.ndarray]:
    """Places of the parts of one class: half is test, a fifth of the other half validation."""
    order, half, fifth = rng.permutation(count), count // 2, count // 10
    return {"test": order[half:], "validation": order[:fifth], "train": order[fifth:half]}


def of_files(raw: Path, seed: int) -> tuple[dict[str, Part], list[str]]:
    found, rng = files(raw), np.random.default_rng(seed)
    parts: dict[str, list[Part]] = {"train": [], "validation": [], "test": []}
    for label, paths in enumerate(found.values()):
        images = decoded(paths)
        for name, chosen in halved(len(paths), rng).items():
            parts[name].append((images[chosen], np.full(len(chosen), label)))
    joined = {name: tuple(np.concatenate(side) for side in zip(*of, strict=True)) for name, of in parts.items()}
    return joined, list(found)  # type: ignore[return-value]


def simulated(seed: int, each: int, test: int) -> tuple[dict[str, Part], list[str]]:
    """So many training pictures of each class; of the test's every seventh has the unseen defect, labelled -1."""
    line, unseen = products(PRODUCTS, seed), next(iter(UNSEEN))
    wanted = {
        "train": [kind for kind in CLASSES for _ in range(each)],
        "validation": [kind for kind in CLASSES for _ in range(each // 2)],
        "test": [(*CLASSES, unseen)[i % (len(CLASSES) + 1)] for i in range(test)],
    }
    parts = {}
    for name, kinds in wanted.items():
        images = dataset(kinds, SEEDS[name] + 1000 * seed, line)["images"]
        parts[name] = images, np.array([CLASSES.index(kind) if kind in CLASSES else -1 for kind in kinds])
    return parts, list(CLASSES)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--raw", type=Path, help="a folder of pictures; without it they are simulated")
    parser.add_argument("--each", type=int, default=60, help="simulated training pictures of each class")
    parser.add_argument("--test", type=int, default=1001, help="simulated test pictures")
    parser.add_argument("--seed", type=int, default=SEED)
    parser.add_argument("--out", type=Path, default=Path("work/prepared"))
    args = parser.parse_args()
    try:
        parts, classes = of_files(args.raw, args.seed) if args.raw else simulated(args.seed, args.each, args.test)
    except ValueError as error:
        parser.error(str(error))
    for name, (images, labels) in parts.items():
        (args.out / name).mkdir(parents=True, exist_ok=True)
        np.savez_compressed(args.out / name / "pictures.npz", images=images, labels=labels, classes=classes)
        print(f"{name}: {len(labels)} pictures of {len(classes)} classes, seed {args.seed}")


if __name__ == "__main__":
    main()
