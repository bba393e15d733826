"""Changes to training pictures that leave the answer as it is, or mix two pictures and their answers alike.

geometric     mirrored, turned by quarters and a little, scaled, shifted
photometric   gain, brightness, gamma-like bend, noise
mixup         two pictures laid over each other (Zhang et al., 2018)
cutmix        a rectangle of one picture in another (Yun et al., 2019)
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn.functional import affine_grid, grid_sample

NAMES = ("geometric", "photometric", "mixup", "cutmix")
ALPHA = 0.4  # of the Beta distribution that mixup draws its weights from


def chosen(text: str) -> list[str]:
    """ "geometric,mixup", "all" or "none" as a list; ValueError for any other name."""
    names = list(NAMES) if text == "all" else [name for name in text.split(",") if name and name != "none"]
    if unknown := set(names) - set(NAMES):
        raise ValueError(f"unknown augmentation {sorted(unknown)}: there are {', '.join(NAMES)}, all, none")
    return names


def geometric(x: Tensor, rng: torch.Generator) -> Tensor:
    n = len(x)
    turn = (torch.randint(4, (n,), generator=rng) + uniform(n, -0.08, 0.08, rng)) * math.pi / 2
    scale, mirror = uniform(n, 0.85, 1.1, rng), torch.randint(2, (n,), generator=rng) * 2 - 1
    shift = torch.rand((n, 2), generator=rng) * 0.2 - 0.1
    cos, sin = scale * turn.cos(), scale * turn.sin()
    matrix = torch.stack([cos * mirror, -sin, shift[:, 0], sin * mirror, cos, shift[:, 1]], 1).view(n, 2, 3)
    grid = affine_grid(matrix.to(x), list(x.shape), align_corners=False)
    return grid_sample(x, grid, padding_mode="reflection", align_corners=False)


def photometric(x: Tensor, rng: torch.Generator) -> Tensor:
    n, shape = len(x), (len(x), 1, 1, 1)
    gain, bias = uniform(n, 0.75, 1.3, rng).view(shape).to(x), uniform(n, -0.4, 0.4, rng).view(shape).to(x)
    bend, noise = uniform(n, -0.12, 0.12, rng).view(shape).to(x), uniform(n, 0, 0.12, rng).view(shape).to(x)
    x = gain * x + bias
    return (x + bend * (x.clamp(-2, 2) ** 2 - 1) + noise * torch.randn(x.shape, generator=rng).to(x)).clamp(-2, 2)


def mixup(x: Tensor, y: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    other, share = partner(len(x), rng), beta(rng)
    return share * x + (1 - share) * x[other], share * y + (1 - share) * y[other]


def cutmix(x: Tensor, y: Tensor, rng: torch.Generator) -> tuple[Tensor, Tensor]:
    size, other = x.shape[-1], partner(len(x), rng)
    side = int(size * float(uniform(1, 0.2, 0.6, rng)))
    top, left = (int(torch.randint(size - side + 1, (1,), generator=rng)) for _ in range(2))
    x = x.clone()
    x[:, :, top : top + side, left : left + side] = x[other, :, top : top + side, left : left + side]
    share = 1 - (side / size) ** 2
    return x, share * y + (1 - share) * y[other]


def augmented(x: Tensor, y: Tensor, names: list[str], rng: torch.Generator) -> tuple[Tensor, Tensor]:
    """A batch and its answers (n, classes), changed by what is named; of mixup and cutmix one or neither at a time."""
    if "geometric" in names:
        x = geometric(x, rng)
    if "photometric" in names:
        x = photometric(x, rng)
    mixes = [mix for mix in (mixup, cutmix) if mix.__name__ in names]
    drawn = int(torch.randint(2 * len(mixes), (1,), generator=rng)) if mixes else 0
    return mixes[drawn](x, y, rng) if drawn < len(mixes) else (x, y)


def uniform(n: int, low: float, high: float, rng: torch.Generator) -> Tensor:
    return low + (high - low) * torch.rand(n, generator=rng)


def partner(n: int, rng: torch.Generator) -> Tensor:
    return torch.randperm(n, generator=rng)


def beta(rng: torch.Generator) -> float:
    """A share of at least a half: of two mixed pictures the first stays the stronger."""
    seed = int(torch.randint(2**31, (1,), generator=rng))
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        share = float(torch.distributions.Beta(ALPHA, ALPHA).sample())
    return max(share, 1 - share)
