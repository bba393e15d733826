"""All series of all groups together: every model's OWA, and the ensemble against its best member, paired.

The OWA of all is the groups' own OWAs weighted by their series. Bootstrap draws resample the series within each group.
"Best in hindsight" is what the test part shows to be best, so the comparison favours the members: each group's own,
and the one member that is best over all.
"""

from __future__ import annotations

from typing import Any

import numpy as np

DRAWS, SEED = 1000, 7
REFERENCE = "reference"  # Naive2's errors, among a group's


def resamples(count: int, group: int = 0) -> np.ndarray:
    return np.random.default_rng([SEED, group]).integers(count, size=(DRAWS, count))


def interval(drawn: np.ndarray) -> list[float]:
    return [float(each) for each in np.quantile(drawn, [0.025, 0.975])]


def owas(errors: dict[str, list[list[float]]], draws: np.ndarray) -> dict[str, np.ndarray]:
    """Each model's OWA in a group, for each row of draws."""
    means = {name: np.array(pair)[:, draws].mean(axis=2) for name, pair in errors.items()}
    return {name: (own / means[REFERENCE]).mean(axis=0) for name, own in means.items() if name != REFERENCE}


def fact(drawn: np.ndarray) -> dict[str, Any]:
    """The first is of the series as they are, the others of the draws."""
    return {"value": float(drawn[0]), "interval": interval(drawn[1:])}


def pooled(evaluation: dict[str, Any]) -> dict[str, Any]:
    """{"series", "models": {name: {"owa"}}, "best": over all, and what the ensemble's OWA is less that of others}."""
    groups = list(evaluation.values())
    counts = np.array([report["series"] for report in groups], dtype=float)
    of = [
        owas(report["errors"], np.vstack([np.arange(report["series"]), resamples(report["series"], place)]))
        for place, report in enumerate(groups)
    ]

    def together(names: list[str]) -> np.ndarray:
        return np.average([found[name] for found, name in zip(of, names, strict=True)], axis=0, weights=counts)

    whole = {name: together([name] * len(groups)) for name in sorted(set.intersection(*map(set, of)))}
    members = [name for name in whole if all(name in report["chosen"]["members"] for report in groups)]
    best = min(members, key=lambda name: whole[name][0])
    bests = together([report["best"] for report in groups])
    return {
        "series": int(counts.sum()),
        "models": {name: {"owa": fact(drawn)} for name, drawn in whole.items()},
        "best": best,
        "difference": fact(whole["ensemble"] - whole[best]),
        "difference_bests": fact(whole["ensemble"] - bests),
        "difference_floor": fact(whole["ensemble"] - whole["snaive"]),
    }
