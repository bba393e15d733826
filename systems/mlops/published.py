"""Repeat the protocol behind published figures through the pipeline: each of its splits is an execution of its own.

Such an execution prepares, tunes, trains and evaluates as any other, but on the people that the protocol says; nothing
is registered. What is tested by a split takes no part in its encoding, its tuning or its training.
"""

from __future__ import annotations

import argparse
from datetime import UTC, datetime
from typing import Any

import cloud
import execution
from progress import console, ended
from protocols import PROTOCOLS
from setting import set_up

DRAWS = 20  # resamples: a protocol is told by its splits' AUCs, and the interval of each is not used


def run(args: argparse.Namespace) -> dict[str, Any]:
    """All splits; return what each has reached."""
    acc, plan = set_up(args)
    count = PROTOCOLS[args.dataset].splits
    splits, executions = [], []
    for number in range(count):
        console.print(f"\nExecution with Split={number} of {count}")
        done = execute(acc, plan.name, number)
        splits.append(reached(acc, done, number))
        executions.append(done)
        aucs = ", ".join(f"{kind} {auc:.4f}" for kind, auc in splits[-1]["auc"].items())
        console.print(f"AUC: {aucs}")
    return {
        "dataset": args.dataset,
        "splits": splits,
        "seconds": execution.billed(acc, executions),
        "instance": args.instance_type,
        "seed": plan.seed,
        "run": done.name,
        "at": f"{datetime.now(UTC):%Y-%m-%d}",
    }


def execute(acc: cloud.Account, name: str, number: int) -> execution.Execution:
    """One split; SystemExit with what failed."""
    with console.status("starting") as status:
        done = execution.run(acc, name, {"Split": str(number), "Draws": str(DRAWS)}, status.update, ended)
    if done.status != "Succeeded":
        failed = ", ".join(f"{step.name}: {step.reason}" for step in done.steps.values() if step.status == "Failed")
        raise SystemExit(f"{done.arn}: {failed}")
    return done


def reached(acc: cloud.Account, done: execution.Execution, number: int) -> dict[str, Any]:
    """What evaluate says of one split."""
    report = execution.report(acc, done.steps["evaluate"])
    return {
        "number": number,
        "rows": report["rows"],
        "auc": {kind: model["auc"]["value"] for kind, model in report["models"].items()},
        "tuned": execution.tuned(done.steps["tune"]),
    }
