"""Say what a run reached: on the screen, and as RESULTS.md."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import evaluate
from prepare import SEED
from rich.console import Console
from rich.table import Table

TITLES = {"logistic": "logistic regression (script mode)", "xgboost": "XGBoost (built-in)"}
# US dollars per instance hour, training and real-time inference alike. Storage and requests are not counted.
PRICES = {"ml.m5.large": 0.115, "ml.m5.xlarge": 0.23, "ml.m5.2xlarge": 0.461, "ml.c5.xlarge": 0.204}
PRICES_FROM = "list prices on demand, US East (N. Virginia), aws.amazon.com/sagemaker/pricing as quoted on 2026-11-23"


def cells(report: dict[str, Any], metric: str, digits: int) -> list[str]:
    """A metric of every model with its interval."""
    facts = [model[metric] for model in report["models"].values()]
    return [f"{f['value']:.{digits}f} ({f['interval'][0]:.{digits}f} to {f['interval'][1]:.{digits}f})" for f in facts]


def tested(report: dict[str, Any]) -> str:
    """What the models were judged on."""
    rows, people = report["rows"], report["people"]
    return f"{rows:,} rows of {people:,} people not seen in training, {report['positive']:.1%} positive"


def gap(report: dict[str, Any]) -> str:
    """The difference between the two models, and what follows from it."""
    found = report["difference"]
    low, high = found["interval"]
    return f"{found['of']}: {found['value']:+.4f} ({low:+.4f} to {high:+.4f}); {found['verdict']}"


def cost(found: dict[str, Any]) -> str:
    """What the run would have cost on AWS: billed seconds times list price."""
    price = PRICES.get(found["instance"])
    used = ", ".join(f"{kind} {seconds} s" for kind, seconds in found["seconds"].items())
    if price is None:
        return f"Training was billed {used} of {found['instance']}, whose list price is not in our table"
    training = sum(found["seconds"].values()) / 3600 * price
    seconds = f"({used} of {found['instance']})"
    return f"${training:.4f} of training {seconds} and ${price:.3f} an hour of endpoint; {PRICES_FROM}"


def show(found: dict[str, Any], console: Console) -> None:
    """Print what was reached, the answer, the cost, and what to try next."""
    report = found["report"]
    table = Table(title=tested(report), title_justify="left")
    for column in ("", *(TITLES[kind] for kind in report["models"])):
        table.add_column(column)
    for metric in evaluate.METRICS:
        table.add_row(metric, *cells(report, metric, 3))
    console.print(table)
    console.print(f"Difference in {gap(report)}.\n")
    asked = ", ".join(f"{k}={v:.4g}" if isinstance(v, float) else f"{k}={v}" for k, v in found["sample"].items())
    console.print(f"{asked}\n-> {found['answer']:.4f} is the endpoint's probability.\n")
    console.print(f"On AWS: {cost(found)}.\n")
    if not found["deleted"]:
        numbers = [name for name, value in found["sample"].items() if not isinstance(value, str)]
        change = "disea=40" if "disea" in numbers else f"{numbers[0]}=1"
        script = f"{os.environ.get('RUN_AS') or f'{sys.executable} {sys.argv[0]}'} --dataset {found['dataset']}"
        console.print(f"Endpoint {found['endpoint']} is up. Ask it about somebody else:")
        console.print(f"  {script} --ask {found['endpoint']} --set {change}", soft_wrap=True)


def results(found: dict[str, Any], folder: Path) -> str:
    """RESULTS.md."""
    git = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=folder, capture_output=True, text=True)
    report = found["report"]
    lines = [
        "# Results",
        "",
        f"Written by `python run.py --results`: {found['dataset']}, seed {SEED}, run {found['at']} UTC, "
        f"commit {git.stdout.strip() or 'unknown'}.",
        "",
        f"{tested(report)}.",
        f"Intervals: {evaluate.LEVEL} %, {evaluate.DRAWS} bootstrap resamples of the people.",
        "",
        "| | " + " | ".join(TITLES[kind] for kind in report["models"]) + " |",
        "|---|" + "---|" * len(report["models"]),
        *(f"| {metric} | " + " | ".join(cells(report, metric, 4)) + " |" for metric in evaluate.METRICS),
        "",
        f"Difference in {gap(report)}.",
        "",
        f"On AWS: {cost(found)}.",
    ]
    return "\n".join(lines) + "\n"
