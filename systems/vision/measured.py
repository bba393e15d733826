"""The parts of RESULTS.md that are not a run's: what steps/benchmark.py measured, and the log of the backbone.

python measured.py       # both again, of benchmark.json and model/backbone.log
"""

from __future__ import annotations

import json
from typing import Any

import results
from report import COLUMNS, cells, markdown, models

KEPT = results.HERE / "benchmark.json"
LOG = results.HERE / "model" / "backbone.log"
TARGET = 0.99  # half/half on NEU surfaces


def spread(values: tuple[float, float, float], signed: bool = False) -> str:
    mean, low, high = values if signed else (values[0], max(values[1], 0), min(values[2], 1))
    form = "{:+.3f}" if signed else "{:.3f}"
    return f"{form.format(mean)} ({form.format(low)} to {form.format(high)})"


def measured(kept: dict[str, Any]) -> list[str]:
    """What steps/benchmark.py wrote, part by part; what it has not measured is left out."""
    lines = [
        "`python steps/benchmark.py`, without a cloud, on what `python steps/prepare.py --raw FOLDER` made (seed 0).",
        "All of it is judged on the same test half. It chose no setting; that another anomaly detector was sought at "
        "all came of it (below). The more numbers are taken of one test half, the less each of them says.",
        "",
    ]
    for part, tell in {
        "half": half,
        "probe": probe,
        "labels": labels,
        "copies": copies,
        "augment": augment,
        "unseen": left_out,
    }.items():
        if part in kept:
            of = kept[part]
            seen = (
                f"Commit {of['commit']}, {of['at']} UTC, {of['seconds']} s, bfloat16 {'yes' if of['bf16'] else 'no'}."
            )
            lines += [*tell(of), "", seen, ""]
    return lines


def half(of: dict[str, Any]) -> list[str]:
    best = of["models"]["calibrated ensemble"]
    verdict = "is reached" if best["accuracy"] >= TARGET else "**is not reached**"
    about = f"{of['train']} pictures trained on, {of['test']} judged, {of['epochs']} epochs, seed 0 of the split. "
    about += f"Shares of the members by validation likelihood: {', '.join(f'{share:.2f}' for share in of['shares'])}."
    said = (
        f"The {TARGET:.0%} that the field has on the whole set {verdict} by the three together: {best['accuracy']:.2%}."
    )
    return ["### Half and half", "", about, "", *models(of["models"]), "", said]


def probe(of: dict[str, Any]) -> list[str]:
    names = ("floor", "untrained", "pre-trained")
    head = ("labels a class", *names, "gain of pre-training", "gain over the floor")
    rows = [
        [
            each,
            *(spread(runs[name]) for name in names),
            *(spread(runs[name], signed=True) for name in ("gain", "over the floor")),
        ]
        for each, runs in of["labels"].items()
    ]
    about = (
        "The same ridge regression on the floor's numbers, on the features of a frozen untrained backbone, and of the "
        f"pre-trained one: accuracy on {of['test']} test pictures, mean and 95 % t interval of {of['seeds']} draws; "
        "gains are paired by draw."
    )
    full = [[name, *cells(facts, "floor")[:2]] for name, facts in of["all"].items()]
    last = ["", f"With all {of['pool']} pictures that are not the test (95 % Wilson intervals):", ""]
    table = [*markdown(head, rows), *last, *markdown(("numbers under the ridge", *COLUMNS[:2]), full)]
    return ["### Few labels, frozen backbone", "", about, "", *table]


def labels(of: dict[str, Any]) -> list[str]:
    head = ("labels a class", "floor", "from scratch", "pre-trained", "gain of pre-training")
    rows = [
        [each, *(spread(runs[name]) for name in ("floor", "scratch", "backbone")), spread(runs["gain"], signed=True)]
        for each, runs in of["labels"].items()
    ]
    about = f"Accuracy on the {of['test']} test pictures, mean and 95 % t interval of {of['seeds']} draws."
    return ["### Few labels, all layers trained", "", f"{about} The gain is paired by draw.", "", *markdown(head, rows)]


def copies(of: dict[str, Any]) -> list[str]:
    about = (
        f"The frozen pre-trained backbone under the ridge, {of['each']} labels a class and {of['copies']} copies "
        f"of each picture, augmented, beside it; {of['seeds']} draws of the labels."
    )
    return ["### Augmentation, frozen backbone", "", about, "", *effect(of)]


def augment(of: dict[str, Any]) -> list[str]:
    about = f"A pre-trained network, {of['steps']} steps, {of['each']} labels a class, {of['seeds']} draws of them."
    return ["### Augmentation, all layers trained", "", about, "", *effect(of)]


def effect(of: dict[str, Any]) -> list[str]:
    """Accuracy with each augmentation, and its gain paired by draw."""
    rows = [
        [name, spread(of["accuracy"][name]), "" if name == "none" else spread(of["gain"][name], signed=True)]
        for name in of["accuracy"]
    ]
    return markdown(("augmentation", "accuracy", "gain over none, by draw"), rows)


def left_out(of: dict[str, Any]) -> list[str]:
    rows = [
        [name, one["way"], near(one["auroc"], one["interval"]), near(one["floor"], one["floor interval"])]
        + [f"{one['patches']:.3f}"]
        for name, one in of["classes"].items()
    ]
    means = [sum(one[key] for one in of["classes"].values()) / len(rows) for key in ("auroc", "floor", "patches")]
    rows.append(["mean", "", *(f"{mean:.3f}" for mean in means)])
    about = (
        "Each class once unknown: what is summed (`model/anomaly.py`) is chosen by the five others alone, each of them "
        "playing the unknown in turn, on training and validation pictures; judged on the test part. The detector that "
        "was measured here first, patches alone, was below a floor on four of the six; that look at the test part is "
        "why another was looked for, and this is the second. AUROC and its bootstrap interval."
    )
    head = ("unseen class", "chosen", "detector", "floor: 38 numbers", "patches alone")
    return ["### Unseen defects", "", about, "", *markdown(head, rows)]


def near(value: float, interval: tuple[float, float]) -> str:
    return f"{value:.3f} ({interval[0]:.3f} to {interval[1]:.3f})"


def write() -> None:
    """Both parts."""
    kept = json.loads(KEPT.read_text())
    results.put(f"Benchmark: {kept['data']}", measured(kept))
    said = LOG.read_text().strip().splitlines()
    shown = [f"    {line}" for line in (said[0], *said[-2:])]
    results.put("The backbone", ["`python steps/pretrain.py`; the whole log is `model/backbone.log`.", "", *shown])


if __name__ == "__main__":
    write()
