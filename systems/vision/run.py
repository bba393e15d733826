"""Prepare pictures, search, train three networks, join them, judge a thousand pictures, register, deploy, and ask.

    python run.py                               # a simulated factory of six products
    python run.py --data FOLDER                 # real pictures: FOLDER/<class>/*.jpg, half of each class is the test
    python run.py --ask ENDPOINT --picture FILE # ask a deployed endpoint about one more picture
    python run.py --results                     # also writes the run's part of RESULTS.md

It needs AWS credentials that may make roles (or --role), and a region, nothing else.
The endpoint stays up unless --delete is given.
"""

from __future__ import annotations

import argparse
import io
import json
import sys
import tarfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / part) for part in ("", "model", "data", "steps")]
import cloud  # noqa: E402
import jobs  # noqa: E402
import judge  # noqa: E402
import options  # noqa: E402
import report as told  # noqa: E402
import results  # noqa: E402
import summary  # noqa: E402
from members import MEMBERS, settings  # noqa: E402
from pictures import line, png  # noqa: E402
from progress import Step, console  # noqa: E402
from synthetic import CLASSES, dataset  # noqa: E402

SAME = {"weights": "scratch", "augment": "none", "epochs": 3, "rate": 0.001, "seed": 7}  # on one instance, and on two
REFUSED = (BotoCoreError, Boto3Error, ClientError)
TOLERANCE = 1e-3  # deviations, between the anomaly scores of the endpoint and of the batch transform


class Run:
    """One run: its names, its place in S3, what it found."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args, self.stamp = args, datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        self.acc = cloud.account(f"vision/{self.stamp}", args.instance_type, args.role)
        self.folder = args.work / self.stamp
        self.found: dict[str, Any] = {"at": self.stamp, "instance": args.instance_type, "seconds": {}}
        self.found |= {"commit": results.commit(), "name": self.name("ensemble"), "steps": Step.spent}
        self.found |= {"data": args.data.resolve().name if args.data else "simulated", "options": args.changed}

    def name(self, of: str) -> str:
        return f"vision-{of}-{self.stamp}"

    def training(self, of: str, step: Step) -> dict[str, Any]:
        """Wait for a training job; its billed seconds are kept."""
        sagemaker, name = self.acc.sagemaker, self.name(of)
        ask = lambda: sagemaker.describe_training_job(TrainingJobName=name)  # noqa: E731
        done = cloud.follow(ask, "TrainingJobStatus", step.update)
        self.found["seconds"][of] = done["BillableTimeInSeconds"] * done["ResourceConfig"]["InstanceCount"]
        return done

    def facts(self, done: dict[str, Any], file: str) -> dict[str, Any]:
        """A JSON file of a job's model.tar.gz."""
        uri = done["ModelArtifacts"]["S3ModelArtifacts"]
        archive = cloud.download(self.acc, uri, self.folder / f"{done['TrainingJobName']}.tar.gz")
        with tarfile.open(archive) as tar:
            member = next(one for one in tar if one.name.lstrip("./") == file)
            return json.load(tar.extractfile(member) or io.BytesIO(b"{}"))

    def prepare(self) -> None:
        raw = self.args.raw
        with Step("upload") as step:
            code = [path for folder in ("data", "steps") for path in (HERE / folder).glob("*.py")]
            code.append(HERE / "model" / "grey.py")
            size = cloud.upload(self.acc, [(path, f"code/{path.relative_to(HERE)}") for path in code] + raw)
            self.source = cloud.upload_source(self.acc, HERE / "model")
            step.say(f"{size / 1e6:.2f} MB to {self.acc.uri()}, jobs as {self.acc.jobs}")
        with Step("prepare") as step:
            options = [] if raw else ["--each", str(self.args.each), "--test", str(self.args.test)]
            name = self.name("prepare")
            jobs.prepare(self.acc, name, bool(raw), options)
            ask = lambda: self.acc.sagemaker.describe_processing_job(ProcessingJobName=name)  # noqa: E731
            cloud.follow(ask, "ProcessingJobStatus", step.update)
            self.parts = {part: self.fetched(part) for part in ("train", "validation", "test")}
            self.classes = self.parts["train"][2]
            step.say(", ".join(f"{part} {len(of[1])} pictures" for part, of in self.parts.items()))

    def fetched(self, part: str) -> tuple[np.ndarray, np.ndarray, list[str]]:
        uri = self.acc.uri("prepared", part, "pictures.npz")
        with np.load(cloud.download(self.acc, uri, self.folder / f"{part}.npz")) as kept:
            return kept["images"], kept["labels"], [str(name) for name in kept["classes"]]

    def tune(self) -> float:
        """The learning rate that did best on validation pictures."""
        with Step("tune") as step:
            chosen = {"weights": "backbone", "epochs": self.args.tune_epochs, "seed": 3}
            name = self.name("tune")
            jobs.tune(self.acc, name, self.source, chosen, self.args.trials)
            asked = {"HyperParameterTuningJobName": name}
            ask = lambda: self.acc.sagemaker.describe_hyper_parameter_tuning_job(**asked)  # noqa: E731
            done = cloud.follow(ask, "HyperParameterTuningJobStatus", step.update)
            listed = self.acc.sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(**asked)
            tried = [one for one in listed["TrainingJobSummaries"] if "TrainingEndTime" in one]
            spent = [(one["TrainingEndTime"] - one["TrainingStartTime"]).total_seconds() for one in tried]
            self.found["seconds"]["search"] = round(sum(spent))
            best = done["BestTrainingJob"]
            rate = float(json.loads(best["TunedHyperParameters"]["rate"].strip('"')))
            reached = best["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
            self.found["tuning"] = {"trials": self.args.trials, "rate": rate, "validation accuracy": reached}
            step.say(f"{self.args.trials} training jobs: rate {rate:.2g}, validation accuracy {reached:.3f}")
        return rate

    def train(self, rate: float) -> None:
        """The three members, side by side, then the two jobs that differ in their instances alone."""
        for of, (chosen, instances) in MEMBERS.items():
            how = chosen | settings(chosen["weights"], self.args.epochs, rate=rate)
            jobs.train(self.acc, self.name(of), self.source, how, instances=instances)
        for of, (_, instances) in MEMBERS.items():
            with Step(f"train {of}") as step:
                done = self.training(of, step)
                metrics = {one["MetricName"]: one["Value"] for one in done["FinalMetricDataList"]}
                step.say(f"{instances} instance(s), validation accuracy {metrics['validation:accuracy']:.3f}")
        with Step("one or two instances") as step:
            for of, instances in {"alone": 1, "both": 2}.items():
                jobs.train(self.acc, self.name(of), self.source, SAME, to="trials", instances=instances)
            alone, both = (self.facts(self.training(of, step), "facts.json") for of in ("alone", "both"))
            self.found["distributed"] = {"alone": alone, "both": both}
            curves = [" ".join(f"{loss:.3f}" for loss, _ in facts["curve"]) for facts in (alone, both)]
            step.say(f"loss {curves[0]} on one, {curves[1]} on two")

    def package(self) -> str:
        with Step("join, calibrate, int8") as step:
            how = {"program": "package.py", "to": "models", "inputs": {"members": "members"}}
            jobs.train(self.acc, self.name("ensemble"), self.source, {}, **how)
            done = self.training("ensemble", step)
            self.found["settings"] = self.facts(done, "settings.json")
            of = self.found["settings"]["parity"]
            said = f"int8 decides as PyTorch in {of['int8: same decision']:.1%}, {of['fp32: ms']:.1f} -> "
            step.say(f"{said}{of['int8: ms']:.1f} ms a picture, {self.found['settings']['precision']} is served")
        return str(done["ModelArtifacts"]["S3ModelArtifacts"])

    def register(self, artifact: str) -> None:
        with Step("register") as step:
            parity = self.found["settings"]["parity"]
            self.found["package"] = package = cloud.register(self.acc, artifact, parity)
            cloud.approve(self.acc, package, self.found["name"])
            step.say(f"{package.split(':', 5)[-1]}, approved")

    def transform(self) -> dict[str, dict[str, Any]]:
        """Ask about every test picture, and as many simulated ones as make a thousand; answers by id."""
        images = self.parts["test"][0]
        lines = [line(f"test-{i}", image) for i, image in enumerate(images)]
        if lacking := [CLASSES[i % len(CLASSES)] for i in range(self.args.turned - len(images))]:
            lines += [line(f"fill-{i}", image) for i, image in enumerate(dataset(lacking, 999)["images"])]
        with Step("batch transform") as step:
            for part in range(8):
                body = "\n".join(lines[part::8]).encode()
                key = f"{self.acc.prefix}/asked/part-{part}.jsonl"
                self.acc.s3.put_object(Bucket=self.acc.bucket, Key=key, Body=body)
            name, begun = self.name("transform"), time.monotonic()
            jobs.transform(self.acc, name, self.found["name"], 2)
            ask = lambda: self.acc.sagemaker.describe_transform_job(TransformJobName=name)  # noqa: E731
            cloud.follow(ask, "TransformJobStatus", step.update)
            found = {answer["id"]: answer for answer in cloud.answers(self.acc)}
            if len(found) != len(lines):
                raise SystemExit(f"{len(lines)} pictures were asked about, {len(found)} answered")
            self.found["transform"] = {"pictures": len(lines), "seconds": time.monotonic() - begun}
            step.say(f"{len(lines)} pictures on two instances")
        return found

    def deploy(self, answered: dict[str, dict[str, Any]]) -> None:
        name = self.found["name"]
        with Step("deploy") as step:
            cloud.deploy(self.acc, name)
            ask = lambda: self.acc.sagemaker.describe_endpoint(EndpointName=name)  # noqa: E731
            cloud.follow(ask, "EndpointStatus", step.update)
            step.say(name)
        with Step("ask") as step:
            answer, known = cloud.ask(self.acc, name, png(self.parts["test"][0][0]), "image/png"), answered["test-0"]
            if answer["label"] != known["label"] or abs(answer["anomaly"] - known["anomaly"]) > TOLERANCE:
                raise SystemExit(
                    f"The endpoint answered {answer}, the batch transform {known}: it serves another model."
                )
            self.found["answer"] = answer
            step.say(json.dumps(answer))
        self.found["deleted"] = self.args.delete
        if self.args.delete:
            with Step("delete"):
                cloud.delete(self.acc, name)

    def everything(self) -> dict[str, Any]:
        """What a run finds; what a failure or Ctrl-C leaves is stopped, or said."""
        begun = time.monotonic()
        try:
            self.prepare()
            self.train(self.tune())
            self.register(self.package())
            answered = self.transform()
            self.judge(answered)
            self.deploy(answered)
        except BaseException:
            self.tidy()
            raise
        return self.found | {"took": time.monotonic() - begun}

    def judge(self, answered: dict[str, dict[str, Any]]) -> None:
        with Step("judge") as step:
            self.found |= judge.everything(self.parts, self.classes, answered, self.found["settings"])
            served = self.found["models"][summary.SERVED[self.found["settings"]["precision"]]]
            step.say(f"accuracy {served['accuracy']:.4f} of {served['of']} pictures never trained on")

    def tidy(self) -> None:
        """After a failure: stop jobs, delete the endpoint if that was asked for, say what is left."""
        name = self.found["name"]
        try:
            stopped = jobs.stop(self.acc, self.name)
            if self.args.delete:
                cloud.delete(self.acc, name)
            up = cloud.is_up(self.acc, name) and not self.args.delete
        except REFUSED as error:
            return console.print(f"Jobs and endpoint of {self.stamp} could not be cleared: {error}", soft_wrap=True)
        gone = f"aws sagemaker delete-endpoint --endpoint-name {name}"
        left = f"endpoint {name} (to remove it: {gone}) and objects" if up else "objects"
        console.print(
            f"Stopped: {', '.join(stopped) or 'nothing ran'}. Left: {left} in {self.acc.uri()}", soft_wrap=True
        )


def ask(args: argparse.Namespace) -> None:
    """Ask a deployed endpoint about a picture file."""
    kind = "image/png" if args.picture.suffix.lower() == ".png" else "image/jpeg"
    acc = cloud.account("vision/asked", args.instance_type, args.role, make=False)
    console.print(json.dumps(cloud.ask(acc, args.ask, args.picture.read_bytes(), kind)))


def main() -> None:
    args = options.arguments(__doc__)
    try:
        if args.ask:
            return ask(args)
        found = Run(args).everything()
    except REFUSED as error:
        raise SystemExit(f"AWS refused: {error}") from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    told.show(found, console)
    (args.work / "last.json").write_text(json.dumps(found))
    if args.results:
        told.write(found)
    if args.summary:
        summary.write(found, args.summary)


if __name__ == "__main__":
    main()
