"""The members of the ensemble: settings and instances of each, and how they differ in training. No torch."""

from __future__ import annotations

from typing import Any

MEMBERS: dict[str, tuple[dict[str, Any], int]] = {
    "scratch": ({"weights": "scratch", "seed": 0}, 1),
    "pretrained": ({"weights": "backbone", "seed": 1}, 1),
    "distributed": ({"weights": "backbone", "seed": 2}, 2),
}
# From scratch small defects are learnt only unmixed, in small batches and more steps, at a rate of its own.
OWN: dict[str, dict[str, Any]] = {"scratch": {"augment": "geometric", "batch": 16, "rate": 0.002}, "backbone": {}}
LONGER = {"scratch": 5 / 3, "backbone": 2.0}  # times as many epochs


def settings(weights: str, epochs: int, **chosen: Any) -> dict[str, Any]:
    """How a network on those weights is trained, of so many epochs, times LONGER, and what is chosen."""
    return {"epochs": round(LONGER[weights] * epochs)} | chosen | OWN[weights]
