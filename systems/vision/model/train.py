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
from pathlib import Path

import network
import numpy as np
import torch
from augment import augmented, chosen
from torch import Tensor, nn
from torch.nn.parallel import DistributedDataParallel

EPOCHS, BATCH, RATE, DECAY = 30, 32, 3e-3, 0.02
SLOWER = 0.3  # a pre-trained backbone learns at this part of the head's rate
SMOOTHING = 0.05  # of the labels


def read(folder: Path) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """A channel: images, labels, names of the classes."""
    with np.load(folder / "pictures.npz") as kept:
        return kept["images"], kept["labels"], [str(name) for name in kept["classes"]]


def optimiser(model: network.Classifier, rate: float, slower: float) -> torch.optim.Optimizer:
    groups = [
        {"params": model.backbone.parameters(), "lr": rate * slower},
        {"params": model.head.parameters(), "lr": rate},
    ]
    return torch.optim.AdamW(groups, weight_decay=DECAY)


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
    steps_least: int = 0,
    told: object = None,
) -> network.Classifier:
    """Train; steps_least makes epochs longer where pictures are few. told(epoch, loss, model) is called after each."""
    torch.manual_seed(seed)
    world, rank = int(os.environ.get("WORLD_SIZE", 1)), int(os.environ.get("RANK", 0))
    model = network.Classifier(classes).to(memory_format=torch.channels_last)
    if start:
        network.load(model.backbone, start)
    x, y = network.as_input(images), nn.functional.one_hot(torch.from_numpy(labels), classes).float()
    y = y * (1 - SMOOTHING) + SMOOTHING / classes
    repeat = max(1, -(-steps_least * batch // len(x)))
    steps = max(1, repeat * len(x) // batch)
    optimise = optimiser(model, rate, SLOWER if start else 1.0)
    rates = [group["lr"] for group in optimise.param_groups]
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimise, rates, epochs * steps, pct_start=0.25)
    wrapped = DistributedDataParallel(model) if world > 1 else model
    half = network.halves()
    order, rng = torch.Generator().manual_seed(seed), torch.Generator().manual_seed(1000 * seed + rank)
    for epoch in range(1, epochs + 1):
        wrapped.train()
        dealt = torch.cat([torch.randperm(len(x), generator=order) for _ in range(repeat)])
        total = torch.zeros(())
        for step in range(steps):
            mine = dealt[step * batch : (step + 1) * batch][rank::world]
            inputs, answers = augmented(x[mine], y[mine], chosen(augment), rng)
            with torch.autocast("cpu", torch.bfloat16, enabled=half):
                loss = nn.functional.cross_entropy(wrapped(inputs).float(), answers)
            optimise.zero_grad()
            loss.backward()
            optimise.step()
            schedule.step()
            total += loss.detach()
        if callable(told):
            told(epoch, float(mean_of_all(total / steps)), model)
    return model.eval()


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
    model = fit(images, labels, len(classes), start=start, told=told, **how)
    if rank == 0:
        seconds = time.monotonic() - begun
        parameters = sum(value.numel() for value in model.parameters())
        print(f"train:seconds={seconds:.1f} {parameters:,} parameters, {len(labels)} pictures", flush=True)
        args.model_dir.mkdir(parents=True, exist_ok=True)
        network.save(model, args.model_dir / "weights.npz")
        facts = {"classes": classes, "curve": curve, "seconds": seconds, "world": world, "weights": args.weights} | how
        (args.model_dir / "facts.json").write_text(json.dumps(facts | {"parameters": parameters}))
    if world > 1:
        torch.distributed.destroy_process_group()


if __name__ == "__main__":
    main()
