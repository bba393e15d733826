"""From the artefact to answers: registered, approved, deployed, asked, and held against what was judged."""

from __future__ import annotations

import json
from typing import Any

import cloud
import numpy as np
import pandas as pd
import report
import serving
from panel import drawn, read
from progress import Run, Step

ASKED = 100  # series of the batch transform
TOLERANCE = 1e-3  # relative, between what is served and what was judged


def registered(this: Run, acc: cloud.Account, artifact: str, evaluation: dict[str, Any]) -> str:
    """A version, approved when it beats the seasonal naive forecast in every group; SystemExit when it does not."""
    with Step("register") as step:
        acc.s3.put_object(Bucket=acc.bucket, Key=f"{this.prefix}/evaluation.json", Body=json.dumps(evaluation).encode())
        package = serving.register(acc, artifact, this.s3(acc, "evaluation.json"), report.line(evaluation))
        owas = {group: {n: m["owa"]["value"] for n, m in told["models"].items()} for group, told in evaluation.items()}
        worse = [group for group, owa in owas.items() if owa["ensemble"] >= owa["snaive"]]
        if worse:
            raise SystemExit(f"{package} is not approved: no better than the seasonal naive one on {', '.join(worse)}")
        serving.approve(acc, package, report.line(evaluation))
        step.say(package)
    return package


def serve(this: Run, acc: cloud.Account, package: str) -> dict[str, Any]:
    """Deploy the approved version, ask it, and transform a batch."""
    name = this.name("ensemble")
    with Step("endpoint") as step:
        serving.model(acc, name, {"ModelPackageName": package})
        serving.deploy(acc, name, step.update)
        step.say(f"{serving.ENDPOINT} serves {name}")
    with Step("ask") as step:
        lines, expected = questions(this)
        answer = serving.ask(acc, lines[0])
        compare([answer], expected[:1])
        step.say(f"{lines[0]['id']}: " + ", ".join(f"{value:.4g}" for value in answer["value"][:6]) + " …")
    with Step("batch transform") as step:
        serving.transform(acc, this.name("batch"), name, lines, this.prefix, {})
        compare(serving.transformed(acc, this.name("batch"), this.prefix, step.update), expected)
        step.say(f"{len(lines)} series, the same as judged")
    if this.args.delete:
        with Step("delete"):
            serving.delete(acc, name)
    return {"package": package, "endpoint": serving.ENDPOINT, "deleted": this.args.delete}


def questions(this: Run) -> tuple[list[dict[str, Any]], list[np.ndarray]]:
    """Some series of every group, and what was judged for them."""
    judged = pd.read_parquet(this.work / "ensemble" / "forecasts.parquet")
    groups = read(this.work / "prepared" / "train")
    lines, expected = [], []
    for group in groups:
        rows = dict(iter(judged[judged["group"] == group.name].groupby("series")["value"]))
        for name in drawn(list(group.series), max(ASKED // len(groups), 1)):
            lines.append({"group": group.name, "id": name, "y": group.series[name].tolist()})
            expected.append(rows[name].to_numpy())
    return lines, expected


def compare(answers: list[dict[str, Any]], expected: list[np.ndarray]) -> None:
    """SystemExit when something else is served than was judged."""
    if len(answers) != len(expected):
        raise SystemExit(f"{len(expected)} series were asked, {len(answers)} answers came")
    for answer, wanted in zip(answers, expected, strict=True):
        apart = np.abs(np.array(answer["value"]) - wanted).max() / max(np.abs(wanted).max(), 1e-9)
        if apart > TOLERANCE:
            raise SystemExit(f"{answer['id']} is served {apart:.2%} away from what was judged: it is another model")
