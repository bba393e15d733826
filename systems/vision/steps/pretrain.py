"""Pre-train the backbone on synthetic pictures: which defect, which family of texture, and where.

    python steps/pretrain.py --minutes 12 --to model/backbone.npz      # a GPU is used where there is one

New pictures are drawn for every round, and random parts of them shown, so none is seen twice alike. The log that made
the weights is written beside them.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

import torch
from torch import Tensor, nn

HERE = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(HERE / "model"), str(HERE / "data")]
import network  # noqa: E402
from augment import augmented  # noqa: E402
from synthetic import CLASSES, dataset  # noqa: E402
from textures import FAMILIES, SIZE  # noqa: E402

DRAWN, SEEN, BATCH, RATE = 2048, 4, 64, 3e-3  # pictures of a round, how often each is seen
CROP, FIELD = 64, 8  # pixels: what is shown of a picture in training, and of a field of the mask
LEAST = 12  # pixels of a defect that must be in the crop to be asked for


def drawn(seed: int, count: int) -> dict[str, Tensor]:
    """A round's pictures, their answers and masks."""
    kinds = [CLASSES[i % len(CLASSES)] for i in range(count)]
    made = dataset(kinds, seed)
    return {
        "images": network.as_input(made["images"]),
        "kinds": torch.tensor([CLASSES.index(kind) for kind in kinds]),
        "families": torch.from_numpy(made["families"]),
        "masks": torch.from_numpy(made["masks"]).float()[:, None],
    }


def cropped(part: dict[str, Tensor], rng: torch.Generator) -> dict[str, Tensor]:
    """A random part of each batch, mirrored by chance; a picture whose defect is left out has none."""
    top, left = (int(torch.randint(SIZE - CROP + 1, (1,), generator=rng)) for _ in range(2))
    mirrored = [axis for axis in (2, 3) if torch.rand((), generator=rng) < 0.5]
    shown = {
        name: part[name][:, :, top : top + CROP, left : left + CROP].flip(mirrored) for name in ("images", "masks")
    }
    there = shown["masks"].sum((1, 2, 3)) >= LEAST
    return part | shown | {"kinds": torch.where(there, part["kinds"], 0)}


def fields(masks: Tensor) -> Tensor:
    """Where a tenth of a field of 8x8 pixels is covered."""
    return (nn.functional.avg_pool2d(masks, FIELD)[:, 0] > 0.1).float()


def losses(model: nn.Module, x: Tensor, part: dict[str, Tensor]) -> Tensor:
    kind, family, where = (value.float() for value in model(x))
    weight = torch.tensor(4.0, device=x.device)
    return (
        nn.functional.cross_entropy(kind, part["kinds"], label_smoothing=0.05)
        + 0.3 * nn.functional.cross_entropy(family, part["families"])
        + nn.functional.binary_cross_entropy_with_logits(where, fields(part["masks"]), pos_weight=weight)
    )


@torch.no_grad()
def judged(model: nn.Module, part: dict[str, Tensor], device: str) -> str:
    """Accuracy of the kind and family, and overlap of the masks, on pictures never trained on."""
    model.eval()
    kind, family, where = (value.cpu() for value in model(part["images"].to(device)))
    kinds = (kind.argmax(1) == part["kinds"]).float().mean()
    families = (family.argmax(1) == part["families"]).float().mean()
    found, true = where > 0, fields(part["masks"]) > 0
    overlap = (found & true).sum() / (found | true).sum().clamp(min=1)
    return f"kind {kinds:.3f} family {families:.3f} overlap of masks {overlap:.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=8)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--to", type=Path, default=HERE / "model" / "backbone.npz")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    torch.manual_seed(args.seed)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = network.Pretrainer(len(CLASSES), len(FAMILIES)).to(device, memory_format=torch.channels_last)
    optimise = torch.optim.AdamW(model.parameters(), lr=RATE, weight_decay=0.02)
    rng, held = torch.Generator().manual_seed(args.seed), drawn(2**31 + args.seed, 600)
    said = [f"seed {args.seed}, {args.minutes} minutes on {device}, {args.threads} threads, torch {torch.__version__}"]
    begun, spent, round_ = time.monotonic(), 0.0, 0
    while spent < 1:
        part = drawn(1_000_000 * args.seed + round_ + 1, DRAWN)
        total, steps = 0.0, 0
        model.train()
        for places in torch.cat([torch.randperm(DRAWN, generator=rng) for _ in range(SEEN)]).split(BATCH):
            spent = (time.monotonic() - begun) / (60 * args.minutes)
            rate = min(1, (round_ * DRAWN * SEEN / BATCH + steps + 1) / 100) * max(0.01, 1 - spent)  # up, then down
            for group in optimise.param_groups:
                group["lr"] = RATE * rate
            some = cropped({name: value[places].to(device) for name, value in part.items()}, rng)
            x, _ = augmented(some["images"], some["kinds"], ["photometric"], rng)
            with torch.autocast(device, torch.bfloat16, enabled=device == "cuda" or network.halves()):
                loss = losses(model, x, some)
            optimise.zero_grad()
            loss.backward()
            optimise.step()
            total, steps = total + loss.item(), steps + 1
        round_ += 1
        said.append(f"{round_ * DRAWN:7} pictures  loss {total / steps:.4f}  {judged(model, held, device)}")
        print(said[-1], flush=True)
    network.save(model.backbone, args.to)
    said.append(f"{time.monotonic() - begun:.0f} s, {args.to.stat().st_size / 1e6:.2f} MB")
    args.to.with_suffix(".log").write_text("\n".join(said) + "\n")
    print(said[-1])


if __name__ == "__main__":
    main()
