"""What the answers are worth: floor, members, ensemble in both precisions, and the finding of the unseen."""

from __future__ import annotations

from typing import Any

import floor
import numpy as np
from anomaly import bank, distances
from measures import auroc, auroc_interval, calibration_error, difference, joined, judged, softmax
from report import short

GOOD = "none"
Parts = dict[str, tuple[np.ndarray, np.ndarray, list[str]]]


def everything(
    parts: Parts, classes: list[str], answered: dict[str, dict[str, Any]], settings: dict[str, Any]
) -> dict[str, Any]:
    """The models on the test pictures of known classes, and the anomaly detector where unseen ones are among them."""
    images, truth, _ = parts["test"]
    answers = [answered[f"test-{i}"] for i in range(len(images))]
    known = truth >= 0
    some, truths = [answer for answer, one in zip(answers, known, strict=True) if one], truth[known]
    members = np.array([answer["members"] for answer in some]).swapaxes(0, 1)
    each = {short(name): of for name, of in zip(settings["members"], members, strict=True)}
    each["calibrated ensemble"] = np.array([answer["fp32"] for answer in some])
    each["calibrated ensemble, int8"] = np.array([answer["int8"] for answer in some])
    base = floor.scores(*parts["train"][:2], len(classes), images[known])
    models = {"floor: ridge on 38 numbers": judged(softmax(base), truths)}
    models |= {name: judged(probabilities, truths) for name, probabilities in each.items()}
    right = {name: of.argmax(1) == truths for name, of in (each | {"floor": base}).items()}
    served = "calibrated ensemble" + (", int8" if settings["precision"] == "int8" else "")
    same = (each["calibrated ensemble"].argmax(1) == each["calibrated ensemble, int8"].argmax(1)).mean()
    best = short(settings["members"][settings["best"]])
    found: dict[str, Any] = {"models": models, "classes": classes, "int8 decides as fp32": float(same)}
    found |= {"gain": difference(right[served], right["floor"]), "best": best}
    found |= {"over best": difference(right[served], right[best])}
    found |= {"uncalibrated error": calibration_error(uncalibrated(members, settings), truths)}
    if GOOD in classes and not known.all():
        found["unseen"] = unseen(parts, classes, np.array([answer["anomaly"] for answer in answers]))
    return found


def uncalibrated(members: np.ndarray, settings: dict[str, Any]) -> np.ndarray:
    """The members joined by the same shares, each without its temperature: it was the power of their odds."""
    raw = [softmax(np.log(of.clip(1e-9)) * t) for of, t in zip(members, settings["temperatures"], strict=True)]
    return joined(np.stack(raw), settings["shares"], 1.0)


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
        "over floor": auroc_interval(scored, strange, base),
    }
