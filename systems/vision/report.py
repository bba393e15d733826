"""Say what a run reached: on the screen, and as RESULTS.md together with what steps/benchmark.py measured.

python report.py work/last.json       # RESULTS.md again, of the last run and a newer benchmark.json
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

COLUMNS = ("accuracy", "95 % interval", "log loss", "calibration error")
# US dollars per instance hour of training. Storage, requests, processing and the endpoint are not counted.
PRICES = {"ml.m5.large": 0.115, "ml.m5.xlarge": 0.23, "ml.c5.xlarge": 0.204}
PRICES_FROM = "list price on demand, US East (N. Virginia), aws.amazon.com/sagemaker/pricing as quoted on 2026-11-23"
TARGET = 0.99  # half/half on NEU surfaces


def cells(facts: dict[str, Any], name: str) -> list[str]:
    """A model's numbers; the floor's scores are no probabilities."""
    low, high = facts["interval"]
    first = [f"{facts['accuracy']:.4f} ({facts['right']} of {facts['of']})", f"{low:.4f} to {high:.4f}"]
    if name.startswith("floor"):
        return [*first, "", ""]
    return [*first, f"{facts['log loss']:.4f}", f"{facts['calibration error']:.4f}"]


def markdown(head: tuple[str, ...], rows: list[list[str]]) -> list[str]:
    lines = [" | ".join(row) for row in [list(head), ["---"] * len(head), *rows]]
    return [f"| {line} |" for line in lines]


def models(found: dict[str, Any]) -> list[str]:
    rows = [[name, *cells(facts, name)] for name, facts in found.items()]
    return markdown(("", *COLUMNS), rows)


def spread(values: tuple[float, float, float], signed: bool = False) -> str:
    mean, low, high = values
    form = "{:+.3f}" if signed else "{:.3f}"
    return f"{form.format(mean)} ({form.format(low)} to {form.format(high)})"


def parity(settings: dict[str, Any], same: float) -> str:
    of = settings["parity"]
    exact, small = f"{of['onnx: largest difference']:.1e}", f"{of['int8: mean difference']:.4f}"
    return (
        f"On {of['pictures']} validation pictures ONNX differs from PyTorch by at most {exact} in any probability and "
        f"decides alike in {of['onnx: same decision']:.1%}; int8 differs by {small} in the mean and "
        f"{of['int8: largest difference']:.3f} at most, and decides alike in {of['int8: same decision']:.1%} (as fp32 "
        f"on the test pictures: {same:.1%}). One picture through all members takes {of['fp32: ms']:.2f} ms in fp32 "
        f"and {of['int8: ms']:.2f} ms in int8, one thread. Served: {settings['precision']}."
    )


def distributed(found: dict[str, Any]) -> str:
    alone, both = found["alone"], found["both"]
    curves = [", ".join(f"{loss:.4f}" for loss, _ in facts["curve"]) for facts in (alone, both)]
    return (
        f"The same seed, batch of {alone['batch']} and no augmentation: loss {curves[0]} on one instance in "
        f"{alone['seconds']:.1f} s, {curves[1]} on two in {both['seconds']:.1f} s. They take the same pictures in "
        "the same steps; batch normalisation sees half a batch on each of two, which is the difference."
    )


def unseen(found: dict[str, Any]) -> str:
    (low, high), (least, most) = found["interval"], found["floor interval"]
    return (
        f"A kind of defect that nothing was trained on ({found['unseen']} pictures) among {found['good']} good ones: "
        f"AUROC {found['auroc']:.3f} ({low:.3f} to {high:.3f}); the floor, distances of 38 numbers of the picture, "
        f"{found['floor']:.3f} ({least:.3f} to {most:.3f})."
    )


def cost(found: dict[str, Any]) -> str:
    used, price = sum(found["seconds"].values()), PRICES.get(found["instance"])
    if price is None:
        return f"{used} instance seconds of training on {found['instance']}, whose list price is not in our table."
    return f"${used / 3600 * price:.4f} of training ({used} instance seconds of {found['instance']}); {PRICES_FROM}."


def show(found: dict[str, Any], console: Console) -> None:
    """Print what was reached, and what to try next."""
    table = Table(title=f"{found['data']}: test pictures, never trained on", title_justify="left")
    for column in ("", *COLUMNS):
        table.add_column(column)
    for name, facts in found["models"].items():
        table.add_row(name, *cells(facts, name))
    console.print(table)
    for text in (unseen(found["unseen"]) if "unseen" in found else "", f"On AWS: {cost(found)}"):
        console.print(text)
    if not found["deleted"]:
        script = os.environ.get("RUN_AS") or f"{sys.executable} {sys.argv[0]}"
        console.print(f"Endpoint {found['name']} is up. Ask it about a picture of yours:")
        console.print(f"  {script} --ask {found['name']} --picture FILE.png", soft_wrap=True)


def measured(kept: dict[str, Any]) -> list[str]:
    """What steps/benchmark.py wrote, part by part; what it has not measured is left out."""
    lines = [f"## Real pictures: {kept['data']}", "", "Measured by `python steps/benchmark.py`, without a cloud.", ""]
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
    best = of["models"]["mean of the calibrated"]
    verdict = "is reached" if best["accuracy"] >= TARGET else "**is not reached**"
    about = f"{of['train']} pictures trained on, {of['test']} judged, {of['epochs']} epochs, seed 0 of the split."
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
        [name, f"{one['auroc']:.3f} ({one['interval'][0]:.3f} to {one['interval'][1]:.3f})", f"{one['floor']:.3f}"]
        for name, one in of["classes"].items()
    ]
    about = "Each class once unknown to the detector, which knows the five others; judged on the test part."
    head = ("unseen class", "AUROC, 95 % bootstrap interval", "floor: quantiles of tone")
    return ["### Unseen defects", "", about, "", *markdown(head, rows)]


def results(found: dict[str, Any], folder: Path) -> str:
    """RESULTS.md."""
    tuning = found["tuning"]
    lines = [
        "# Results",
        "",
        f"Written by `python run.py --results`: data {found['data']}, seed 0, run {found['at']} UTC, "
        f"commit {found['commit']}.",
        "",
        f"## The run: {found['data']}, {len(found['classes'])} classes",
        "",
        *models(found["models"]),
        "",
        "Intervals of accuracy: Wilson, 95 %. Calibrated on validation pictures; test pictures chose nothing.",
        "",
        *([unseen(found["unseen"]), ""] if "unseen" in found else []),
        parity(found["settings"], found["int8 decides as fp32"]),
        "",
        f"Search: {tuning['trials']} training jobs, best rate {tuning['rate']:.2g}.",
        "",
        distributed(found["distributed"]),
        "",
        f"Batch transform: {found['transform']['pictures']} pictures on two instances in "
        f"{found['transform']['seconds']:.0f} s, every member in both precisions, the containers' start included.",
        "",
        f"On AWS: {cost(found)}",
        "",
    ]
    kept = folder / "benchmark.json"
    lines += measured(json.loads(kept.read_text())) if kept.exists() else []
    log = folder / "model" / "backbone.log"
    if log.exists():
        said = log.read_text().strip().splitlines()
        lines += ["## The backbone", "", "`python steps/pretrain.py`; the whole log is `model/backbone.log`.", ""]
        lines += [*(f"    {line}" for line in (said[0], *said[-2:])), ""]
    return "\n".join(lines).rstrip() + "\n"


def write(last: Path) -> None:
    """RESULTS.md of a run's last.json and of what was measured by now."""
    here = Path(__file__).resolve().parent
    (here / "RESULTS.md").write_text(results(json.loads(last.read_text()), here))


if __name__ == "__main__":
    write(Path(sys.argv[1]))
