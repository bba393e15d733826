"""Say what a run reached: on the screen, as its part of RESULTS.md, and in one line for a table of several systems."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any

import evaluate
import judge
import parts as written
from intervals import LEVEL
from mask import SEED
from parts import value
from rich.console import Console
from rich.table import Table

TITLES = {
    "floor": "TF-IDF, linear",
    "encoder": "MiniLM, fine-tuned",
    "encoder int8": "the same, 8 bits",
    "both": "8 bits and TF-IDF, as served",
}
DATA = {"aws": "support texts from botocore", "banking77": "Banking77"}
# US dollars per instance hour, training and real-time inference alike. Storage and requests are not counted.
PRICES = {"ml.c5.xlarge": 0.204, "ml.m5.large": 0.115, "ml.m5.xlarge": 0.23}
PRICES_FROM = "list prices on demand, US East (N. Virginia), aws.amazon.com/sagemaker/pricing as quoted on 2026-11-23"


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
    cheaper = ": the simpler floor would do as well" if found["verdict"] == "within noise" else ""
    return f"{found['of']}: {found['value']:+.4f} ({low:+.4f} to {high:+.4f}), {found['verdict']}{cheaper}"


def dollars(found: dict[str, Any]) -> float:
    """What training would have cost on AWS: billed seconds times list price, 0 where the price is not known."""
    return sum(found["seconds"].values()) / 3600 * PRICES.get(found["instance"], 0.0)


def cost(found: dict[str, Any]) -> str:
    """What the run would have cost on AWS."""
    price = PRICES.get(found["instance"])
    used = ", ".join(f"{kind} {seconds} s" for kind, seconds in found["seconds"].items())
    if price is None:
        return f"Training was billed {used} of {found['instance']}, whose list price is not in our table"
    return (
        f"${dollars(found):.4f} of training ({used} of {found['instance']}), ${price:.3f} an hour of endpoint; "
        f"{PRICES_FROM}"
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
        return "What serves is worse than the floor beyond noise: it was registered as rejected and not deployed"
    took = found["latency"]
    return f"The endpoint answers one text in {took['p50']:.1f} ms (p50), {took['p99']:.1f} ms (p99), client included"


def show(found: dict[str, Any], console: Console) -> None:
    """Print what was reached, the answer, the cost, and what to try next."""
    report = found["report"]
    table = Table(title=f"{report['texts']} test texts, {report['other']} of no class", title_justify="left")
    for column in ("", *(TITLES[kind] for kind in report["models"])):
        table.add_column(column)
    for metric in report["models"]["floor"]:
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


def summary(found: dict[str, Any]) -> dict[str, Any]:
    """One line of a table of several systems."""

    def fact(name: str) -> dict[str, Any]:
        shown = found["report"]["models"][name][evaluate.GATE]
        low, high = (round(each, 3) for each in shown["interval"])
        return {"name": TITLES[name], "value": round(shown["value"], 3), "low": low, "high": high}

    low, high = found["report"]["difference"]["interval"]
    against = "better than" if low > 0 else "worse than" if high < 0 else "within noise of"
    return {
        "dataset": DATA[found["dataset"]],
        "measure": evaluate.GATE,
        "floor": fact("floor"),
        "model": fact("both"),
        "better": "higher",
        "verdict": f"{'approved' if found['approved'] else 'rejected'}, {against} the floor",
        "endpoint": None if found["deleted"] else found["endpoint"],
        "dollars": dollars(found),
    }


def summarise(found: dict[str, Any], path: Path) -> None:
    """Write it, whole or not at all."""
    written.replaced(path, json.dumps(summary(found), indent=1) + "\n")


def results(found: dict[str, Any]) -> list[str]:
    """This run's part of RESULTS.md."""
    report = found["report"]
    given = [
        *["--data FOLDER"] * (found["dataset"] != "aws"),
        *[f"--most {found['most']}"] * (found["most"] is not None),
    ]
    command = " ".join(["python run.py", *given, "--results"])
    return [
        f"Written by `{command}`: seed {SEED}, {found['epochs']} epochs, {found['frozen']} of 6 layers frozen, run "
        f"{found['at']} UTC, commit {found['commit']}.",
        "",
        f"{parts(found['facts'])}.",
        f"Intervals: {LEVEL} %, {evaluate.DRAWS} bootstrap resamples of the test texts within each class"
        f"{', one text an operation' if found['dataset'] == 'aws' else ''}.",
        f"{report['texts']} test texts, {report['other']} of them of no class.",
        "",
        "| | " + " | ".join(TITLES[kind] for kind in report["models"]) + " |",
        "|---|" + "---|" * len(report["models"]),
        *(
            f"| {metric} | " + " | ".join(value(model[metric]) for model in report["models"].values()) + " |"
            for metric in report["models"]["floor"]
        ),
        "",
        f"Difference in {gap(report)}.",
        "",
        f"{smaller(found)}. {served(found)}.",
        "",
        f"On AWS: {cost(found)}.",
        "",
        *masking(found),
    ]


def masking(found: dict[str, Any]) -> list[str]:
    """The table of what masking reached."""
    judged, published = found["facts"].get("masking"), found["published"]
    rows = [judge.row("the test texts, people it never met", judged)] if judged else []
    if published:
        rows.append(judge.row("presidio-research's sentences (see the part on masking)", published))
    return ["### Masking", "", *judge.HEAD, *rows, ""] if rows else []
