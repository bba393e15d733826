"""Say what a run reached: on the screen, and as its part of RESULTS.md.

python report.py work/last.json       # the last run's part again
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import results
from rich.console import Console
from rich.table import Table

COLUMNS = ("accuracy", "95 % interval", "log loss", "calibration error")
# US dollars per instance hour of training. Storage, requests, processing and the endpoint are not counted.
PRICES = {"ml.m5.large": 0.115, "ml.m5.xlarge": 0.23, "ml.c5.xlarge": 0.204}
PRICES_FROM = "list price on demand, US East (N. Virginia), aws.amazon.com/sagemaker/pricing as quoted on 2026-11-23"

FRESH = (
    "Rates, temperatures, shares and thresholds are of training and validation pictures. How members are joined was "
    "changed once after a look at the test pictures of that time; these are others, drawn from a new seed when "
    "everything had been fixed, and chose nothing."
)
AGAIN = (
    "Rates, temperatures, shares and thresholds are of training and validation pictures; this test half, which the "
    "benchmark is judged on too, chose nothing of the classification. What the benchmark showed on it is why another "
    "anomaly detector was looked for, and training and validation pictures chose that one."
)


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
        f"{alone['seconds']:.1f} s, {curves[1]} on two in {both['seconds']:.1f} s. They take the same pictures in the "
        f"same {alone['steps']} steps; they differ in that batch normalisation sees half a batch on each of two, and "
        "each of two draws its own dropout."
    )


def unseen(found: dict[str, Any]) -> str:
    (least, most), (low, high) = found["floor interval"], found["over floor"]
    return (
        f"A kind of defect that nothing was trained on ({found['unseen']} pictures) among {found['good']} good ones: "
        f"AUROC {found['auroc']:.3f} ({width(*found['interval'])}); the floor, distances of 38 numbers of the picture, "
        f"{found['floor']:.3f} ({least:.3f} to {most:.3f}); {found['auroc'] - found['floor']:+.3f} over it "
        f"({low:+.3f} to {high:+.3f}, bootstrap paired by picture)."
    )


def width(low: float, high: float) -> str:
    """An interval by bootstrap, which has none where nothing overlaps."""
    return f"{low:.3f} to {high:.3f}" if low < 1 else "no two overlap: a bootstrap has no width there"


def detector(settings: dict[str, Any]) -> str:
    tried = ", ".join(f"{way} {value:.3f}" for way, value in settings["unusual by"].items())
    way = next(iter(settings["unusual by"]))
    return f"The anomaly detector looks at {way}: AUROC where known classes of validation play the unknown: {tried}."


def dollars(found: dict[str, Any]) -> float | None:
    """What the training jobs would cost on AWS; None for an instance that is not in our table."""
    price = PRICES.get(found["instance"])
    return None if price is None else round(sum(found["seconds"].values()) / 3600 * price, 4)


def cost(found: dict[str, Any]) -> str:
    used, price = sum(found["seconds"].values()), dollars(found)
    if price is None:
        return f"{used} instance seconds of training on {found['instance']}, whose list price is not in our table."
    return (
        f"${price:.4f} of training ({used} instance seconds of {found['instance']}, the search's too); {PRICES_FROM}."
    )


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


def verdict(gain: tuple[float, float, float], than: str) -> str:
    """What the served ensemble is against another, by the interval of their difference."""
    _, low, high = gain
    if low > 0:
        return f"better than {than} beyond noise"
    return f"worse than {than} beyond noise" if high < 0 else f"within noise of {than}"


def paired(gain: tuple[float, float, float]) -> str:
    """A difference and its interval, which has no width where both are right on the same pictures."""
    mean, low, high = gain
    return f"{mean:+.3f} ({low:+.3f} to {high:+.3f})" if low < high else f"{mean:+.3f} (right on the same pictures)"


def ensemble(found: dict[str, Any]) -> str:
    """What it is worth beside the floor, its best member, and itself without temperatures."""
    of = found["settings"]
    return (
        f"The served ensemble ({of['precision']}) has {paired(found['gain'])} of accuracy over the floor, paired by "
        f"picture: {verdict(found['gain'], 'the floor')}. Over {found['best']}, its best member by validation, it has "
        f"{paired(found['over best'])}: {verdict(found['over best'], 'that member')}. Shares of the members by "
        f"validation likelihood: {shares(of)}. Calibration error of the same shares without temperatures, in fp32: "
        f"{found['uncalibrated error']:.4f}."
    )


def part(found: dict[str, Any]) -> tuple[str, list[str]]:
    """Name and lines of the run's part of RESULTS.md."""
    simulated = found["data"] == "simulated"
    name = "The default run: a simulated factory" if simulated else f"Real pictures through the cloud: {found['data']}"
    tuning = found["tuning"]
    lines = [
        f"`python run.py{'' if simulated else ' --data FOLDER'}{found['options']} --results`: run {found['at']} UTC, "
        f"commit {found['commit']}, seed 0 of the split and products, {len(found['classes'])} classes, "
        f"{found['took']:.0f} s.",
        "",
        *models(found["models"]),
        "",
        f"{ensemble(found)} Intervals of accuracy: Wilson. {FRESH if simulated else AGAIN}",
        "",
        *([unseen(found["unseen"]), ""] if "unseen" in found else []),
        detector(found["settings"]),
        "",
        parity(found["settings"], found["int8 decides as fp32"]),
        "",
        f"Search: {tuning['trials']} training jobs, best rate {tuning['rate']:.2g}, which the pre-trained take.",
        "",
        distributed(found["distributed"]),
        "",
        f"Batch transform: {found['transform']['pictures']} pictures on two instances in "
        f"{found['transform']['seconds']:.0f} s, every member in both precisions, the containers' start included.",
        "",
        f"Seconds of each step: {', '.join(f'{step} {spent:.0f}' for step, spent in found['steps'].items())}.",
        "",
        f"On AWS: {cost(found)}",
    ]
    return name, lines


def shares(settings: dict[str, Any]) -> str:
    said = zip(settings["members"], settings["shares"], strict=True)
    return ", ".join(f"{short(name)} {share:.2f}" for name, share in said)


def short(name: str) -> str:
    """vision-scratch-20260101-000000 is the member scratch."""
    return name.removeprefix("vision-").rsplit("-", 2)[0]


def write(found: dict[str, Any]) -> None:
    results.put(*part(found))


if __name__ == "__main__":
    write(json.loads(Path(sys.argv[1]).read_text()))
