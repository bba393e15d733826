"""Say what a run reached: on the screen, and as RESULTS.md."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import evaluate
import judge
from mask import SEED
from rich.console import Console
from rich.table import Table

TITLES = {"floor": "TF-IDF, linear", "encoder": "MiniLM, fine-tuned", "encoder int8": "the same, 8 bits, as served"}
# US dollars per instance hour, training and real-time inference alike. Storage and requests are not counted.
PRICES = {"ml.c5.xlarge": 0.204, "ml.m5.large": 0.115, "ml.m5.xlarge": 0.23}
PRICES_FROM = "list prices on demand, US East (N. Virginia), aws.amazon.com/sagemaker/pricing as quoted on 2026-11-23"
TARGETS = {  # set and protocol: what was to be reached
    ("banking", "cross-validation"): 0.92,
    ("few", "ten a class"): 0.85,
    ("spam", "cross-validation"): 0.985,
    ("spam", "first 30 %"): 0.985,
}
REASONS = {  # why a figure is not reached, where it is not
    "few": "four of six layers are frozen and the settings were not searched; tuning more layers was not measured",
}
NAMES = {"banking": "Banking77, full", "few": "Banking77, ten examples a class", "spam": "SMS spam"}


def value(fact: dict[str, Any], digits: int = 3) -> str:
    """A number with its interval."""
    low, high = fact["interval"]
    return f"{fact.get('value', fact.get('accuracy')):.{digits}f} ({low:.{digits}f} to {high:.{digits}f})"


def masked(found: dict[str, Any]) -> str:
    """What masking reached on a set."""
    scores = found["scores"]
    return f"F2 {scores['f2']['value']:.3f}, recall {scores['recall']['value']:.3f} on {found['texts']:,} texts"


def parts(facts: dict[str, Any]) -> str:
    """How many texts there are, and how many were masked."""
    counts = ", ".join(f"{part} {facts.get(part, 0):,}" for part in ("train", "validation", "test"))
    return f"{counts}; {facts['classes']} classes; {facts['masked']:,} texts had something to mask"


def gap(report: dict[str, Any]) -> str:
    """The difference between encoder and floor."""
    found = report["difference"]
    low, high = found["interval"]
    return f"{found['of']}: {found['value']:+.4f} ({low:+.4f} to {high:+.4f}), {found['verdict']}"


def cost(found: dict[str, Any]) -> str:
    """What the run would have cost on AWS: billed seconds times list price."""
    price = PRICES.get(found["instance"])
    used = ", ".join(f"{kind} {seconds} s" for kind, seconds in found["seconds"].items())
    if price is None:
        return f"Training was billed {used} of {found['instance']}, whose list price is not in our table"
    training = sum(found["seconds"].values()) / 3600 * price
    return (
        f"${training:.4f} of training ({used} of {found['instance']}), ${price:.3f} an hour of endpoint; {PRICES_FROM}"
    )


def smaller(found: dict[str, Any]) -> str:
    """What 8 bits cost and bring."""
    facts = found["parity"]
    return (
        f"8 bits: {facts['int8 MB']:.0f} MB instead of {facts['full MB']:.0f}; {facts['int8 ms p50']:.1f} ms a text "
        f"(p50, one thread, in the training job) instead of {facts['full ms p50']:.1f}; the same answer to "
        f"{facts['same answer']:.1%} of validation texts, accuracy {facts['int8 accuracy']:.4f} instead of "
        f"{facts['full accuracy']:.4f}"
    )


def served(found: dict[str, Any]) -> str:
    """The endpoint's latency."""
    if not found["endpoint"]:
        return "The encoder is worse than the floor beyond noise: it was registered as rejected and not deployed"
    took = found["latency"]
    return f"The endpoint answers one text in {took['p50']:.1f} ms (p50), {took['p99']:.1f} ms (p99), client included"


def show(found: dict[str, Any], console: Console) -> None:
    """Print what was reached, the answer, the cost, and what to try next."""
    report = found["report"]
    table = Table(title=f"{report['texts']} test texts, {report['other']} of no class", title_justify="left")
    for column in ("", *(TITLES[kind] for kind in report["models"])):
        table.add_column(column)
    for metric in evaluate.METRICS:
        table.add_row(metric, *(value(model[metric]) for model in report["models"].values()))
    console.print(table)
    for line in (gap(report), smaller(found), served(found), f"On AWS: {cost(found)}"):
        console.print(f"{line}.", markup=False)
    if not found["endpoint"]:
        return
    console.print(f"\n{found['sample']['text']}\n-> {found['sample']['answer']}\n", markup=False)
    if not found["deleted"]:
        script = os.environ.get("RUN_AS") or f"{sys.executable} {sys.argv[0]}"
        console.print(f"Endpoint {found['endpoint']} is up. Ask it about something else:")
        text = "I am Ana Ruiz, my bucket refuses uploads"
        console.print(f'  {script} --ask {found["endpoint"]} --text "{text}"', soft_wrap=True, markup=False)


def results(found: dict[str, Any], folder: Path, published: Path) -> str:
    """RESULTS.md."""
    git = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=folder, capture_output=True, text=True)
    report = found["report"]
    lines = [
        "# Results",
        "",
        f"Written by `python run.py --results`: {found['dataset']}, seed {SEED}, {found['epochs']} epochs, run "
        f"{found['at']} UTC, commit {git.stdout.strip() or 'unknown'}.",
        "",
        f"{parts(found['facts'])}.",
        f"Intervals: {evaluate.LEVEL} %, {evaluate.DRAWS} bootstrap resamples of the test texts, one an operation.",
        f"{report['texts']} test texts, {report['other']} of them of no class.",
        "",
        "| | " + " | ".join(TITLES[kind] for kind in report["models"]) + " |",
        "|---|" + "---|" * len(report["models"]),
        *(
            f"| {metric} | " + " | ".join(value(model[metric]) for model in report["models"].values()) + " |"
            for metric in evaluate.METRICS
        ),
        "",
        f"Difference in {gap(report)}.",
        "",
        f"{smaller(found)}. {served(found)}.",
        "",
        f"On AWS: {cost(found)}.",
        "",
        *masking(found),
        *elsewhere(published),
    ]
    return "\n".join(lines).rstrip() + "\n"


def masking(found: dict[str, Any]) -> list[str]:
    """The table of what masking reached."""
    sets = {
        "the test texts, people it never met": found["facts"].get("masking"),
        "presidio-research": found["published"],
    }
    rows = [
        f"| {name} | " + " | ".join(value(each["scores"][key]) for key in ("precision", "recall", "f2")) + " |"
        for name, each in sets.items()
        if each
    ]
    if not rows:
        return []
    against = f"Published for Presidio customised with a transformer: F2 {judge.PUBLISHED}."
    return ["## Masking", "", "| words of | precision | recall | F2 |", "|---|---|---|---|", *rows, "", against, ""]


def elsewhere(folder: Path) -> list[str]:
    """What steps/crossvalidate.py wrote, against what was to be reached."""
    files = [folder / f"{name}.json" for name in NAMES if (folder / f"{name}.json").exists()]
    if not files:
        return []
    lines = ["## Sets with published results", "", "By `python steps/crossvalidate.py --data FOLDER --set SET`.", ""]
    lines += [
        "| set, protocol | test texts | floor | encoder | mean of both | wanted | |",
        "|---|---|---|---|---|---|---|",
    ]
    for file in files:
        told = json.loads(file.read_text())
        name = told["settings"]["set"]
        for row in told["folds"]:
            wanted = TARGETS[name, row["protocol"]]
            best = max(row[kind]["accuracy"] for kind in ("encoder", "both"))
            cells = " | ".join(value(row[kind], 4) for kind in ("floor", "encoder", "both"))
            title = f"{NAMES[name]}, {row['protocol']}, {row['folds']} fold{'s' if row['folds'] > 1 else ''}"
            lines.append(
                f"| {title} | {row['test']:,} | {cells} | {wanted} | {'reached' if best >= wanted else 'not reached'} |"
            )
    settings = [json.loads(file.read_text()) for file in files]
    lines += ["", *(setting(told) for told in settings), ""]
    return lines


def setting(told: dict[str, Any]) -> str:
    """With what a set was judged."""
    choices, name = told["settings"]["choices"], NAMES[told["settings"]["set"]]
    chosen = f"{choices['epochs']} epochs, {choices['frozen']} of 6 layers frozen, rate {choices['rate']}"
    missed = any(
        max(row[kind]["accuracy"] for kind in ("encoder", "both")) < TARGETS[told["settings"]["set"], row["protocol"]]
        for row in told["folds"]
    )
    why = f" Not reached: {REASONS.get(told['settings']['set'], 'no reason is known')}." if missed else ""
    return f"- {name}: {chosen}, batch {choices['batch']}, seed {told['settings']['seed']}, {told['at']} UTC.{why}"
