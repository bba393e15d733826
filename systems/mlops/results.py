"""Write RESULTS.md: what run.py has reached on each data set, and steps/published.py by the published protocols.

python run.py                                     # then with --dataset telco_churn and bank_marketing, --data FOLDER
python steps/published.py --dataset telco_churn --data FOLDER     # and bank_marketing
python results.py
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "model"), str(HERE / "steps")]
import evaluate  # noqa: E402
import report as told  # noqa: E402
from prepare import SEED, SHARES  # noqa: E402
from published import FIGURES  # noqa: E402
from tables import DATASETS  # noqa: E402

KINDS = ("logistic", "xgboost")


def pipeline(found: dict[str, Any]) -> list[str]:
    """What a run has reached, as lines."""
    report = found["report"]
    kinds = [kind for kind in report["models"] if kind != evaluate.APPROVED]
    shown = report | {"models": {kind: report["models"][kind] for kind in kinds}}
    lines = [
        f"## {found['dataset']}",
        "",
        f"{told.tested(report)}.",
        "",
        "| | " + " | ".join(told.TITLES[kind] for kind in kinds) + " |",
        "|---|" + "---|" * len(kinds),
        *(f"| {metric} | " + " | ".join(told.cells(shown, metric, 4)) + " |" for metric in evaluate.METRICS),
        "",
        f"- beside the floor: {told.gap(report['differences']['xgboost'])}",
    ]
    if against := report.get("against approved"):
        lines.append(f"- beside the approved version: {told.gap(against['xgboost'])}")
    lines.append(f"- gate: {report['gate']['reason']}")
    if shadow := found["shadow"]:
        of = shadow["difference"]["of"].removeprefix("auc ").split(" - ")
        ends = "promoted" if shadow["promote"] else "not promoted"
        lines.append(f"- shadow: {told.compared(shadow, of[1], of[0])}: {ends}")
    tuned = ", ".join(f"{name} {float(value):.4g}" for name, value in sorted(found["tuned"].items()))
    lines += [f"- tuned on the validation people: {tuned}", f"- on AWS: {told.cost(found)}", ""]
    return lines


def published(work: Path) -> list[str]:
    """The protocols behind published figures: means over their splits."""
    lines = ["## Published protocols", "", "| | logistic regression | XGBoost | published |", "|---|---|---|---|"]
    for dataset, figures in FIGURES.items():
        path = work / dataset / "published.json"
        if path.exists():
            aucs = json.loads(path.read_text())
            cells = [f"{np.mean(aucs[kind]):.4f} ± {np.std(aucs[kind]):.4f}" if kind in aucs else "" for kind in KINDS]
            lines.append(f"| {dataset}, AUC, {len(aucs['xgboost'])} splits | {' | '.join(cells)} | {figures} |")
    return [*lines, ""]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", type=Path, default=HERE / "work")
    args = parser.parse_args()
    git = subprocess.run(["git", "rev-parse", "--short", "HEAD"], cwd=HERE, capture_output=True, text=True)
    lines = [
        "# Results",
        "",
        f"Written by `python results.py`: seed {SEED}, {datetime.now(UTC):%Y-%m-%d}, commit {git.stdout.strip()}.",
        f"People: {', '.join(f'{name} {share:.0%}' for name, share in SHARES.items())}. Judged on the test people,",
        f"{evaluate.LEVEL} % intervals of {evaluate.DRAWS} resamples of the people. (The calibration error of a",
        "resample is larger than that of the sample, so its interval lies high.)",
        "",
    ]
    for dataset in DATASETS:
        path = args.work / dataset / "found.json"
        lines += pipeline(json.loads(path.read_text())) if path.exists() else []
    lines += published(args.work)
    (HERE / "RESULTS.md").write_text("\n".join(lines).rstrip() + "\n")


if __name__ == "__main__":
    main()
