"""The network: four residual blocks over 96x96 grey pictures, 0.5 million parameters, quick on a processor.

       96x96 -> stem 24x24x32 -> 24x24x40 (shallow) -> 12x12x80 (middle) -> 6x6x128 (deep) -> mean, maximum -> classes

The backbone's weights travel as NumPy files of half precision: small, and no pickle.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

CHANNELS = (32, 40, 80, 128)
DROPOUT = 0.2


class Block(nn.Module):
    """Two convolutions and a way around them."""

    def __init__(self, came: int, go: int, stride: int = 1) -> None:
        super().__init__()
        self.first = nn.Conv2d(came, go, 3, stride, 1, bias=False)
        self.second = nn.Conv2d(go, go, 3, 1, 1, bias=False)
        self.norms = nn.ModuleList([nn.BatchNorm2d(go), nn.BatchNorm2d(go)])
        same = came == go and stride == 1
        self.around = nn.Identity() if same else nn.Conv2d(came, go, 1, stride, bias=False)

    def forward(self, x: Tensor) -> Tensor:
        inner = torch.relu(self.norms[0](self.first(x)))
        return torch.relu(self.norms[1](self.second(inner)) + self.around(x))


class Backbone(nn.Module):
    """Pictures (n, 1, 96, 96), mean 0 and about 1 wide, to features at three scales."""

    def __init__(self) -> None:
        super().__init__()
        stem, shallow, middle, deep = CHANNELS
        self.stem = nn.Sequential(
            nn.Conv2d(1, stem, 5, 2, 2, bias=False), nn.BatchNorm2d(stem), nn.ReLU(), nn.MaxPool2d(3, 2, 1)
        )
        self.shallow = Block(stem, shallow)
        self.middle = nn.Sequential(Block(shallow, middle, 2), Block(middle, middle))
        self.deep = Block(middle, deep, 2)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        shallow = self.shallow(self.stem(x))
        middle = self.middle(shallow)
        return shallow, middle, self.deep(middle)


class Classifier(nn.Module):
    """A backbone and one linear layer on its pooled features; logits."""

    def __init__(self, classes: int) -> None:
        super().__init__()
        self.backbone = Backbone()
        self.head = nn.Sequential(nn.Dropout(DROPOUT), nn.Linear(2 * CHANNELS[-1], classes))

    def forward(self, x: Tensor) -> Tensor:
        return self.head(pooled(self.backbone(x)[-1]))


class Pretrainer(nn.Module):
    """A backbone with the three questions of the synthetic task: which defect, which family of texture, and where."""

    def __init__(self, kinds: int, families: int) -> None:
        super().__init__()
        self.backbone = Backbone()
        self.kind = nn.Linear(2 * CHANNELS[-1], kinds)
        self.family = nn.Linear(2 * CHANNELS[-1], families)
        self.where = nn.Conv2d(CHANNELS[2] + CHANNELS[3], 1, 1)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        _, middle, deep = self.backbone(x)
        wide = torch.cat([middle, nn.functional.interpolate(deep, scale_factor=2.0)], 1)
        return self.kind(pooled(deep)), self.family(pooled(deep)), self.where(wide)[:, 0]


class Features(nn.Module):
    """What the anomaly detector compares: features of each of 12x12 patches, shallow and middle ones side by side,
    and of the whole picture at all scales."""

    def __init__(self, backbone: Backbone) -> None:
        super().__init__()
        self.backbone = backbone

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        found = self.backbone(x)
        both = torch.cat([nn.functional.avg_pool2d(found[0], 2), found[1]], 1)
        return nn.functional.avg_pool2d(both, 3, 1, 1).flatten(2).transpose(1, 2), whole(found)


def pooled(features: Tensor) -> Tensor:
    return torch.cat([features.mean((2, 3)), features.amax((2, 3))], 1)


def whole(features: tuple[Tensor, ...]) -> Tensor:
    """Mean, maximum and spread of each feature at each scale: (pictures, values)."""
    parts = []
    for of in features:
        mean = of.mean((2, 3), keepdim=True)
        parts += [mean[:, :, 0, 0], of.amax((2, 3)), ((of - mean) ** 2).mean((2, 3)).sqrt()]
    return torch.cat(parts, 1)


def as_input(images: np.ndarray) -> Tensor:
    """Grey pictures of eight bits, (n, 96, 96), as the network takes them."""
    scaled = (images.astype(np.float32) / 255 - 0.5) / 0.25
    return torch.from_numpy(scaled)[:, None].contiguous(memory_format=torch.channels_last)


def halves() -> bool:
    """Whether this processor multiplies bfloat16 by itself: training is then nearly twice as fast."""
    told = Path("/proc/cpuinfo")
    return told.is_file() and bool({"avx512_bf16", "amx_bf16"} & set(told.read_text().split()))


def save(module: nn.Module, file: Path) -> None:
    """Weights in half precision."""
    weights = {name: value.cpu().numpy() for name, value in module.state_dict().items()}
    halved = {name: value.astype(np.float16) if value.dtype == np.float32 else value for name, value in weights.items()}
    np.savez_compressed(file, **halved)


def load(module: nn.Module, file: Path) -> None:
    """Weights that save() wrote, into a module of the same form."""
    with np.load(file) as kept:
        module.load_state_dict(
            {name: torch.from_numpy(kept[name]).to(value.dtype) for name, value in module.state_dict().items()}
        )
