"""The members' training jobs, all at once: script mode, DeepAR's built-in image, and LightGBM's tuning."""

from __future__ import annotations

import json
from typing import Any

import cloud
import jobs
import serving
from botocore.exceptions import ClientError
from panel import read
from progress import Run, Step, console

MEMBERS = ("snaive", "naive2", "theta", "ces", "ets", "arima", "lightgbm", "prophet")
HALVED = 500  # series from which on ARIMA, the slowest, is two jobs
DEEPAR = {"monthly": "M"}  # the frequencies that DeepAR is trained on: it takes minutes for each
DEEPAR_CHOSEN = {"context_length": "24", "epochs": "12", "num_cells": "40", "num_layers": "2", "mini_batch_size": "64"}
DEEPAR_CHOSEN |= {"learning_rate": "0.002", "likelihood": "student-T", "dropout_rate": "0.1"}
START = "2000-01-01 00:00:00"  # of every history: a common calendar, since periods are only counted
LEVELS = ["0.025", "0.1", "0.5", "0.9", "0.975"]


def planned(this: Run) -> dict[str, dict[str, Any]]:
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
    for label, chosen in planned(this).items():
        mine = chosen | (tuned.get("kept", {}) if label == "lightgbm" else {})
        jobs.train(acc, this.name(label), jobs.script("train.py", source, mine), channels, output)
    try:
        return start_deepar(this, acc)
    except ClientError as error:
        said = error.response["Error"]["Message"]
        if not said.startswith("The image "):
            raise
        console.print(f"DeepAR is left out: {said}", markup=False)  # this cloud lacks it: the others go on without it
        return {}


def start_deepar(this: Run, acc: cloud.Account) -> dict[str, str]:
    """A training job of the built-in image for each group of a frequency in DEEPAR."""
    deep = {}
    for group in read(this.work / "prepared" / "train"):
        frequency = DEEPAR.get(group.name.rpartition("-")[2])
        if frequency and not this.args.no_deepar:
            place = f"{this.prefix}/deepar/{group.name}/train.jsonl"
            lines = [json.dumps({"start": START, "target": y.tolist()}) for y in group.series.values()]
            acc.s3.put_object(Bucket=acc.bucket, Key=place, Body="\n".join(lines).encode())
            chosen = DEEPAR_CHOSEN | {"time_freq": frequency, "prediction_length": str(group.horizon)}
            given = {"train": f"s3://{acc.bucket}/{place.rpartition('/')[0]}/"}
            name = this.name(f"deepar-{group.name}")
            jobs.train(acc, name, chosen, given, this.s3(acc, "models/deepar"), "forecasting-deepar")
            deep[group.name] = name
    return deep


def wait_members(this: Run, acc: cloud.Account) -> None:
    for label in planned(this):
        with Step(label) as step:
            job = cloud.follow(acc, "TrainingJob", this.name(label), step.update)
            step.say(f"OWA of the rolling origins {scored(job):.3f}")


def ask_deepar(this: Run, acc: cloud.Account, deep: dict[str, str]) -> dict[str, dict[str, Any]]:
    """DeepAR's forecasts from the end of the histories, by batch transform."""
    found = {}
    groups = {group.name: group for group in read(this.work / "prepared" / "train")}
    for group, name in deep.items():
        with Step(f"deepar {group}") as step:
            job = cloud.follow(acc, "TrainingJob", name, step.update)
            container = {
                "Image": cloud.image(acc, "forecasting-deepar"),
                "ModelDataUrl": job["ModelArtifacts"]["S3ModelArtifacts"],
            }
            serving.model(acc, name, container | {"Environment": cloud.THREADS})
            lines = [{"start": START, "target": y.tolist()} for y in groups[group].series.values()]
            wish = {"num_samples": 200, "output_types": ["quantiles"], "quantiles": LEVELS}
            serving.transform(acc, name, name, lines, this.prefix, {"DEEPAR_INFERENCE_CONFIG": json.dumps(wish)})
            answers = serving.transformed(acc, name, this.prefix, step.update)
            rows = {level: [answer["quantiles"][level] for answer in answers] for level in LEVELS}
            found[group] = {"quantiles": rows, "seconds": job["BillableTimeInSeconds"]}
            acc.sagemaker.delete_model(ModelName=name)
            step.say(f"trained in {job['BillableTimeInSeconds']} s, {len(lines)} series forecast")
    return found


def tune(this: Run, acc: cloud.Account, source: str) -> dict[str, Any]:
    """LightGBM's hyperparameters, by the OWA of the rolling origins; jobs that fall behind are stopped early.

    The defaults are scored in the same way, and stay if none is better.
    """
    with Step("tune lightgbm") as step:
        name = f"forecast-{this.stamp.replace('-', '')}"  # at most 32 characters
        fixed = jobs.script("train.py", source, {"member": "lightgbm", "only_origins": 1})
        channels, output = {"train": this.s3(acc, "prepared/train/")}, this.s3(acc, "models/tuning")
        jobs.train(acc, this.name("defaults"), fixed, channels, output)
        jobs.tune(acc, name, fixed, channels, output)
        best, states = jobs.tuned(acc, name, step.update)
        before = scored(cloud.follow(acc, "TrainingJob", this.name("defaults"), step.update))
        kept = best["chosen"] if best["value"] < before else {}
        step.say(f"{states}; OWA {before:.4f} with the defaults, {best['value']:.4f} with {best['chosen']}")
        return best | {"before": before, "states": states, "kept": kept}


def scored(job: dict[str, Any]) -> float:
    """The OWA of the origins that a training job printed last."""
    metrics = {each["MetricName"]: each["Value"] for each in job.get("FinalMetricDataList", [])}
    return float(metrics.get("cv:owa", "nan"))
