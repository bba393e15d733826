"""Prepare, train two models, judge them on people neither has seen, deploy the better one, and ask it.

    python run.py                                     # the RAND Health Insurance Experiment
    python run.py --dataset telco_churn --data FOLDER # the same code on other data
    python run.py --ask ENDPOINT --set disea=40       # ask a deployed endpoint about one more person

It needs AWS credentials that may make roles (or --role), and a region, nothing else.
The endpoint stays up unless --delete is given.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "model"), str(HERE / "steps"), str(HERE / "data")]
import cloud  # noqa: E402
import evaluate  # noqa: E402
import features  # noqa: E402
import report as told  # noqa: E402
from fetch import fetch  # noqa: E402
from prepare import prepare  # noqa: E402
from tables import DATASETS  # noqa: E402

KINDS = ("logistic", "xgboost")  # the simpler first: within noise it is preferred
TOLERANCE = 1e-4  # between the endpoint's answer and the artefact's own

console = Console(highlight=False)


class Step:
    """One line of progress: what is being done, then what came out and how long it took."""

    def __init__(self, name: str) -> None:
        self.name, self.said = name, ""

    def __enter__(self) -> Step:
        self.begun = time.monotonic()
        self.status = console.status(self.name)
        self.status.__enter__()
        return self

    def update(self, text: str) -> None:
        self.status.update(f"{self.name}: {text}")

    def say(self, text: str) -> None:
        self.said = text

    def __exit__(self, kind: Any, error: Any, trace: Any) -> None:
        self.status.__exit__(kind, error, trace)
        mark = "[green]done[/]" if kind is None else "[red]failed[/]"
        console.print(f"{mark} {self.name:22} {time.monotonic() - self.begun:6.1f} s  {self.said}")


def run(args: argparse.Namespace) -> dict[str, Any]:
    """The whole run; return everything RESULTS.md needs."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    work = args.work / args.dataset
    with Step("prepare") as step:
        if args.dataset == "randhie" and args.data == HERE / "data":
            fetch(args.data / "randhie.csv")
        facts = prepare(args.dataset, args.data, work)
        step.say(", ".join(f"{part} {f['people']:,} people ({f['rows']:,} rows)" for part, f in facts.items()))
    with Step("account") as step:
        acc = cloud.account(args.role)
        step.say(f"jobs as {acc.jobs}, the endpoint as {acc.endpoint}, bucket {acc.bucket}")
    with Step("upload") as step:
        prefix = f"mlops/{args.dataset}/{stamp}"
        size = cloud.upload(acc, work, prefix)
        source = cloud.upload_source(acc, HERE / "model", f"{prefix}/source/sourcedir.tar.gz")
        step.say(f"{size / 1e6:.1f} MB to s3://{acc.bucket}/{prefix}/")
    jobs = train(args, acc, stamp, f"s3://{acc.bucket}/{prefix}", source)
    artifacts = {kind: work / "models" / stamp / f"{kind}.tar.gz" for kind in KINDS}
    with Step("evaluate") as step:
        for kind, job in jobs.items():
            cloud.download(acc, job.model_artifacts.s3_model_artifacts, artifacts[kind])
        report = judge(work / "test", artifacts)
        step.say(report["difference"]["verdict"])
    better = report["difference"]["prefer"]
    endpoint = f"mlops-{args.dataset.replace('_', '-')}-{stamp}"
    with Step(f"deploy {better}") as step:
        uri = jobs[better].model_artifacts.s3_model_artifacts
        created = cloud.deploy(acc, better, endpoint, uri, args.instance_type)
        cloud.follow(created, lambda: created.endpoint_status, "InService", step.update)
        step.say(endpoint)
    with Step("predict") as step:
        sample = json.loads((work / "sample.json").read_text())
        answer = question(acc, endpoint, work, sample, artifacts[better])
        step.say("one test person, through the endpoint")
    if args.delete:
        with Step("delete"):
            cloud.delete(acc, endpoint)
    seconds = {kind: job.billable_time_in_seconds for kind, job in jobs.items()}
    return {
        "dataset": args.dataset,
        "facts": facts,
        "report": report,
        "endpoint": endpoint,
        "sample": sample,
        "answer": answer,
        "seconds": seconds,
        "instance": args.instance_type,
        "deleted": args.delete,
        "at": stamp,
    }


def train(args: argparse.Namespace, acc: cloud.Account, stamp: str, data: str, source: str) -> dict[str, Any]:
    """Start both training jobs side by side, then wait for each."""
    chosen = json.loads((HERE / "model" / "hyperparameters.json").read_text())[args.dataset]
    chosen["logistic"] = cloud.script_mode("train.py", source, chosen["logistic"])
    label = args.dataset.replace("_", "-")
    jobs = {
        kind: cloud.train(acc, kind, f"mlops-{label}-{kind}-{stamp}", chosen[kind], data, args.instance_type)
        for kind in KINDS
    }
    for kind, job in jobs.items():
        with Step(f"train {kind}") as step:
            secondary = lambda job=job: f"{job.training_job_status}, {job.secondary_status}"  # noqa: E731
            say = lambda _, step=step, told=secondary: step.update(told())  # noqa: E731
            cloud.follow(job, lambda job=job: job.training_job_status, "Completed", say)
            job.refresh()
            metrics = {metric.metric_name: metric.value for metric in job.final_metric_data_list or []}
            step.say(f"{job.training_job_name}, validation AUC {metrics.get('validation:auc', float('nan')):.4f}")
    return jobs


def judge(test: Path, artifacts: dict[str, Path]) -> dict[str, Any]:
    """Score the downloaded artefacts on the test people."""
    table = np.loadtxt(test / "test.csv", delimiter=",", ndmin=2)
    people = np.loadtxt(test / "people.csv", dtype=int)
    predicted = {kind: evaluate.scores(path, table[:, 1:]) for kind, path in artifacts.items()}
    return evaluate.evaluate(table[:, 0], people, predicted)


def question(acc: cloud.Account, endpoint: str, work: Path, raw: dict[str, Any], artifact: Path) -> float:
    """Ask the endpoint about one raw row, and hold its answer against the artefact's own."""
    line = features.row(raw, json.loads((work / "schema.json").read_text()))
    answer = cloud.ask(acc, endpoint, line)
    own = float(evaluate.scores(artifact, np.array([line.split(",")], dtype=float))[0])
    if abs(answer - own) > TOLERANCE:
        raise SystemExit(f"The endpoint answered {answer:.6f}, but its model says {own:.6f}: it serves another model.")
    return answer


def ask(args: argparse.Namespace) -> None:
    """Ask a deployed endpoint about the sample person, with some values changed."""
    work = args.work / args.dataset
    if not (work / "schema.json").exists():
        raise SystemExit(f"{work}/schema.json is missing: run `python run.py` first, it writes the encoding there.")
    raw = json.loads((work / "sample.json").read_text())
    for given in args.set:
        name, _, value = given.partition("=")
        if name not in raw:
            raise SystemExit(f"{name} is not a column; there are {', '.join(raw)}")
        raw[name] = value if isinstance(raw[name], str) else float(value)
    line = features.row(raw, json.loads((work / "schema.json").read_text()))
    answer = cloud.ask(cloud.account(args.role), args.ask, line)
    console.print(f"{json.dumps(raw)}\n-> probability {answer:.4f}")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", choices=DATASETS, default="randhie")
    parser.add_argument("--data", type=Path, default=HERE / "data", help="the folder of the raw files")
    parser.add_argument("--work", type=Path, default=HERE / "work", help="where prepared data and models go")
    parser.add_argument("--role", help="one execution role for everything; default: three roles are made")
    parser.add_argument("--instance-type", default="ml.m5.large")
    parser.add_argument("--delete", action="store_true", help="delete the endpoint at the end")
    parser.add_argument("--results", action="store_true", help="write RESULTS.md")
    parser.add_argument("--ask", metavar="ENDPOINT", help="ask a deployed endpoint instead of running")
    parser.add_argument("--set", action="append", default=[], metavar="COLUMN=VALUE")
    args = parser.parse_args()
    wanted = args.data / DATASETS[args.dataset].file
    if not wanted.exists() and args.data != HERE / "data":
        there = [name for name, dataset in DATASETS.items() if (args.data / dataset.file).exists()]
        advice = f"use --dataset {' or '.join(there)}" if there else "name another folder with --data"
        parser.error(f"{wanted} is missing; {advice}")
    if not wanted.exists() and args.dataset != "randhie":
        parser.error(f"{wanted} is missing: name its folder with --data")
    return args


def main() -> None:
    args = arguments()
    try:
        if args.ask:
            return ask(args)
        found = run(args)
    except (BotoCoreError, ClientError) as error:
        raise SystemExit(f"AWS refused: {error}") from None
    told.show(found, console)
    if args.results:
        (HERE / "RESULTS.md").write_text(told.results(found, HERE))


if __name__ == "__main__":
    main()
