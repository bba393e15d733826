"""What crossvalidate.py and judge.py wrote, as the part of RESULTS.md on sets with published results.

python steps/published.py                    # from work/published
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))
from parts import put, value  # noqa: E402

TARGETS = {  # set and protocol: what was to be reached
    ("banking", "cross-validation"): 0.92,
    ("few", "ten a class"): 0.85,
    ("spam", "cross-validation"): 0.985,
    ("spam", "first 30 %"): 0.985,
}
NAMES = {"banking": "Banking77, full", "few": "Banking77, ten examples a class", "spam": "SMS spam"}
REASONS = {  # why a figure is not reached, where it is not
    "few": "three settings were compared, on texts that turned out easier than these (README.md), and two encoders "
    "are averaged; more of either was not tried",
}
FOLDS = 5
KINDS = ("floor", "encoder", "both")


def reached(name: str, row: dict[str, Any]) -> list[str]:
    """Which of encoder and mean of both reach what is wanted of a set, by a protocol."""
    return [kind for kind in KINDS[1:] if row[kind]["accuracy"] >= TARGETS[name, row["protocol"]]]


def table(told: list[dict[str, Any]]) -> list[str]:
    """A row a set and protocol, then with what each was judged."""
    columns = ("set, protocol", "test texts", "floor", "encoder", "mean of both", "wanted", "")
    lines = [f"| {' | '.join(columns)} |", "|---|" + "---|" * 6]
    for each in told:
        name = each["settings"]["set"]
        for row in each["folds"]:
            cells = " | ".join(value(row[kind], 4) for kind in KINDS)
            folds = f", {row['folds']} of {FOLDS} folds" if row["protocol"] == "cross-validation" else ""
            title = f"{NAMES[name]}, {row['protocol']}{folds}"
            verdict = {2: "reached", 1: "reached by one", 0: "not reached"}[len(reached(name, row))]
            lines.append(f"| {title} | {row['test']:,} | {cells} | {TARGETS[name, row['protocol']]} | {verdict} |")
    return [*lines, "", *(setting(each) for each in told)]


def setting(told: dict[str, Any]) -> str:
    """With what a set was judged."""
    choices, settings = told["settings"]["choices"], told["settings"]
    chosen = f"{choices['epochs']} epochs, {choices['frozen']} of 6 layers frozen, rate {choices['rate']}"
    if (decay := choices.get("decay", 1)) != 1:
        chosen += f" times {decay} a layer down"
    if (seeds := settings.get("seeds", 1)) > 1:
        chosen += f", mean of {seeds} encoders"
    missed = any(not reached(settings["set"], row) for row in told["folds"])
    why = f" Not reached: {REASONS.get(settings['set'], 'no reason is known')}." if missed else ""
    return (
        f"- {NAMES[settings['set']]} (`--set {settings['set']}`): {chosen}, batch {choices['batch']}, seed "
        f"{settings['seed']}, {told['at']} UTC, commit {told.get('commit', 'unknown')}.{why}"
    )


def lines(folder: Path) -> list[str]:
    """The part, of the files that are there."""
    found = [json.loads(path.read_text()) for name in NAMES if (path := folder / f"{name}.json").exists()]
    made = ["By `python steps/crossvalidate.py --data FOLDER --set SET`, written here by `python steps/published.py`."]
    made += ["Accuracy; intervals: 95 %, 1,000 resamples of the test texts. Settings: README.md.", "", *table(found)]
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, default=HERE.parent / "work" / "published", help="where they wrote")
    args = parser.parse_args()
    put(HERE.parent, "published", lines(args.out))


if __name__ == "__main__":
    main()
