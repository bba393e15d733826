"""The long measurements on real pictures, outside the ten minutes; each goes into benchmark.json and RESULTS.md.

    python steps/benchmark.py --prepared work/real --parts probe,copies,half,unseen

--prepared is what steps/prepare.py made of raw files. The test part is used once for each number and chooses nothing:
rates, steps and augmentation are those of train.py, members are joined by validation pictures.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

HERE = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(HERE), str(HERE / "model")]
import anomaly  # noqa: E402
import floor  # noqa: E402
import measured  # noqa: E402
import network  # noqa: E402
import results  # noqa: E402
from augment import augmented, chosen  # noqa: E402
from measures import auroc, auroc_interval, calibrated, joined, joining, judged, mean_interval, softmax  # noqa: E402
from package import features  # noqa: E402
from train import fit, logits, read  # noqa: E402

BACKBONE = HERE / "model" / "backbone.npz"
MEMBERS = {"custom CNN, from scratch": (None, 0), "pre-trained": (BACKBONE, 1), "pre-trained, again": (BACKBONE, 2)}
LABELS = 5, 20
STEPS = {"scratch": 18, "backbone": 12}  # of each of ten epochs: from scratch gets half as many again
COPY_SEEDS, COPIES = 6, 4
PROBE_SEEDS, BACKBONES = 20, {"untrained": 0, "pre-trained": None}
AUGMENTATIONS = ("none", "geometric", "photometric", "mixup", "cutmix", "all")
AUGMENT_LABELS, AUGMENT_STEPS = 10, 10


class Data:
    """The parts, and the pool that few labels are drawn from: everything but the test."""

    def __init__(self, prepared: Path) -> None:
        self.train, self.train_labels, self.classes = read(prepared / "train")
        self.held, self.held_labels, _ = read(prepared / "validation")
        self.test, self.truth, _ = read(prepared / "test")
        self.pool = np.concatenate([self.train, self.held])
        self.pool_labels = np.concatenate([self.train_labels, self.held_labels])
        self.answers = np.eye(len(self.classes))[self.pool_labels]

    def places(self, each: int, seed: int) -> np.ndarray:
        rng = np.random.default_rng([seed, each])
        of = [rng.permutation(np.flatnonzero(self.pool_labels == i))[:each] for i in range(len(self.classes))]
        return np.concatenate(of)

    def few(self, each: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
        places = self.places(each, seed)
        return self.pool[places], self.pool_labels[places]


def half(data: Data, args: argparse.Namespace) -> dict[str, Any]:
    """Half the pictures to train (a fifth of them for calibration), half to test: floor, members, and these joined
    as the system does."""
    found, held, asked = {}, [], []
    known = floor.scores(data.train, data.train_labels, len(data.classes), data.test)
    right = int((known.argmax(1) == data.truth).sum())
    found["floor: ridge on 38 numbers"] = judged(softmax(8 * known), data.truth) | {"right": right}
    for name, (start, seed) in MEMBERS.items():
        model = fit(data.train, data.train_labels, len(data.classes), start=start, seed=seed, epochs=args.epochs)
        held.append(logits(model, data.held))
        asked.append(logits(model, data.test))
        alone = joining(held[-1:], data.held_labels)["temperatures"]
        found[name] = judged(calibrated(asked[-1:], alone)[0], data.truth)
        print(f"half: {name} {found[name]['accuracy']:.4f}", flush=True)
    how = joining(held, data.held_labels)
    found["calibrated ensemble"] = judged(
        joined(calibrated(asked, how["temperatures"]), how["shares"], how["heat"]), data.truth
    )
    print(f"half: ensemble {found['calibrated ensemble']['accuracy']:.4f}, shares {how['shares']}", flush=True)
    said = {"epochs": args.epochs, "train": len(data.train), "test": len(data.test), "shares": how["shares"]}
    return {"models": found} | said


def accuracy(data: Data, each: int, seed: int, start: str, augment: str = "all", steps: int = 0) -> float:
    """On the test part, with so many labels a class."""
    images, labels = data.few(each, seed)
    how = {"start": BACKBONE if start == "backbone" else None, "epochs": 10, "steps_least": steps or STEPS[start]}
    model = fit(images, labels, len(data.classes), seed=seed, augment=augment, **how)
    return float((logits(model, data.test).argmax(1) == data.truth).mean())


def labels(data: Data, args: argparse.Namespace) -> dict[str, Any]:
    """Few labels: from scratch, pre-trained, floor, by as many draws; the gain is paired by draw."""
    found = {}
    for each in LABELS:
        runs: dict[str, list[float]] = {"floor": [], "scratch": [], "backbone": []}
        for seed in range(args.draws):
            known = floor.scores(*data.few(each, seed), len(data.classes), data.test)
            runs["floor"].append(float((known.argmax(1) == data.truth).mean()))
            for start in STEPS:
                runs[start].append(accuracy(data, each, seed, start))
            print(
                f"labels: {each} a class, draw {seed}: { ({k: round(v[-1], 4) for k, v in runs.items()}) }", flush=True
            )
        gain = [one - other for one, other in zip(runs["backbone"], runs["scratch"], strict=True)]
        found[str(each)] = {name: mean_interval(values) for name, values in (runs | {"gain": gain}).items()}
    return {"seeds": args.draws, "labels": found, "test": len(data.test)}


def backbone_of(seed: int | None) -> network.Backbone:
    """The pre-trained one, or an untrained one where a seed is given."""
    torch.manual_seed(seed or 0)
    backbone = network.Backbone().eval()
    if seed is None:
        network.load(backbone, BACKBONE)
    return backbone


@torch.no_grad()
def frozen(x: torch.Tensor, backbone: network.Backbone) -> np.ndarray:
    """Mean, maximum and spread of the features at three scales."""
    parts = [network.whole(backbone(some.contiguous(memory_format=torch.channels_last))) for some in x.split(100)]
    return torch.cat(parts).numpy().astype(float)


def probe(data: Data, args: argparse.Namespace) -> dict[str, Any]:
    """A frozen backbone under the floor's ridge: pre-trained against untrained, the same draws of labels."""
    pool, test = network.as_input(data.pool), network.as_input(data.test)
    bones = {name: backbone_of(seed) for name, seed in BACKBONES.items()}
    sets = {name: (frozen(pool, bone), frozen(test, bone)) for name, bone in bones.items()}
    sets["floor"] = floor.numbers(data.pool), floor.numbers(data.test)
    found = {}
    for each in LABELS:
        runs: dict[str, list[float]] = {name: [] for name in sets}
        for seed in range(PROBE_SEEDS):
            places = data.places(each, seed)
            for name, (known, wanted) in sets.items():
                said = floor.ridge(known[places], data.answers[places], wanted).argmax(1)
                runs[name].append(float((said == data.truth).mean()))
        gain = [one - other for one, other in zip(runs["pre-trained"], runs["untrained"], strict=True)]
        over = [one - other for one, other in zip(runs["pre-trained"], runs["floor"], strict=True)]
        found[str(each)] = {k: mean_interval(v) for k, v in (runs | {"gain": gain, "over the floor": over}).items()}
        print(f"probe: {each} {found[str(each)]}", flush=True)
    full = {}
    for name, (known, wanted) in sets.items():
        scores = floor.ridge(known, data.answers, wanted)
        full[name] = judged(softmax(scores), data.truth)
    return {"seeds": PROBE_SEEDS, "labels": found, "all": full, "pool": len(data.pool), "test": len(data.test)}


def augment(data: Data, args: argparse.Namespace) -> dict[str, Any]:
    """What each augmentation alone, and all together, change for a pre-trained network."""
    runs: dict[str, list[float]] = {name: [] for name in AUGMENTATIONS}
    for seed in range(args.draws):
        for name in AUGMENTATIONS:
            runs[name].append(accuracy(data, AUGMENT_LABELS, seed, "backbone", name, AUGMENT_STEPS))
        print(f"augment: draw {seed}: { ({k: round(v[-1], 4) for k, v in runs.items()}) }", flush=True)
    said = {"seeds": args.draws, "each": AUGMENT_LABELS, "steps": 10 * AUGMENT_STEPS, "test": len(data.test)}
    return said | effect(runs)


def copies(data: Data, args: argparse.Namespace) -> dict[str, Any]:
    """The frozen pre-trained backbone under the ridge, with augmented copies of the few pictures beside them."""
    backbone = backbone_of(None)
    asked, runs = frozen(network.as_input(data.test), backbone), {name: [] for name in AUGMENTATIONS}
    for seed in range(COPY_SEEDS):
        places, rng = data.places(AUGMENT_LABELS, seed), torch.Generator().manual_seed(seed)
        x, y = network.as_input(data.pool[places]), torch.from_numpy(data.answers[places]).float()
        for name in AUGMENTATIONS:
            made = [augmented(x, y, chosen(name), rng) for _ in range(COPIES if name != "none" else 0)]
            inputs, answers = (torch.cat([one[side] for one in [(x, y), *made]]) for side in (0, 1))
            said = floor.ridge(frozen(inputs, backbone), answers.double().numpy(), asked).argmax(1)
            runs[name].append(float((said == data.truth).mean()))
    found = effect(runs) | {"seeds": COPY_SEEDS, "each": AUGMENT_LABELS, "copies": COPIES, "test": len(data.test)}
    print(f"copies: {found}", flush=True)
    return found


def effect(runs: dict[str, list[float]]) -> dict[str, Any]:
    """Accuracies, and what each is above none, draw by draw."""
    gains = {k: mean_interval([a - b for a, b in zip(v, runs["none"], strict=True)]) for k, v in runs.items()}
    return {"accuracy": {name: mean_interval(values) for name, values in runs.items()}, "gain": gains}


def unseen(data: Data, args: argparse.Namespace) -> dict[str, Any]:
    """Leave one class out of everything: the detector is chosen and filled by the others' training and validation
    pictures. Is the left-out class unusual among the test pictures?"""
    model = network.Features(backbone_of(None)).eval()
    train, held, test = (features(model, images) for images in (data.train, data.held, data.test))
    found = {}
    for label, name in enumerate(data.classes):
        known, usual, strange = data.train_labels != label, data.held_labels != label, data.truth == label
        banks, some = anomaly.banks(anomaly.only(train, known)), anomaly.only(held, usual)
        tried = anomaly.choose(
            anomaly.only(train, known), data.train_labels[known], some, data.held_labels[usual], None
        )
        way, levels = tuple(next(iter(tried)).split("+")), anomaly.levels(anomaly.far(some, banks))
        each = anomaly.far(test, banks)
        scored = anomaly.summed(each, levels, way)
        found[name] = {"way": "+".join(way), "expected": tried["+".join(way)], "auroc": auroc(scored, strange)}
        found[name] |= {"interval": auroc_interval(scored, strange), "floor": auroc(each["numbers"], strange)}
        found[name] |= {"floor interval": auroc_interval(each["numbers"], strange)}
        found[name] |= {"patches": auroc(each["patches"], strange)}
        print(f"unseen: {name} {found[name]}", flush=True)
    return {"classes": found, "test": len(data.test)}


PARTS: dict[str, Callable[[Data, argparse.Namespace], dict[str, Any]]] = {
    "half": half,
    "probe": probe,
    "labels": labels,
    "augment": augment,
    "copies": copies,
    "unseen": unseen,
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prepared", type=Path, default=HERE / "work" / "real")
    parser.add_argument("--parts", default=",".join(PARTS))
    parser.add_argument("--name", default="NEU surface defects, the visible 150 of each class")
    parser.add_argument("--epochs", type=int, default=30, help="of the half/half protocol")
    parser.add_argument("--draws", type=int, default=3, help="of the labels, where all layers are trained")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--to", type=Path, default=measured.KEPT)
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    data = Data(args.prepared)
    for name in filter(None, args.parts.split(",")):
        begun = time.monotonic()
        found = PARTS[name](data, args)
        seen = {"seconds": round(time.monotonic() - begun), "commit": results.commit()}
        seen |= {"at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M"), "bf16": network.halves()}
        kept = json.loads(args.to.read_text()) if args.to.exists() else {"data": args.name}
        results.whole(args.to, json.dumps(kept | {name: found | seen}, indent=1))
    if args.to == measured.KEPT:
        measured.write()


if __name__ == "__main__":
    main()
