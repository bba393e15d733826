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
import base64
import io
import json
import sys
import tarfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from botocore.exceptions import BotoCoreError, ClientError
from PIL import Image

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "model"), str(HERE / "data")]
import cloud  # noqa: E402
import jobs  # noqa: E402
import judge  # noqa: E402
import report as told  # noqa: E402
import results  # noqa: E402
import summary  # noqa: E402
from progress import Step, console  # noqa: E402
from synthetic import CLASSES, dataset  # noqa: E402

PICTURES = ("jpg", "jpeg", "png", "bmp")
TURNED = 1000  # pictures of the batch transform, at least; a smaller test is filled up with simulated ones
MEMBERS = {  # from scratch small defects are learnt only unmixed, in small batches and more steps, at a rate of its own
    "scratch": ({"weights": "scratch", "seed": 0, "augment": "geometric", "batch": 16, "rate": 0.002}, 1),
    "pretrained": ({"weights": "backbone", "seed": 1}, 1),
    "distributed": ({"weights": "backbone", "seed": 2}, 2),
}
SAME = {"weights": "scratch", "augment": "none", "epochs": 3, "rate": 0.001, "seed": 7}  # on one instance, and on two
SCRATCH = 5 / 3  # times as many epochs from scratch
TOLERANCE = 1e-3  # deviations, between the anomaly scores of the endpoint and of the batch transform


class Run:
    """One run: its names, its place in S3, what it found."""

    def __init__(self, args: argparse.Namespace) -> None:
        self.args, self.stamp = args, datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
        self.acc = cloud.account(f"vision/{self.stamp}", args.instance_type, args.role)
        self.folder = args.work / self.stamp
        self.found: dict[str, Any] = {"at": self.stamp, "instance": args.instance_type, "seconds": {}}
        self.found |= {"commit": results.commit(), "name": self.name("ensemble"), "steps": Step.spent}
        self.found |= {"data": args.data.name if args.data else "simulated"}

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
        raw = raw_files(self.args.data) if self.args.data else []
        with Step("upload") as step:
            code = [(path, f"code/{path.relative_to(HERE)}") for part in ("data", "steps") for path in
                    (HERE / part).glob("*.py")]  # fmt: skip
            size = cloud.upload(self.acc, code + raw)
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
            longer = SCRATCH if chosen["weights"] == "scratch" else 1
            how = {"epochs": round(longer * self.args.epochs), "rate": rate} | chosen
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
            self.found["settings"] = settings = self.facts(done, "settings.json")
            same, ms = settings["parity"]["int8: same decision"], settings["parity"]
            step.say(
                f"int8 decides as PyTorch in {same:.1%}, {ms['fp32: ms']:.1f} -> {ms['int8: ms']:.1f} ms a picture"
            )
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
        begun = time.monotonic()
        self.prepare()
        self.train(self.tune())
        self.register(self.package())
        answered = self.transform()
        with Step("judge") as step:
            settings = self.found["settings"]
            served = settings["members"], settings["precision"]
            self.found |= judge.everything(self.parts, self.classes, answered, *served)
            best = self.found["models"]["calibrated ensemble, int8"]
            step.say(f"accuracy {best['accuracy']:.4f} of {best['of']} pictures never trained on")
        self.deploy(answered)
        return self.found | {"took": time.monotonic() - begun}


def raw_files(data: Path) -> list[tuple[Path, str]]:
    """The picture files of a folder and their keys; of a folder with train/ only that part."""
    top = data / "train" if (data / "train").is_dir() else data
    found = [path for path in sorted(top.rglob("*")) if path.suffix.lower().lstrip(".") in PICTURES]
    if not found:
        raise SystemExit(f"{data} has no pictures: expected <class>/*.jpg, *.png or *.bmp below it")
    return [(path, f"raw/{path.relative_to(top)}") for path in found]


def png(image: np.ndarray) -> bytes:
    held = io.BytesIO()
    Image.fromarray(image).save(held, "PNG")
    return held.getvalue()


def line(name: str, image: np.ndarray) -> str:
    return json.dumps({"id": name, "image": base64.b64encode(png(image)).decode(), "detail": True})


def ask(args: argparse.Namespace) -> None:
    """Ask a deployed endpoint about a picture file."""
    kind = "image/png" if args.picture.suffix == ".png" else "image/jpeg"
    acc = cloud.account("vision/asked", args.instance_type, args.role)
    console.print(json.dumps(cloud.ask(acc, args.ask, args.picture.read_bytes(), kind)))


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a folder of real pictures; default: simulated ones")
    parser.add_argument("--work", type=Path, default=HERE / "work", help="where what is fetched goes")
    parser.add_argument("--role", help="one execution role for everything; default: three roles are made")
    parser.add_argument("--instance-type", default="ml.m5.large")
    parser.add_argument("--epochs", type=int, default=30)
    parser.add_argument("--trials", type=int, default=4, help="training jobs of the search")
    parser.add_argument("--tune-epochs", type=int, default=6)
    parser.add_argument("--each", type=int, default=60, help="simulated training pictures of each class")
    parser.add_argument("--test", type=int, default=1001, help="simulated test pictures")
    parser.add_argument("--turned", type=int, default=TURNED, help="pictures of the batch transform, at least")
    parser.add_argument("--delete", action="store_true", help="delete the endpoint at the end")
    parser.add_argument("--results", action="store_true", help="write the run's part of RESULTS.md")
    parser.add_argument("--summary", type=Path, help="write the run's figures to this file, as one JSON object")
    parser.add_argument("--ask", metavar="ENDPOINT", help="ask a deployed endpoint instead of running")
    parser.add_argument("--picture", type=Path, metavar="FILE")
    args = parser.parse_args()
    if args.ask and not args.picture:
        parser.error("--ask needs a --picture")
    return args


def main() -> None:
    args = arguments()
    try:
        if args.ask:
            return ask(args)
        found = Run(args).everything()
    except (BotoCoreError, ClientError) as error:
        raise SystemExit(f"AWS refused: {error}") from None
    told.show(found, console)
    (args.work / "last.json").write_text(json.dumps(found))
    if args.results:
        told.write(found)
    if args.summary:
        summary.write(found, args.summary)


if __name__ == "__main__":
    main()
