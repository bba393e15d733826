"""The long measurements on real pictures, outside the ten minutes: `run.py --results` puts them into RESULTS.md.

    python steps/benchmark.py --prepared work/real --parts probe,copies,half,unseen

--prepared is what steps/prepare.py made of raw files. Each part goes into benchmark.json when it is done. The test part
is used once for each number and chooses nothing: rates, steps and augmentation are those of train.py.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import torch

HERE = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(HERE / "model")]
import anomaly  # noqa: E402
import floor  # noqa: E402
import network  # noqa: E402
from augment import augmented, chosen  # noqa: E402
from measures import auroc, auroc_interval, judged, mean_interval, softmax, temperature  # noqa: E402
from train import fit, logits, read  # noqa: E402

BACKBONE = HERE / "model" / "backbone.npz"
MEMBERS = {"custom CNN, from scratch": (None, 0), "pre-trained": (BACKBONE, 1), "pre-trained, again": (BACKBONE, 2)}
SEEDS, LABELS = 3, (5, 20)
STEPS = {"scratch": 18, "backbone": 12}  # of each of ten epochs: from scratch gets half as many again
COPY_SEEDS, COPIES = 6, 4
PROBE_SEEDS, BACKBONES = 20, {"untrained": 0, "pre-trained": None}
AUGMENTATIONS = ("none", "geometric", "photometric", "mixup", "cutmix", "all")
AUGMENT_SEEDS, AUGMENT_LABELS, AUGMENT_STEPS = 3, 10, 10


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


def half(data: Data, epochs: int) -> dict[str, Any]:
    """Half the pictures to train (a fifth of them for calibration), half to test: floor, members, their plain mean."""
    found, each = {}, []
    known = floor.scores(data.train, data.train_labels, len(data.classes), data.test)
    right = int((known.argmax(1) == data.truth).sum())
    found["floor: ridge on 38 numbers"] = judged(softmax(8 * known), data.truth) | {"right": right}
    for name, (start, seed) in MEMBERS.items():
        model = fit(data.train, data.train_labels, len(data.classes), start=start, seed=seed, epochs=epochs)
        heat = temperature(logits(model, data.held), data.held_labels)
        each.append(softmax(logits(model, data.test) / heat))
        found[name] = judged(each[-1], data.truth)
        print(f"half: {name} {found[name]['accuracy']:.4f}", flush=True)
    found["mean of the calibrated"] = judged(np.mean(each, axis=0), data.truth)
    print(f"half: ensemble {found['mean of the calibrated']['accuracy']:.4f}", flush=True)
    return {"models": found, "epochs": epochs, "train": len(data.train), "test": len(data.test)}


def accuracy(data: Data, each: int, seed: int, start: str, augment: str = "all", steps: int = 0) -> float:
    """On the test part, with so many labels a class."""
    images, labels = data.few(each, seed)
    how = {"start": BACKBONE if start == "backbone" else None, "epochs": 10, "steps_least": steps or STEPS[start]}
    model = fit(images, labels, len(data.classes), seed=seed, augment=augment, **how)
    return float((logits(model, data.test).argmax(1) == data.truth).mean())


def labels(data: Data, epochs: int) -> dict[str, Any]:
    """Few labels: from scratch, pre-trained, floor, by as many draws; the gain is paired by draw."""
    found = {}
    for each in LABELS:
        runs: dict[str, list[float]] = {"floor": [], "scratch": [], "backbone": []}
        for seed in range(SEEDS):
            known = floor.scores(*data.few(each, seed), len(data.classes), data.test)
            runs["floor"].append(float((known.argmax(1) == data.truth).mean()))
            for start in STEPS:
                runs[start].append(accuracy(data, each, seed, start))
            print(
                f"labels: {each} a class, draw {seed}: { ({k: round(v[-1], 4) for k, v in runs.items()}) }", flush=True
            )
        gain = [one - other for one, other in zip(runs["backbone"], runs["scratch"], strict=True)]
        found[str(each)] = {name: mean_interval(values) for name, values in (runs | {"gain": gain}).items()}
    return {"seeds": SEEDS, "labels": found, "test": len(data.test)}


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
    parts = []
    for some in x.split(100):
        found = backbone(some.contiguous(memory_format=torch.channels_last))
        parts.append(torch.cat([pool for f in found for pool in (f.mean((2, 3)), f.amax((2, 3)), f.std((2, 3)))], 1))
    return torch.cat(parts).numpy().astype(float)


def probe(data: Data, epochs: int) -> dict[str, Any]:
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


def augment(data: Data, epochs: int) -> dict[str, Any]:
    """What each augmentation alone, and all together, change for a pre-trained network."""
    runs: dict[str, list[float]] = {name: [] for name in AUGMENTATIONS}
    for seed in range(AUGMENT_SEEDS):
        for name in AUGMENTATIONS:
            runs[name].append(accuracy(data, AUGMENT_LABELS, seed, "backbone", name, AUGMENT_STEPS))
        print(f"augment: draw {seed}: { ({k: round(v[-1], 4) for k, v in runs.items()}) }", flush=True)
    said = {"seeds": AUGMENT_SEEDS, "each": AUGMENT_LABELS, "steps": 10 * AUGMENT_STEPS, "test": len(data.test)}
    return said | effect(runs)


def copies(data: Data, epochs: int) -> dict[str, Any]:
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


def unseen(data: Data, epochs: int) -> dict[str, Any]:
    """Leave one class out: the detector knows the other classes' training pictures; is the left-out class unusual?"""
    patches = network.Patches(backbone_of(None)).eval()
    known, asked = logits(patches, data.pool), logits(patches, data.test)
    plain, wanted = floor.numbers(data.pool)[:, :11, None], floor.numbers(data.test)[:, :11, None]
    found = {}
    for label, name in enumerate(data.classes):
        others, strange = data.pool_labels != label, data.truth == label
        scored = anomaly.scores(asked, anomaly.bank(known[others]))
        tones = anomaly.bank(plain[others].transpose(0, 2, 1))
        base = anomaly.distances(wanted.transpose(0, 2, 1), tones)[:, 0]
        found[name] = {
            "auroc": auroc(scored, strange),
            "interval": auroc_interval(scored, strange),
            "floor": auroc(base, strange),
        }
        print(f"unseen: {name} {found[name]}", flush=True)
    return {"classes": found, "test": len(data.test)}


PARTS: dict[str, Callable[[Data, int], dict[str, Any]]] = {
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
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--to", type=Path, default=HERE / "benchmark.json")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    data = Data(args.prepared)
    commit = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True)
    for name in args.parts.split(","):
        begun = time.monotonic()
        found = PARTS[name](data, args.epochs)
        seen = {"seconds": round(time.monotonic() - begun), "commit": commit.stdout.strip() or "unknown"}
        seen |= {"at": datetime.now(UTC).strftime("%Y-%m-%d %H:%M"), "bf16": network.halves()}
        kept = json.loads(args.to.read_text()) if args.to.exists() else {"data": args.name}
        args.to.write_text(json.dumps(kept | {name: found | seen}, indent=1))


if __name__ == "__main__":
    main()
