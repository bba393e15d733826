"""Train the network on labelled pictures: from scratch, or on a backbone that has seen synthetic ones.

    python model/train.py --train work/prepared/train --validation work/prepared/validation --weights backbone

In a SageMaker job channels, model folder and hyperparameters arrive by themselves. On several instances, started
by torchrun, each takes its part of every batch; one or several then take the same steps but for batch statistics.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import network
import numpy as np
import torch
from augment import augmented, chosen
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel
from views import averaged

EPOCHS, BATCH, RATE, DECAY = 30, 32, 3e-3, 0.02
RISE = 2  # steps at least until the rate is at its highest
SLOWER = 0.3  # a pre-trained backbone learns at this part of the head's rate
SMOOTHING = 0.05  # of the labels


def read(folder: Path) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """A channel: images, labels, names of the classes."""
    with np.load(folder / "pictures.npz") as kept:
        return kept["images"], kept["labels"], [str(name) for name in kept["classes"]]


def optimiser(model: network.Classifier, rate: float, slower: float, steps: int) -> tuple[Any, Any]:
    """It, and the schedule of its rates over so many steps: up, then down."""
    rates = [rate * slower, rate]
    sides = zip((model.backbone, model.head), rates, strict=True)
    made = torch.optim.AdamW([{"params": side.parameters(), "lr": of} for side, of in sides], weight_decay=DECAY)
    planned = max(steps, RISE + 1)  # of fewer steps than that torch makes no schedule
    rise = max(0.25, RISE / planned)
    return made, torch.optim.lr_scheduler.OneCycleLR(made, rates, planned, pct_start=rise)


def dealt(pictures: int, batch: int, epochs: int, steps: int, order: torch.Generator) -> list[tuple[Tensor, ...]]:
    """Places of the pictures of each step, epoch by epoch; with steps exactly so many in all, told as one epoch."""
    if not steps:
        each = max(1, pictures // batch) * batch
        return [torch.randperm(pictures, generator=order)[:each].split(batch) for _ in range(epochs)]
    rounds = -(-steps * batch // pictures)
    return [torch.cat([torch.randperm(pictures, generator=order) for _ in range(rounds)]).split(batch)[:steps]]


def beginning(classes: int, start: Path | None, seed: int, rank: int) -> network.Classifier:
    """The network before its first step; instances begin alike, and then draw their dropout each for itself."""
    torch.manual_seed(seed)
    model = network.Classifier(classes).to(memory_format=torch.channels_last)
    if start:
        network.load(model.backbone, start)
    if rank:
        torch.manual_seed(1000 * seed + rank)
    return model


def fit(
    images: np.ndarray,
    labels: np.ndarray,
    classes: int,
    *,
    start: Path | None = None,
    epochs: int = EPOCHS,
    batch: int = BATCH,
    rate: float = RATE,
    augment: str = "all",
    seed: int = 0,
    steps: int = 0,
    told: Callable[[int, float, network.Classifier], None] | None = None,
) -> tuple[network.Classifier, int]:
    """Train for so many epochs, or steps where given; the network and the steps it took. told() is called after each
    epoch with its number and loss."""
    world, rank = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("RANK", 0))
    model = beginning(classes, start, seed, rank)
    x, y = network.as_input(images), nn.functional.one_hot(torch.from_numpy(labels), classes).float()
    y = y * (1 - SMOOTHING) + SMOOTHING / classes
    order, rng = torch.Generator().manual_seed(seed), torch.Generator().manual_seed(1000 * seed + rank)
    deals = dealt(len(x), batch, epochs, steps, order)
    optimise, schedule = optimiser(model, rate, SLOWER if start else 1.0, sum(map(len, deals)))
    wrapped, names, half = DistributedDataParallel(model) if world > 1 else model, chosen(augment), network.halves()
    done = 0
    for epoch, deal in enumerate(deals, 1):
        wrapped.train()
        total = torch.zeros(())
        for places in deal:
            inputs, answers = augmented(x[places[rank::world]], y[places[rank::world]], names, rng)
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                loss = nn.functional.cross_entropy(wrapped(inputs).float(), answers)
            optimise.zero_grad()
            loss.backward()
            optimise.step()
            schedule.step()
            total, done = total + loss.detach(), done + 1
        if told:
            told(epoch, float(mean_of_all(total / len(deal))), model)
    return model.eval(), done


def mean_of_all(value: Tensor) -> Tensor:
    """Its mean over the instances."""
    if torch.distributed.is_initialized():
        torch.distributed.all_reduce(value)
        value = value / torch.distributed.get_world_size()
    return value


@torch.no_grad()
def logits(model: nn.Module, images: np.ndarray) -> np.ndarray:
    """Of many pictures, a hundred at a time."""
    model.eval()
    parts = [model(network.as_input(images[at : at + 100])).numpy() for at in range(0, len(images), 100)]
    return np.concatenate(parts)


def all_views(model: nn.Module, images: np.ndarray) -> np.ndarray:
    """Logits as they are served: in the mean over the eight views of each picture."""
    return averaged(lambda view: logits(model, view), images)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--weights", choices=("scratch", "backbone"), default="scratch")
    parser.add_argument("--epochs", type=int, default=EPOCHS)
    parser.add_argument("--batch", type=int, default=BATCH, help="pictures of a step, all instances together")
    parser.add_argument("--rate", type=float, default=RATE)
    parser.add_argument("--augment", default="all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--train", type=Path, default=os.environ.get("SM_CHANNEL_TRAIN"))
    parser.add_argument("--validation", type=Path, default=os.environ.get("SM_CHANNEL_VALIDATION"))
    parser.add_argument("--model-dir", type=Path, default=os.environ.get("SM_MODEL_DIR", "work/model"))
    args, _ = parser.parse_known_args()  # a tuning job passes the name of its objective too
    if not args.train or not args.validation:
        parser.error("--train and --validation are needed outside a training job")
    return args


def main() -> None:
    args = arguments()
    torch.set_num_threads(args.threads)
    world, rank = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("RANK", 0))
    if world > 1:
        torch.distributed.init_process_group("gloo")
    images, labels, classes = read(args.train)
    judged, truth, _ = read(args.validation)
    begun, curve = time.monotonic(), []

    def told(epoch: int, loss: float, model: network.Classifier) -> None:
        if rank == 0:
            right = (logits(model, judged).argmax(1) == truth).mean()
            curve.append([loss, float(right)])
            print(f"epoch={epoch} world={world} train:loss={loss:.5f} validation:accuracy={right:.5f}", flush=True)

    start = Path(__file__).with_name("backbone.npz") if args.weights == "backbone" else None
    how = {"epochs": args.epochs, "batch": args.batch, "rate": args.rate, "augment": args.augment, "seed": args.seed}
    model, steps = fit(images, labels, len(classes), start=start, told=told, **how)
    if rank == 0:
        seconds = time.monotonic() - begun
        parameters = sum(value.numel() for value in model.parameters())
        print(f"train:seconds={seconds:.1f} {parameters:,} parameters, {len(labels)} pictures", flush=True)
        args.model_dir.mkdir(parents=True, exist_ok=True)
        network.save(model, args.model_dir / "weights.npz")
        facts = {"classes": classes, "curve": curve, "seconds": seconds, "steps": steps, "world": world} | how
        (args.model_dir / "facts.json").write_text(
            json.dumps(facts | {"weights": args.weights, "parameters": parameters})
        )
    if world > 1:
        torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
