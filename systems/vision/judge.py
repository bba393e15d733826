"""What the answers are worth: floor, members, ensemble in both precisions, and the finding of the unseen."""

from __future__ import annotations

from typing import Any

import floor
import numpy as np
from anomaly import bank, distances
from measures import auroc, auroc_interval, difference, judged, softmax
from report import short

GOOD = "none"
Parts = dict[str, tuple[np.ndarray, np.ndarray, list[str]]]
SHARP = 8.0  # of the floor's scores; they are no probabilities, so only its accuracy is told


def everything(
    parts: Parts, classes: list[str], answered: dict[str, dict[str, Any]], members: list[str], precision: str
) -> dict[str, Any]:
    """The models on the test pictures of known classes, and the anomaly detector where unseen ones are among them."""
    images, truth, _ = parts["test"]
    answers = [answered[f"test-{i}"] for i in range(len(images))]
    known = truth >= 0
    some = [answer for answer, one in zip(answers, known, strict=True) if one]
    each = {short(name): np.array([answer["members"][i] for answer in some]) for i, name in enumerate(members)}
    each["calibrated ensemble"] = np.array([answer["fp32"] for answer in some])
    each["calibrated ensemble, int8"] = np.array([answer["int8"] for answer in some])
    base = floor.scores(*parts["train"][:2], len(classes), images[known])
    models = {"floor: ridge on 38 numbers": judged(softmax(SHARP * base), truth[known])}
    models |= {name: judged(probabilities, truth[known]) for name, probabilities in each.items()}
    right = {name: of.argmax(1) == truth[known] for name, of in (each | {"floor": base}).items()}
    served = "calibrated ensemble" + (", int8" if precision == "int8" else "")
    same = (each["calibrated ensemble"].argmax(1) == each["calibrated ensemble, int8"].argmax(1)).mean()
    found: dict[str, Any] = {"models": models, "classes": classes, "int8 decides as fp32": float(same)}
    found["gain"] = difference(right[served], right["floor"])
    if GOOD in classes and not known.all():
        found["unseen"] = unseen(parts, classes, np.array([answer["anomaly"] for answer in answers]))
    return found


def unseen(parts: Parts, classes: list[str], scores: np.ndarray) -> dict[str, Any]:
    """Unseen defects among good pictures: how well the detector, and distances of tones alone, part them."""
    (images, labels, _), (tested, truth, _) = parts["train"], parts["test"]
    good = classes.index(GOOD)
    wanted = (truth == good) | (truth < 0)
    tones = floor.numbers(images[labels == good])[:, None]
    base = distances(floor.numbers(tested[wanted])[:, None], bank(tones))[:, 0]
    strange, scored = truth[wanted] < 0, scores[wanted]
    return {
        "unseen": int(strange.sum()),
        "good": int((~strange).sum()),
        "auroc": auroc(scored, strange),
        "interval": auroc_interval(scored, strange),
        "floor": auroc(base, strange),
        "floor interval": auroc_interval(base, strange),
    }
