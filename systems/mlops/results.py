"""What stays of a run: its part of RESULTS.md, and the one line that a table of several systems shows.

RESULTS.md has a part for each data set and one for each published protocol. A run rewrites its own and leaves the rest.
"""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import evaluate
import numpy as np
import report as told
from prepare import SHARES
from protocols import PROTOCOLS
from scipy.stats import t as student
from tables import DATASETS, SEED

KINDS = ("logistic", "xgboost")
DIGITS = 4
PARTS = [*DATASETS, *(f"{name}, published protocol" for name in PROTOCOLS)]  # in the order of the file
OPENING = f"""# Results

Each part is written by the command that it names. People: {", ".join(f"{n} {s:.0%}" for n, s in SHARES.items())};
published protocols deal them in their own way. Judged on the test people,
{evaluate.LEVEL} % intervals of {evaluate.DRAWS} resamples of the people. (The calibration error of a
resample is larger than that of the sample, so its interval lies high.)
"""


def write(part: str, lines: list[str], path: Path) -> None:
    """Put this part into the file, in its place; the others stay as they are. KeyError for a part that is none."""
    found = path.read_text().split("\n## ")[1:] if path.exists() else []
    kept = {each.partition("\n")[0]: each.partition("\n")[2].strip() for each in found}
    kept[PARTS[PARTS.index(part)]] = "\n".join(lines).strip()
    whole = [f"## {name}\n\n{kept[name]}\n" for name in PARTS if name in kept]
    replace(path, "\n".join([OPENING, *whole]))


def replace(path: Path, text: str) -> None:
    """Write the whole file or leave it as it was."""
    draft = path.with_name(f"{path.name}.{os.getpid()}")
    draft.write_text(text)
    draft.replace(path)


def commit() -> str:
    """Of the working tree, and whether this system has changes of its own; what it writes here is none."""
    here = Path(__file__).parent
    try:
        short, changed = (
            subprocess.run(["git", *argv], cwd=here, capture_output=True, text=True).stdout.strip()
            for argv in (["rev-parse", "--short", "HEAD"], ["status", "--porcelain", "--", ".", ":!RESULTS.md"])
        )
    except FileNotFoundError:
        return "unknown"
    return f"{short or 'unknown'}{'-dirty' if changed else ''}"


def origin(found: dict[str, Any], more: str = "") -> str:
    """By which command a part was made, and when."""
    data = "" if found["dataset"] == "randhie" else f" --dataset {found['dataset']} --data FOLDER"
    seed = f"seed {SEED} (people), tuning {found['seed']}, resamples {evaluate.SEED}"
    return (
        f"`python run.py{data}{more} --results`: {seed}, run {found['run']}, commit {found['commit']}, {found['at']}."
    )


def pipeline(found: dict[str, Any]) -> list[str]:
    """What a run on the system's own parts has reached."""
    report = found["report"]
    kinds = [kind for kind in report["models"] if kind != evaluate.APPROVED]
    shown = report | {"models": {kind: report["models"][kind] for kind in kinds}}
    lines = [
        origin(found, f" --train-share {found['share']}" if found["share"] < 1 else ""),
        f"{told.tested(report)}. {DATASETS[found['dataset']].note}".strip(),
        "",
        "| | " + " | ".join(told.TITLES[kind] for kind in kinds) + " |",
        "|---|" + "---|" * len(kinds),
        *(f"| {metric} | " + " | ".join(told.cells(shown, metric, DIGITS)) + " |" for metric in evaluate.METRICS),
        "",
        f"- beside the floor: {told.gap(report['differences']['xgboost'])}",
    ]
    if against := report.get("against approved"):
        lines.append(f"- beside the approved version: {told.gap(against['xgboost'])}")
    lines.append(f"- gate: {report['gate']['reason']}")
    if shadow := found["shadow"]:
        ends = "promoted" if shadow["promote"] else "rejected"
        lines.append(f"- shadow: {told.compared(shadow)}: {ends}")
    tuned = ", ".join(f"{name} {float(value):.4g}" for name, value in sorted(found["tuned"].items()))
    return [*lines, f"- tuned on the validation people: {tuned}", f"- on AWS: {told.cost(found)}"]


def published(found: dict[str, Any]) -> list[str]:
    """What the splits of a published protocol have reached."""
    protocol = PROTOCOLS[found["dataset"]]
    aucs = {kind: np.array([split["auc"][kind] for split in found["splits"]]) for kind in KINDS}
    ahead = aucs["xgboost"] - aucs["logistic"]
    best = aucs["xgboost"].mean()
    reached = "reached in the mean" if best >= protocol.wanted else f"not reached: {protocol.wanted - best:.4f} short"
    low, high = interval(aucs["xgboost"], protocol.share)
    lines = [
        origin(found, " --published"),
        f"{protocol.said}. Each split is an execution of the pipeline: tuned and trained on its training rows alone.",
        "",
        "| split | test rows | logistic regression | XGBoost, tuned | tuned on the validation rows |",
        "|---|---|---|---|---|",
    ]
    for split in found["splits"]:
        tuned = ", ".join(f"{name} {float(value):.3g}" for name, value in sorted(split["tuned"].items()))
        cells = " | ".join(f"{split['auc'][kind]:.4f}" for kind in KINDS)
        lines.append(f"| {split['number']} | {split['rows']:,} | {cells} | {tuned} |")
    means = " | ".join(f"**{aucs[kind].mean():.4f} ± {aucs[kind].std(ddof=1):.4f}**" for kind in KINDS)
    apart = interval(ahead, protocol.share)
    return [
        *(*lines, f"| mean ± sd | | {means} | |", ""),
        f"- published: {protocol.figures}",
        f"- wanted: {protocol.wanted} of XGBoost; {reached}, interval {low:.4f} to {high:.4f}",
        f"- XGBoost less logistic regression, by split: {ahead.mean():+.4f} ({apart[0]:+.4f} to {apart[1]:+.4f}), "
        f"above in {int((ahead > 0).sum())} of {len(ahead)}",
        f"- intervals: {evaluate.LEVEL} % by Student's t over the splits, widened for the rows that they share "
        "(Nadeau and Bengio, 2003): indicative",
        f"- seen before: {protocol.seen}",
        f"- on AWS: {told.cost(found)}",
    ]


def interval(values: np.ndarray, share: float) -> tuple[float, float]:
    """Of the mean over splits that each test this share of the rows and learn from the rest."""
    count = len(values)
    error = values.std(ddof=1) * np.sqrt(1 / count + share / (1 - share))
    reach = student.ppf(0.5 + evaluate.LEVEL / 200, count - 1) * error
    return float(values.mean() - reach), float(values.mean() + reach)


def summary(found: dict[str, Any]) -> dict[str, Any]:
    """The run in one row: the candidate beside the floor by AUC, what became of it, and what it would cost on AWS."""
    report, gap = found["report"], found["report"]["differences"]["xgboost"]
    passed = report["gate"]["verdict"] == "pass"
    ends = "rejected as a shadow" if passed else "not registered"
    if found["shadow"] and found["shadow"]["promote"]:
        ends = "approved and promoted"
    noise = "within noise of" if gap["interval"][0] <= 0 <= gap["interval"][1] else None
    than = noise or ("better than" if gap["value"] > 0 else "worse than")
    return {
        "dataset": found["dataset"],
        "measure": "AUC",
        "floor": entry(report, "logistic"),
        "model": entry(report, "xgboost"),
        "better": "higher",
        "verdict": f"{ends}, {than} the floor",
        "endpoint": None if found["deleted"] else found["endpoint"],
        "dollars": told.dollars(found),
    }


def entry(report: dict[str, Any], kind: str) -> dict[str, Any]:
    fact = report["models"][kind]["auc"]
    low, high = (round(end, DIGITS) for end in fact["interval"])
    return {"name": told.TITLES[kind], "value": round(fact["value"], DIGITS), "low": low, "high": high}


def summarise(found: dict[str, Any], path: Path) -> None:
    """Leave the summary as a file, whole or not at all."""
    replace(path, json.dumps(summary(found), indent=1) + "\n")
