"""Say what a run reached: on the screen, and as RESULTS.md."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import baselines
import benchmark
import evaluate
import nab
import sklearn
import xgboost
from abtest import DRAWS, EACH, LEVEL, POWER, SHARE
from evaluate import METRICS
from members import MEMBERS
from rich.console import Console
from rich.table import Table

SLOPES = ("ensemble", "xgboost")
HANDBOOK = ("handbook's random forest", "handbook's XGBoost", "handbook's logistic regression")
BY_ITSELF = ("xgboost", "lightgbm", "random forest")  # members
PRICES = {"ml.m5.large": 0.115, "ml.m5.xlarge": 0.23, "ml.c5.xlarge": 0.204}  # US dollars an hour
PRICES_FROM = "list prices on demand, US East (N. Virginia), aws.amazon.com/sagemaker/pricing as quoted on 2026-11-23"


def cells(one: evaluate.Judged) -> list[str]:
    """Each measure with its interval."""
    drawn = [evaluate.interval(one.drawn[:, at]) for at in range(len(METRICS))]
    return [f"{value:.3f} ({low:.3f} to {high:.3f})" for value, (low, high) in zip(one.values, drawn, strict=True)]


def averages(found: dict[str, Any]) -> dict[str, evaluate.Judged]:
    return evaluate.averaged([fold["models"] for fold in found["judged"]])


def tested(found: dict[str, Any]) -> str:
    """What the models were judged on."""
    rows, frauds = (sum(fold[name] for fold in found["judged"]) for name in ("rows", "frauds"))
    weeks = len(found["judged"])
    return f"{weeks} test week{'s' * (weeks > 1)}, {rows:,} transactions of cards not blocked, {frauds:,} frauds"


def differences(found: dict[str, Any]) -> list[str]:
    """The ensemble against the handbook's models and its own members, on the same cards."""
    judged, lines = averages(found), []
    for than in (*HANDBOOK, *BY_ITSELF):
        parts = []
        for metric, (value, low, high) in zip(METRICS, evaluate.difference(judged, "ensemble", than), strict=True):
            noise = "" if low > 0 or high < 0 else ", within noise"
            parts.append(f"{metric} {value:+.4f} ({low:+.4f} to {high:+.4f}{noise})")
        lines.append(f"ensemble less {than}: " + "; ".join(parts))
    return lines


def compressed(found: dict[str, Any]) -> list[str]:
    made, judged = found["compressed"], averages(found)
    lost = evaluate.difference(judged, "ensemble, compressed", "ensemble")
    loss = "; ".join(
        f"{metric} {value:+.5f} ({low:+.5f} to {high:+.5f})"
        for metric, (value, low, high) in zip(METRICS, lost, strict=True)
    )
    before, after = made["bytes"]
    return [
        f"Loss of the graph against the ensemble as trained: {loss}. Its probability is {made['apart'][0]:.1e} apart "
        f"on average, {made['apart'][1]:.1e} at most. The members with trees are at most {made['exact']:.1e} of "
        "log-odds from their libraries'; what is more than that is the imitation of the random cut forest.",
        f"One row, one thread, p50 / p99: {made['graph'][0]:.0f} / {made['graph'][1]:.0f} µs as a graph, "
        f"{made['libraries'][0]:.0f} / {made['libraries'][1]:.0f} µs by XGBoost {made['xgboost']}, LightGBM (twice) "
        f"and the stacker alone (the random cut forest not counted): {made['speedup']:.1f} times faster. "
        f"{before / 1e6:.2f} MB became {after / 1e6:.2f} MB.",
    ]


def compared(found: dict[str, Any]) -> list[str]:
    test = found["test"]
    (a, cards_a), (b, cards_b) = test["caught"]
    sizes = test["sizes"].items()
    dealt = ", ".join(f"{variant} {cards:,} cards ({rows:,} transactions)" for variant, (cards, rows) in sizes)
    value, low, high = test["difference"]
    return [
        f"Dealt out: {dealt}.",
        f"With {SHARE:.0%} of the transactions looked at, xgboost alerted {a} of {cards_a} defrauded cards and the "
        f"ensemble {b} of {cards_b}: Fisher's exact test p = {test['chance']['caught']:.3f}. Average precision "
        f"{test['precision'][0]:.3f} and {test['precision'][1]:.3f}, difference {value:+.3f} ({low:+.3f} to "
        f"{high:+.3f}), p = {test['chance']['precision']:.3f} by {DRAWS:,} other deals of the same cards.",
        f"Verdict at {LEVEL:.0%}, both questions together: {test['verdict']}. So many cards would show a difference of "
        f"{test['detectable']:.3f} in the share caught with a probability of {POWER:.0%} (at {EACH:.1%}, its half).",
        "Asked one row at a time over HTTP, p50 / p99: "
        + ", ".join(f"{variant} {ms[0]:.1f} / {ms[1]:.1f} ms" for variant, ms in found["latency"].items())
        + ".",
    ]


def dollars(found: dict[str, Any]) -> float | None:
    """Billed seconds of training times list price."""
    price = PRICES.get(found["instance"])
    return None if price is None else sum(found["seconds"].values()) / 3600 * price


def cost(found: dict[str, Any]) -> str:
    """What the training would have cost on AWS: billed seconds times list price."""
    seconds = ", ".join(f"{kind} {many} s" for kind, many in found["seconds"].items())
    price = dollars(found)
    if price is None:
        return f"Training was billed {seconds} of {found['instance']}, whose list price is not in our table"
    return f"${price:.4f} of training ({seconds} of {found['instance']}); {PRICES_FROM}"


def show(found: dict[str, Any], console: Console) -> None:
    """Print what was reached."""
    table = Table(title=tested(found), title_justify="left")
    for column in ("", *METRICS):
        table.add_column(column)
    for name, one in averages(found).items():
        table.add_row(name, *cells(one))
    console.print(table)
    for line in [*differences(found), *compressed(found), *compared(found), f"On AWS: {cost(found)}."]:
        console.print(line, soft_wrap=True)


def typed(found: dict[str, Any]) -> str:
    """The command that a part of RESULTS.md comes from."""
    asked = " --data FOLDER" if found["data"] else ""
    asked += f" --folds {len(found['judged'])}" if len(found["judged"]) > 1 else ""
    asked += f" --draws {found['draws']}" if found["draws"] != evaluate.DRAWS else ""
    return f"python run.py{asked} --results"


def part(found: dict[str, Any]) -> str:
    """What RESULTS.md says of one data set, under its head."""
    facts = found["facts"]
    scenarios = ", ".join(f"scenario {kind} {many:,}" for kind, many in facts["scenarios"].items())
    lines = [
        f"Written by `{typed(found)}`: {found['origin']}, run {found['at']} UTC, commit {found['commit']}. "
        f"Chance is seeded: models 0, resamples {evaluate.SEED}.",
        "",
        f"{facts['rows']:,} transactions of {facts['days']} days, {facts['frauds']:,} frauds "
        f"({facts['frauds'] / facts['rows']:.3%}; {scenarios}).",
        "",
        "### The handbook's protocol",
        "",
        *protocol(found),
        "",
        "### Compression",
        "",
        *compressed(found),
        "",
        "### Two variants behind one endpoint",
        "",
        *compared(found),
        "",
        f"On AWS: {cost(found)}.",
    ]
    return "\n".join(lines) + "\n"


def protocol(found: dict[str, Any]) -> list[str]:
    """Every model's figures, and how far the ensemble is from the others."""
    facts = found["facts"]
    return [
        f"{tested(found)}; the mean over the weeks, with {evaluate.LEVEL} % intervals of {found['draws']} resamples of "
        "cards and terminals at once; other training seeds are not in them. Trained and tested: "
        + "; ".join(f"{a} to {b}, {c} to {d}" for a, b, c, d in facts["dates"])
        + ".",
        "",
        "| | " + " | ".join(METRICS) + " |",
        "|---|" + "---|" * len(METRICS),
        *(f"| {name} | " + " | ".join(cells(one)) + " |" for name, one in averages(found).items()),
        *(
            f"| published: {name}, 2018-08-08 to 14 | " + " | ".join(f"{value:.3f}" for value in values) + " |"
            for name, values in baselines.PUBLISHED.items()
        ),
        "",
        f"The handbook's models are its own recipes (defaults of scikit-learn {sklearn.__version__}; XGBoost "
        f"{xgboost.__version__} with tree_method exact and base_score 0.5, the defaults of the handbook's 1.3.3), "
        "trained and tested on the very rows of ours. The published figures are of one week of August, of the "
        "handbook's own transactions.",
        "",
        *(f"- {line}" for line in differences(found)),
        "- calibration slope (1 is right), week by week: "
        + "; ".join(
            name + " " + ", ".join(f"{fold['slopes'][name]:.2f}" for fold in found["judged"]) for name in SLOPES
        ),
        "- weights of the stacker, week by week: "
        + "; ".join(
            name + " " + ", ".join(f"{fold['weights'][name]:.2f}" for fold in found["judged"]) for name in MEMBERS
        ),
        "",
        "Week by week, AUC / average precision / card precision:",
        "",
        *weekly(found),
    ]


def commit(folder: Path) -> str:
    """What is checked out, and whether this system's files were changed since, RESULTS.md left aside."""
    try:
        short, changed = (
            subprocess.run(["git", *argv], cwd=folder, capture_output=True, text=True).stdout.strip()
            for argv in (["rev-parse", "--short", "HEAD"], ["status", "--porcelain", "--", ".", ":!RESULTS.md"])
        )
    except FileNotFoundError:  # no git here
        return "unknown"
    return f"{short or 'unknown'}{'-dirty' if changed else ''}"


def weekly(found: dict[str, Any]) -> list[str]:
    names = ("ensemble", "xgboost", "handbook's random forest", "handbook's XGBoost")
    rows = ["| test week | " + " | ".join(names) + " |", "|---|" + "---|" * len(names)]
    for fold, dates in zip(found["judged"], found["facts"]["dates"], strict=True):
        said = (" / ".join(f"{value:.3f}" for value in fold["models"][name].values) for name in names)
        rows.append(f"| {dates[2]} | " + " | ".join(said) + " |")
    return rows


def of_nab(found: dict[str, Any]) -> str:
    """What RESULTS.md says of the Numenta Anomaly Benchmark, under its head."""
    scores = found["scores"]
    said = {name: f"{mean:.1f} | {spread:.1f}" for name, (mean, spread) in scores.items()}
    held, spread = scores["held out"]
    apart = held - nab.PUBLISHED["randomCutForest"]
    noise = "within" if abs(apart) < 1.96 * spread else "beyond"
    lines = [
        f"Written by `python run.py --nab FOLDER --results`: {found['series']} series, {found['points']:,} points, run "
        f"{found['at']} UTC, commit {found['commit']}; {benchmark.FORESTS} forests, taught the same rows in their own "
        "order and in others (seeds 1 and up), since the image has no seed to set.",
        "",
        "Profile standard, normalised: 0 is silence, 100 the earliest alarm in each window and no other. Mean and "
        "standard deviation over the forests, where held out over the forests and halves.",
        "",
        "| detector | score | deviation |",
        "|---|---|---|",
        f"| this forest; an alarm tops all scores of the two days before | {said['two days']} |",
        f"| this forest; of the day before | {said['one day']} |",
        "| this forest; threshold and days chosen on half of the series, judged on the other half "
        f"({nab.HALVES} halves) | {said['held out']} |",
        f"| this forest, every score by itself | {said['as scored']} |",
        *(f"| published: {name} | {score:.1f} | |" for name, score in nab.PUBLISHED.items()),
        "",
        f"The published figures are NAB's own per-file scores of the same series. Held out, the forest is {apart:+.1f} "
        f"from the published random cut forest, which is {noise} noise: halves differ by a standard deviation of "
        f"{spread:.1f}. The threshold is chosen on the series that it is judged on, as NAB does for every detector "
        "(there on all its 58, here on those given), and so are the days that an alarm silences the next; the line of "
        "halves leaves both advantages out. What the forest reads (logarithms of deviations, series set apart) and the "
        "rule that an alarm is a rise were made with these series in sight and are held out nowhere. The forest learns "
        "from each series' probation alone and does not go on learning.",
    ]
    return "\n".join(lines) + "\n"
