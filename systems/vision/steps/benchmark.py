"""The long measurements on real pictures, outside the ten minutes; each goes into benchmark.json and RESULTS.md.

    python steps/benchmark.py --prepared work/real --parts probe,labels,half

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
from measures import (  # noqa: E402
    auroc,
    auroc_interval,
    calibrated,
    calibration_error,
    difference,
    joined,
    joining,
    judged,
    mean_interval,
    softmax,
)
from members import MEMBERS, settings  # noqa: E402
from package import features  # noqa: E402
from parts import Data  # noqa: E402
from train import all_views, fit, logits  # noqa: E402

BACKBONE = HERE / "model" / "backbone.npz"
LABELS = 5, 20
STEPS = {"scratch": 400, "backbone": 120}  # of 16 pictures and of 32
COPY_SEEDS, COPIES = 6, 4
PROBE_SEEDS = 20
AUGMENTATIONS = ("none", "geometric", "photometric", "mixup", "cutmix", "all")
AUGMENT_LABELS, AUGMENT_STEPS = 10, 100
FLOOR, ENSEMBLE = "floor: ridge on 38 numbers", "calibrated ensemble"


def half(data: Data, args: argparse.Namespace) -> dict[str, Any]:
    """Half the pictures to train (a fifth of them for calibration), half to test, by several splits."""
    found = {}
    for seed in range(args.splits):
        found[str(seed)] = one = members_and_ensemble(data.again(seed), args.epochs)
        right = {name: of["right"] for name, of in one["models"].items()}
        print(f"half: split {seed} {right}, shares {one['shares']}", flush=True)
    return {"splits": found, "epochs": args.epochs, "train": len(data.train), "test": len(data.test)}


def members_and_ensemble(data: Data, epochs: int) -> dict[str, Any]:
    """The floor, the members with the system's own settings, and these joined as the system does."""
    known = floor.scores(data.train, data.train_labels, len(data.classes), data.test)
    found, held, asked = {FLOOR: judged(softmax(known), data.truth)}, [], []
    for name, (how, _) in MEMBERS.items():
        start = BACKBONE if how["weights"] == "backbone" else None
        own = settings(how["weights"], epochs, seed=how["seed"])
        model, _ = fit(data.train, data.train_labels, len(data.classes), start=start, **own)
        held.append(all_views(model, data.held))
        asked.append(all_views(model, data.test))
        alone = joining(held[-1:], data.held_labels)["temperatures"]
        found[name] = judged(calibrated(asked[-1:], alone)[0], data.truth)
    how = joining(held, data.held_labels)
    each = calibrated(asked, how["temperatures"])
    raw = joined(calibrated(asked, [1.0] * len(asked)), how["shares"], 1.0)
    ours = joined(each, how["shares"], how["heat"])
    found[ENSEMBLE] = judged(ours, data.truth)
    right, least = (of.argmax(1) == data.truth for of in (ours, known))
    best = each[how["best"]].argmax(1) == data.truth
    said = {"models": found, "shares": how["shares"], "best": list(MEMBERS)[how["best"]]}
    said |= {"over best": difference(right, best), "over floor": difference(right, least)}
    return said | {"uncalibrated error": calibration_error(raw, data.truth)}


def accuracy(data: Data, each: int, seed: int, start: str, **how: Any) -> tuple[float, int]:
    """On the test part, with so many labels a class; and the steps that were taken."""
    images, labels = data.few(each, seed)
    how = settings(start, 1, seed=seed, steps=STEPS[start], start=BACKBONE if start == "backbone" else None) | how
    model, done = fit(images, labels, len(data.classes), **how)
    return float((logits(model, data.test).argmax(1) == data.truth).mean()), done


def labels(data: Data, args: argparse.Namespace) -> dict[str, Any]:
    """Few labels: from scratch, pre-trained, floor, by as many draws; the gain is paired by draw."""
    found, taken = {}, {}
    for each in LABELS:
        runs: dict[str, list[float]] = {"floor": [], "scratch": [], "backbone": []}
        for seed in range(args.draws):
            known = floor.scores(*data.few(each, seed), len(data.classes), data.test)
            runs["floor"].append(float((known.argmax(1) == data.truth).mean()))
            for start in STEPS:
                reached, done = accuracy(data, each, seed, start)
                runs[start].append(reached)
                taken.setdefault(start, set()).add(done)
            last = {name: round(values[-1], 4) for name, values in runs.items()}
            print(f"labels: {each} a class, draw {seed}: {last}", flush=True)
        found[str(each)] = {name: mean_interval(values) for name, values in (runs | gains(runs, "backbone")).items()}
    steps = {start: sorted(of) for start, of in taken.items()}
    return {"seeds": args.draws, "labels": found, "steps": steps, "test": len(data.test)}


def gains(runs: dict[str, list[float]], best: str) -> dict[str, list[float]]:
    """What the best is above each other, draw by draw."""
    others = {name: values for name, values in runs.items() if name != best}
    return {
        f"over {name}": [one - other for one, other in zip(runs[best], of, strict=True)] for name, of in others.items()
    }


def pretrained() -> network.Backbone:
    backbone = network.Backbone().eval()
    network.load(backbone, BACKBONE)
    return backbone


@torch.no_grad()
def untrained(seed: int, pool: torch.Tensor) -> network.Backbone:
    """As it is begun with that seed; its batch statistics are those of the pool, whose labels it needs not."""
    torch.manual_seed(seed)
    backbone = network.Backbone()
    for norm in backbone.modules():
        if isinstance(norm, torch.nn.BatchNorm2d):
            norm.momentum = None  # the mean of all batches
    for some in pool.split(100):
        backbone(some)
    return backbone.eval()


@torch.no_grad()
def frozen(x: torch.Tensor, backbone: network.Backbone) -> np.ndarray:
    """Mean, maximum and spread of the features at three scales."""
    parts = [network.whole(backbone(some.contiguous(memory_format=torch.channels_last))) for some in x.split(100)]
    return torch.cat(parts).numpy().astype(float)


def probe(data: Data, args: argparse.Namespace) -> dict[str, Any]:
    """A frozen backbone under the floor's ridge: pre-trained, and an untrained one begun anew for each draw."""
    pool, test = network.as_input(data.pool), network.as_input(data.test)
    same = lambda bone: (frozen(pool, bone), frozen(test, bone))  # noqa: E731
    sets = {"untrained": [same(untrained(seed, pool)) for seed in range(PROBE_SEEDS)]}
    sets["pre-trained"] = [same(pretrained())] * PROBE_SEEDS
    sets["floor"] = [(floor.numbers(data.pool), floor.numbers(data.test))] * PROBE_SEEDS
    found = {}
    for each in LABELS:
        runs: dict[str, list[float]] = {name: [] for name in sets}
        for seed in range(PROBE_SEEDS):
            places = data.places(each, seed)
            for name, of in sets.items():
                known, wanted = of[seed]
                said = floor.ridge(known[places], data.answers[places], wanted).argmax(1)
                runs[name].append(float((said == data.truth).mean()))
        found[str(each)] = {k: mean_interval(v) for k, v in (runs | gains(runs, "pre-trained")).items()}
        print(f"probe: {each} {found[str(each)]}", flush=True)
    full = {}
    for name, of in sets.items():
        known, wanted = of[0]
        full[name] = judged(softmax(floor.ridge(known, data.answers, wanted)), data.truth)
    return {"seeds": PROBE_SEEDS, "labels": found, "all": full, "pool": len(data.pool), "test": len(data.test)}


def augment(data: Data, args: argparse.Namespace) -> dict[str, Any]:
    """What each augmentation alone, and all together, change for a pre-trained network."""
    runs: dict[str, list[float]] = {name: [] for name in AUGMENTATIONS}
    taken = set()
    for seed in range(args.draws):
        for name in AUGMENTATIONS:
            how = {"augment": name, "steps": AUGMENT_STEPS}
            reached, done = accuracy(data, AUGMENT_LABELS, seed, "backbone", **how)
            runs[name].append(reached)
            taken.add(done)
        print(f"augment: draw {seed}: { ({k: round(v[-1], 4) for k, v in runs.items()}) }", flush=True)
    said = {"seeds": args.draws, "each": AUGMENT_LABELS, "steps": sorted(taken), "test": len(data.test)}
    return said | effect(runs)


def copies(data: Data, args: argparse.Namespace) -> dict[str, Any]:
    """The frozen pre-trained backbone under the ridge, with augmented copies of the few pictures beside them."""
    backbone = pretrained()
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
    model = network.Features(pretrained()).eval()
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
        found[name] |= {"over floor": auroc_interval(scored, strange, each["numbers"])}
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
    parser.add_argument("--splits", type=int, default=3, help="of the half/half protocol, its own and dealt anew")
    parser.add_argument("--draws", type=int, default=3, help="of the labels, where all layers are trained")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--to", type=Path, default=measured.KEPT)
    args = parser.parse_args()
    if unknown := set(args.parts.split(",")) - set(PARTS):
        parser.error(f"unknown part {sorted(unknown)}: there are {', '.join(PARTS)}")
    if not (args.prepared / "test" / "pictures.npz").is_file():
        parser.error(
            f"{args.prepared} has no parts: make them with steps/prepare.py --raw FOLDER --out {args.prepared}"
        )
    torch.set_num_threads(args.threads)
    data = Data.of(args.prepared)
    for name in args.parts.split(","):
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
