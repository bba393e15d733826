"""The next version beside the serving one: both are judged by what was captured of the same live requests."""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable
from typing import Any

import evaluate
import numpy as np
from serving import LOOK, Endpoint

MOST = 1000  # requests of live people that a shadow is compared on
SEED = 7  # of the live people that are drawn
CAPTURED_SECONDS = 300  # AWS writes captured requests about once a minute
ANSWERED = 0.99  # of the requests each version must have answered to be compared
DRAWS = 200

Live = tuple[np.ndarray, np.ndarray, np.ndarray]  # label, person, covariates


def drawn(people: np.ndarray, most: int = MOST, seed: int = SEED) -> np.ndarray:
    """The rows of people drawn at random, each with all of his own, as many as `most` rows hold."""
    ids, counts = np.unique(people, return_counts=True)
    order = np.random.default_rng(seed).permutation(len(ids))
    fitting = ids[order[np.cumsum(counts[order]) <= most]]
    return np.flatnonzero(np.isin(people, fitting))


def compare(endpoint: Endpoint, names: tuple[str, str], live: Live, say: Callable[[str], None]) -> dict[str, Any]:
    """Ask the endpoint about live people; then judge both versions by what was captured, and by what became of them."""
    run = uuid.uuid4().hex[:8]
    rows = drawn(live[1])
    y, people, x = (part[rows] for part in live)
    for number, row in enumerate(x):
        endpoint.ask(",".join(f"{value:.10g}" for value in row), f"{run}-{number}")
        if number % 50 == 0:
            say(f"{number} of {len(y)} live requests")
    answers = gathered(endpoint, names, run, len(y), say)
    counts = {name: len(found) for name, found in answers.items()}
    found = {"requests": len(y), "people": len(np.unique(people)), "answered": counts}
    if min(counts.values()) < ANSWERED * len(y):
        return found | {"promote": False}
    return found | judged(answers, names, y, people)


def judged(answers: dict[str, dict[str, float]], names: tuple[str, str], y: Any, people: Any) -> dict[str, Any]:
    """Both versions on the requests that both have answered."""
    both = sorted(set.intersection(*(set(found) for found in answers.values())), key=lambda mark: int(mark[9:]))
    rows = [int(mark[9:]) for mark in both]
    predicted = {name: np.array([found[mark] for mark in both]) for name, found in answers.items()}
    report = evaluate.evaluate(y[rows], people[rows], predicted, DRAWS)
    serving, shadow = (predicted[name] for name in names)
    difference = report["differences"][names[1]]
    return {
        "apart": float(np.abs(serving - shadow).mean()),
        "report": report,
        "difference": difference,
        "promote": difference["interval"][1] >= 0,
    }


def gathered(
    endpoint: Endpoint, names: tuple[str, str], run: str, wanted: int, say: Callable[[str], None]
) -> dict[str, dict[str, float]]:
    """What was captured of each variant, as soon as all of it is there or nothing more comes."""
    end = time.monotonic() + CAPTURED_SECONDS
    while True:
        found = {name: endpoint.captured(name, run) for name in names}
        count = min(len(each) for each in found.values())
        if count == wanted or time.monotonic() > end:
            return found
        say(f"{count} of {wanted} requests captured")
        time.sleep(LOOK)
