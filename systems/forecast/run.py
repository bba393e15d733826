"""Ingest, clean, forecast with every model side by side, combine, judge, register, deploy, and ask.

    python run.py                       # 3,000 simulated series from three sources
    python run.py --data FOLDER         # files that steps/ingest.py has readers for, such as M1, M3 and M4
    python run.py --series 60 --delete  # small, and nothing stays up

It needs AWS credentials that may make roles (or --role), and a region, nothing else.
The endpoint stays up unless --delete is given.
"""

from __future__ import annotations

import argparse
import json
import sys
import tarfile
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
import ingest  # noqa: E402
import pareto  # noqa: E402
import report as told  # noqa: E402
from judge import judge  # noqa: E402
from panel import drawn, read  # noqa: E402
from simulate import simulate  # noqa: E402

MEMBERS = ("snaive", "naive2", "theta", "ces", "ets", "arima", "lightgbm", "prophet")
HALVED = 500  # series from which on ARIMA, the slowest, is two jobs
DEEPAR = {"monthly": "M"}  # the frequencies that DeepAR is trained on: it takes minutes for each
DEEPAR_CHOSEN = {"context_length": "24", "epochs": "12", "num_cells": "40", "num_layers": "2", "mini_batch_size": "64"}
DEEPAR_CHOSEN |= {"learning_rate": "0.002", "likelihood": "student-T", "dropout_rate": "0.1"}
LEVELS = ["0.025", "0.1", "0.5", "0.9", "0.975"]
ASKED = 100  # series of the batch transform
TOLERANCE = 1e-3  # relative, between what is served and what was judged

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
        console.print(f"{mark} {self.name:16} {time.monotonic() - self.begun:6.1f} s  {self.said}")


class Run:
    """Where one run's things lie: in S3 under `prefix`, here under `work`."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args, self.begun = args, time.monotonic()
        self.stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        self.dataset = "competitions" if args.data else "simulated"
        self.work: Path = args.work / self.stamp
        self.prefix = f"forecast/{self.dataset}/{self.stamp}"

    def name(self, what: str) -> str:
        return f"forecast-{what}-{self.stamp}"

    def s3(self, acc: cloud.Account, where: str) -> str:
        return f"s3://{acc.bucket}/{self.prefix}/{where}"


def run(args: argparse.Namespace) -> dict[str, Any]:
    """The whole run; return everything RESULTS.md needs."""
    this = Run(args)
    with Step("account") as step:
        acc = cloud.account(args.instance_type, args.role)
        step.say(f"bucket {acc.bucket}, jobs as {acc.jobs.rpartition('/')[2]}")
    truth = prepare(this, acc)
    source = cloud.upload_source(acc, HERE / "model", f"{this.prefix}/source/sourcedir.tar.gz")
    chosen = tune(this, acc, source) if args.tune else {}
    deep = start_members(this, acc, source, chosen)
    wait_members(this, acc)
    deepar = ask_deepar(this, acc, deep)
    with Step("ensemble") as step:
        channels = {"train": this.s3(acc, "prepared/train/"), "members": this.s3(acc, "models/members/")}
        output = this.s3(acc, "models/ensemble")
        cloud.train(acc, this.name("ensemble"), cloud.script("combine.py", source, {}), channels, output)
        artifact = cloud.trained(acc, this.name("ensemble"), step.update)["ModelArtifacts"]["S3ModelArtifacts"]
        fetch(acc, artifact.rpartition("/")[0], this.work / "ensemble")
        step.say("members and weights chosen on the rolling origins")
    with Step("judge") as step:
        cloud.download(acc, this.s3(acc, "models/members/"), this.work / "models")
        evaluation = judge(this.work / "prepared", this.work / "models", this.work / "ensemble", deepar)
        step.say(told.line(evaluation))
    found = serve(this, acc, artifact, evaluation)
    cleaning = json.loads((this.work / "prepared" / "report" / "cleaning.json").read_text())
    facts = json.loads((this.work / "ensemble" / "ensemble.json").read_text())["members"]
    return found | {
        "dataset": this.dataset,
        "at": this.stamp,
        "seconds": time.monotonic() - this.begun,
        "cleaning": {group: facts["summary"] | {"treated": facts["treated"]} for group, facts in cleaning.items()},
        "quality": told.quality(cleaning, truth) if truth else {},
        "evaluation": evaluation,
        "members": facts,
        "tuned": chosen,
        "deepar": sorted(deepar),
        "instance": args.instance_type,
        "series": args.series,
    }


def prepare(this: Run, acc: cloud.Account) -> dict[str, Any]:
    """Raw files into S3, and a processing job that ingests and cleans them; return the simulator's truth, if any."""
    truth, raw = {}, this.args.data
    with Step("sources") as step:
        if raw is None:
            raw = this.work / "raw"
            truth = simulate(raw, this.args.series, this.args.seed)
        files = ingest.known(raw)
        size = cloud.upload(acc, files, f"{this.prefix}/raw")
        cloud.upload(acc, sorted((HERE / "steps").glob("*.py")), f"{this.prefix}/code")
        step.say(f"{', '.join(path.name for path in files)}: {size / 1e6:.1f} MB")
    with Step("ingest, clean") as step:
        inputs = {"raw": this.s3(acc, "raw/"), "code": this.s3(acc, "code/")}
        cloud.process(acc, this.name("prepare"), "prepare.py", inputs, this.s3(acc, "prepared"))
        cloud.processed(acc, this.name("prepare"), step.update)
        cloud.download(acc, this.s3(acc, "prepared/"), this.work / "prepared")
        groups = read(this.work / "prepared" / "train")
        step.say(", ".join(f"{group.name} {len(group.series):,}" for group in groups) + " series")
    return truth


def jobs(this: Run) -> dict[str, dict[str, Any]]:
    """Name of a member's job and its hyperparameters."""
    count = sum(len(group.series) for group in read(this.work / "prepared" / "train"))
    found: dict[str, dict[str, Any]] = {}
    for member in MEMBERS:
        parts = 2 if member == "arima" and count > HALVED else 1
        for part in range(parts):
            label = f"{member}-{part + 1}" if parts > 1 else member
            found[label] = {"member": member, "part": part, "parts": parts}
    found["prophet"]["sample"] = this.args.prophet
    return found


def start_members(this: Run, acc: cloud.Account, source: str, tuned: dict[str, Any]) -> dict[str, str]:
    """A training job for each member, all at once, DeepAR among them; return DeepAR's, by group."""
    channels = {"train": this.s3(acc, "prepared/train/")}
    output = this.s3(acc, "models/members")
    for label, chosen in jobs(this).items():
        mine = chosen | (tuned if label == "lightgbm" else {})
        cloud.train(acc, this.name(label), cloud.script("train.py", source, mine), channels, output)
    deep = {}
    for group in read(this.work / "prepared" / "train"):
        frequency = DEEPAR.get(group.name.rpartition("-")[2])
        if frequency and not this.args.no_deepar:
            place = f"{this.prefix}/deepar/{group.name}/train.jsonl"
            lines = [json.dumps({"start": "2000-01-01 00:00:00", "target": y.tolist()}) for y in group.series.values()]
            acc.s3.put_object(Bucket=acc.bucket, Key=place, Body="\n".join(lines).encode())
            chosen = DEEPAR_CHOSEN | {"time_freq": frequency, "prediction_length": str(group.horizon)}
            given = {"train": f"s3://{acc.bucket}/{place.rpartition('/')[0]}/"}
            name = this.name(f"deepar-{group.name}")
            cloud.train(acc, name, chosen, given, this.s3(acc, "models/deepar"), "forecasting-deepar")
            deep[group.name] = name
    return deep


def wait_members(this: Run, acc: cloud.Account) -> None:
    for label in jobs(this):
        with Step(label) as step:
            job = cloud.trained(acc, this.name(label), step.update)
            metrics = {each["MetricName"]: each["Value"] for each in job.get("FinalMetricDataList", [])}
            step.say(f"OWA of the rolling origins {metrics.get('cv:owa', float('nan')):.3f}")


def ask_deepar(this: Run, acc: cloud.Account, deep: dict[str, str]) -> dict[str, dict[str, Any]]:
    """DeepAR's forecasts from the end of the histories, by batch transform."""
    found = {}
    groups = {group.name: group for group in read(this.work / "prepared" / "train")}
    for group, name in deep.items():
        with Step(f"deepar {group}") as step:
            job = cloud.trained(acc, name, step.update)
            container = {"Image": cloud.image(acc, "forecasting-deepar"), "ModelDataUrl": job["ModelArtifacts"]["S3ModelArtifacts"]}
            cloud.model(acc, name, container | {"Environment": cloud.THREADS})
            lines = [{"start": "2000-01-01 00:00:00", "target": y.tolist()} for y in groups[group].series.values()]
            wish = {"num_samples": 200, "output_types": ["quantiles"], "quantiles": LEVELS}
            cloud.transform(acc, name, name, lines, this.prefix, {"DEEPAR_INFERENCE_CONFIG": json.dumps(wish)})
            answers = cloud.transformed(acc, name, this.prefix, step.update)
            rows = {level: [answer["quantiles"][level] for answer in answers] for level in LEVELS}
            found[group] = {"quantiles": rows, "seconds": job["BillableTimeInSeconds"]}
            acc.sagemaker.delete_model(ModelName=name)
            step.say(f"trained in {job['BillableTimeInSeconds']} s, {len(lines)} series forecast")
    return found


def tune(this: Run, acc: cloud.Account, source: str) -> dict[str, Any]:
    """LightGBM's hyperparameters, by the OWA of the rolling origins; jobs that fall behind are stopped early."""
    with Step("tune lightgbm") as step:
        name = f"forecast-{this.stamp.replace('-', '')}"  # at most 32 characters
        fixed = cloud.script("train.py", source, {"member": "lightgbm", "only_origins": 1})
        channels = {"train": this.s3(acc, "prepared/train/")}
        cloud.tune(acc, name, fixed, channels, this.s3(acc, "models/tuning"))
        best, states = cloud.tuned(acc, name, step.update)
        step.say(f"{states}; best OWA {best['value']:.4f} with {best['chosen']}")
        return dict(best["chosen"])


def fetch(acc: cloud.Account, uri: str, folder: Path) -> None:
    """An artefact, unpacked."""
    cloud.download(acc, uri, folder)
    with tarfile.open(folder / "model.tar.gz") as archive:
        archive.extractall(folder, filter="data")


def serve(this: Run, acc: cloud.Account, artifact: str, evaluation: dict[str, Any]) -> dict[str, Any]:
    """Register, approve when the floor is beaten everywhere, deploy, ask, and transform a batch."""
    with Step("register") as step:
        acc.s3.put_object(
            Bucket=acc.bucket, Key=f"{this.prefix}/evaluation.json", Body=json.dumps(evaluation).encode()
        )
        package = cloud.register(acc, artifact, this.s3(acc, "evaluation.json"), told.line(evaluation))
        worse = [g for g, r in evaluation.items() if r["models"]["ensemble"]["owa"]["value"] >= r["models"]["snaive"]["owa"]["value"]]
        if worse:
            raise SystemExit(f"{package} is not approved: no better than the seasonal naive forecast on {', '.join(worse)}")
        cloud.approve(acc, package, told.line(evaluation))
        step.say(package)
    name = this.name("ensemble")
    with Step("endpoint") as step:
        cloud.model(acc, name, {"ModelPackageName": package})
        cloud.deploy(acc, name, step.update)
        step.say(name)
    with Step("ask") as step:
        lines, expected = questions(this)
        answer = cloud.ask(acc, name, lines[0])
        compare([answer], expected[:1])
        step.say(f"{lines[0]['id']}: " + ", ".join(f"{value:.4g}" for value in answer["value"][:6]) + " …")
    with Step("batch transform") as step:
        cloud.transform(acc, this.name("batch"), name, lines, this.prefix, {})
        compare(cloud.transformed(acc, this.name("batch"), this.prefix, step.update), expected)
        step.say(f"{len(lines)} series, the same as judged")
    if this.args.delete:
        with Step("delete"):
            cloud.delete(acc, name)
    return {"package": package, "endpoint": name, "deleted": this.args.delete, "answer": answer, "asked": lines[0]["id"]}


def questions(this: Run) -> tuple[list[dict[str, Any]], list[np.ndarray]]:
    """Some series of every group, and what was judged for them."""
    import pandas as pd

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


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a folder of real sources; default: simulated ones")
    parser.add_argument("--series", type=int, default=3000, help="how many are simulated")
    parser.add_argument("--seed", type=int, default=7, help="of the simulation")
    parser.add_argument("--prophet", type=int, default=10, help="series of each group that Prophet is tried on; 0: all")
    parser.add_argument("--no-deepar", action="store_true", help="leave out DeepAR")
    parser.add_argument("--tune", action="store_true", help="first tune LightGBM, with early stopping")
    parser.add_argument("--work", type=Path, default=HERE / "work", help="where prepared data and models go")
    parser.add_argument("--role", help="one execution role for everything; default: three roles are made")
    parser.add_argument("--instance-type", default="ml.m5.large")
    parser.add_argument("--delete", action="store_true", help="delete the endpoint at the end")
    parser.add_argument("--results", action="store_true", help="write RESULTS.md and the plots")
    args = parser.parse_args()
    if args.data and not ingest.known(args.data):
        parser.error(f"{args.data} has none of {', '.join(ingest.READERS)}")
    return args


def main() -> None:
    args = arguments()
    try:
        found = run(args)
    except (BotoCoreError, ClientError) as error:
        raise SystemExit(f"AWS refused: {error}") from None
    told.show(found, console)
    picture = pareto.picture(found["evaluation"])
    (args.work / f"pareto-{found['dataset']}.svg").write_text(picture)
    if args.results:
        (HERE / f"pareto-{found['dataset']}.svg").write_text(picture)
        told.write(found, HERE)


if __name__ == "__main__":
    main()
