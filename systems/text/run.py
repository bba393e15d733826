"""Mask, train floor and encoder, judge them on texts neither has seen, register what serves, deploy it, and ask it.

    python run.py                                     # support texts about AWS, from what botocore carries
    python run.py --data FOLDER                       # Banking77 in that folder, the same code
    python run.py --ask ENDPOINT --text "I am Ana Ruiz, my bucket refuses uploads"

It needs AWS credentials that may make roles (or --role), and a region, nothing else. Texts are masked on this machine,
before anything is sent. The endpoint stays up, and the next run updates it, unless --delete is given.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
from boto3.exceptions import Boto3Error
from botocore.exceptions import BotoCoreError, ClientError
from rich.console import Console

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE / part) for part in ("", "model", "steps", "data", "masking")]
import cloud  # noqa: E402
import evaluate  # noqa: E402
import inference  # noqa: E402
import judge  # noqa: E402
import numpy as np  # noqa: E402
import parts  # noqa: E402
import prepare  # noqa: E402
import report as told  # noqa: E402
import tables  # noqa: E402
from examples import Examples, read  # noqa: E402
from mask import Masker, learnt  # noqa: E402

KINDS = {"linear": "linear.py", "encoder": "train.py"}  # the floor first
FLOOR = ("linear.py", "calibrate.py", "examples.py", "normalise.py")  # all its job needs, with what its image has
REFUSALS = (BotoCoreError, Boto3Error, ClientError)
TOLERANCE = 1e-3  # between the endpoint's answer and the artefact's own; 8-bit sums differ a little between processors
RATE = 6e-4  # of the layers that learn; the one that Banking77 was judged with
ASKED = 100  # requests whose time is taken

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
        console.print(f"{mark} {self.name:18} {time.monotonic() - self.begun:6.1f} s  {self.said}")


def masker(args: argparse.Namespace) -> Masker:
    """The masker, learnt once and kept."""
    return Masker(learnt(args.work))


@dataclass
class Begun:
    """What a run started and must not leave behind unsaid."""

    acc: cloud.Account | None = None
    jobs: list[str] = field(default_factory=list)
    endpoint: str | None = None


def run(args: argparse.Namespace, begun: Begun) -> dict[str, Any]:
    """The whole run; return everything RESULTS.md needs."""
    stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    dataset = "banking77" if args.data else "aws"
    work = args.work / dataset
    found = {"dataset": dataset, "at": stamp, "commit": parts.commit(HERE), "endpoint": None, "deleted": args.delete}
    found |= {"instance": args.instance_type, "epochs": args.epochs, "frozen": args.frozen, "most": args.most}
    found |= masked(args, work)
    with Step("account") as step:
        acc = begun.acc = cloud.account(args.role)
        step.say(f"jobs as {acc.jobs}, the endpoint as {acc.endpoint}, bucket {acc.bucket}")
    jobs = train(args, begun, acc, f"{dataset}-{stamp}", uploaded(acc, work, f"text/{dataset}/{stamp}"))
    found["seconds"] = {kind: job["BillableTimeInSeconds"] for kind, job in jobs.items()}
    with Step("evaluate") as step:
        artifacts = {kind: job["ModelArtifacts"]["S3ModelArtifacts"] for kind, job in jobs.items()}
        folders = {kind: cloud.download(acc, uri, work / "models" / stamp / kind) for kind, uri in artifacts.items()}
        test = read(work / "test")
        report = evaluate.compare(test, folders["linear"], folders["encoder"])
        calibration = json.loads((folders["encoder"] / "calibration.json").read_text())
        found |= {"report": report, "parity": calibration["parity"]}
        step.say(told.gap(report))
    approve = report["difference"]["interval"][1] >= 0  # rejected only if worse than the floor beyond noise
    with Step("register") as step:
        version = cloud.register(acc, artifacts["encoder"], args.instance_type, report, approve, told.gap(report))
        step.say(f"{version.rpartition(':')[2]} {'approved' if approve else 'rejected'}")
    found["approved"] = approve
    if approve:
        found |= deployed(args, begun, acc, version, f"text-{dataset}", stamp, test, folders["encoder"])
    return found


def masked(args: argparse.Namespace, work: Path) -> dict[str, Any]:
    """Make the texts and write their channels, masked."""
    with Step("masker") as step:
        masks = masker(args)
        published = judge.judge(masks, judge.real(args.data)) if has(args.data, judge.FILE) else None
        step.say(told.masked(published) if published else "learnt from invented texts")
    with Step("mask texts") as step:
        facts = prepare.prepare(prepare.texts(args.data, args.most), masks, work)
        step.say(told.parts(facts))
    return {"facts": facts, "published": published}


def uploaded(acc: cloud.Account, work: Path, prefix: str) -> str:
    """Put masked texts and each job's source under the prefix; return where that is."""
    with Step("upload") as step:
        for part in ("train", "validation"):
            cloud.upload(acc, work / part, f"{prefix}/{part}")
        model = HERE / "model"
        encoder = [*sorted(model.glob("*.py")), model / "requirements.txt"]
        for kind, files in (("linear", [model / name for name in FLOOR]), ("encoder", encoder)):
            cloud.upload_source(acc, files, f"{prefix}/source/{kind}/sourcedir.tar.gz")
        step.say(f"masked texts to s3://{acc.bucket}/{prefix}/")
    return f"s3://{acc.bucket}/{prefix}"


def deployed(
    args: argparse.Namespace,
    begun: Begun,
    acc: cloud.Account,
    version: str,
    endpoint: str,
    stamp: str,
    test: Examples,
    artifact: Path,
) -> dict[str, Any]:
    """Let the endpoint serve the version, hold its answers against the artefact's, and take its time."""
    with Step("deploy") as step:
        begun.endpoint = endpoint
        cloud.deploy(acc, version, endpoint, stamp, args.instance_type, step.update)
        step.say(endpoint)
    with Step("predict") as step:
        sample = question(acc, endpoint, test.texts, artifact)
        spent = cloud.latency(acc, endpoint, [test.texts[number % len(test.texts)] for number in range(ASKED)])
        latency = {f"p{each}": float(np.percentile(spent, each)) for each in (50, 99)}
        step.say(f"{ASKED} requests, p50 {latency['p50']:.1f} ms, p99 {latency['p99']:.1f} ms")
    if args.delete:
        with Step("delete"):
            cloud.delete(acc, endpoint)
    return {"endpoint": endpoint, "sample": sample, "latency": latency}


def has(folder: Path | None, name: str) -> bool:
    return folder is not None and (folder / name).exists()


def train(args: argparse.Namespace, begun: Begun, acc: cloud.Account, label: str, data: str) -> dict[str, Any]:
    """Start both training jobs side by side, then wait for each."""
    chosen: dict[str, dict[str, Any]] = {
        "linear": {},
        "encoder": {"epochs": args.epochs, "frozen": args.frozen, "rate": RATE},
    }
    names = {kind: f"text-{label}-{kind}" for kind in KINDS}
    for kind, script in KINDS.items():
        source = f"{data}/source/{kind}/sourcedir.tar.gz"
        cloud.train(acc, kind, names[kind], script, source, chosen[kind], data, args.instance_type)
        begun.jobs.append(names[kind])
    jobs = {}
    for kind, name in names.items():
        with Step(f"train {kind}") as step:
            look = lambda name=name: cloud.job(acc, name)  # noqa: E731
            cloud.follow(look, "TrainingJobStatus", "Completed", step.update)
            jobs[kind] = cloud.job(acc, name)
            metrics = {each["MetricName"]: each["Value"] for each in jobs[kind].get("FinalMetricDataList", [])}
            step.say(f"{name}, validation accuracy {metrics.get('validation:accuracy', float('nan')):.4f}")
    return jobs


def question(acc: cloud.Account, endpoint: str, texts: list[str], artifact: Path) -> dict[str, Any]:
    """Ask the endpoint about some test texts, and hold its answers against the artefact's own."""
    some = texts[:8]
    answers = cloud.ask(acc, endpoint, some)
    own = inference.predict_fn(some, inference.model_fn(str(artifact)))
    for theirs, ours in zip(answers, own, strict=True):
        if abs(theirs["probability"] - ours["probability"]) > TOLERANCE:
            raise SystemExit(f"The endpoint answered {theirs}, but its model says {ours}: it serves another model.")
    return {"text": some[0], "answer": answers[0]}


def ask(args: argparse.Namespace) -> None:
    """Mask a text, then ask a deployed endpoint about it; nothing is made."""
    text = masker(args).mask(args.text)
    answer = cloud.ask(cloud.account(args.role, make=False), args.ask, [text])[0]
    console.print(f"{text}\n-> {json.dumps(answer)}", markup=False)


def tidied(begun: Begun, remove: bool) -> None:
    """After a run that ended early: what was stopped or deleted, and what is left."""
    if not begun.acc:
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)  # a second Ctrl-C would leave what costs
    try:
        for line in cloud.tidy(begun.acc, begun.jobs, begun.endpoint, remove):
            console.print(line, markup=False)
    except REFUSALS as error:
        left = ", ".join([*begun.jobs, *([f"endpoint {begun.endpoint}"] if begun.endpoint else [])])
        console.print(f"Some of {left} may be left, and must be stopped or deleted by hand: {error}", markup=False)
    finally:
        signal.signal(signal.SIGINT, before)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a folder with Banking77, and the PII set for masking if it is there")
    parser.add_argument("--work", type=Path, default=HERE / "work", help="where masked texts and models go")
    most = "operations, or questions, a class; default: 70, or all of --data"
    parser.add_argument("--most", type=prepare.many, help=most)
    parser.add_argument("--epochs", type=int, default=6)
    help = "layers of the encoder that stay as they came, of six"
    parser.add_argument("--frozen", type=int, default=5, choices=range(7), help=help)
    parser.add_argument("--role", help="one execution role for everything; default: three roles are made")
    parser.add_argument("--instance-type", default="ml.c5.xlarge")
    parser.add_argument("--delete", action="store_true", help="delete the endpoint at the end, also of a failed run")
    parser.add_argument("--results", action="store_true", help="write this run's part of RESULTS.md")
    parser.add_argument("--summary", type=Path, help="a file for one JSON object: what was reached, in one line")
    parser.add_argument("--ask", metavar="ENDPOINT", help="ask a deployed endpoint instead of running")
    parser.add_argument("--text", help="what to ask it about; it is masked first")
    args = parser.parse_args()
    if args.data and not has(args.data, tables.BANKING):
        parser.error(f"{args.data / tables.BANKING} is missing: name the folder that has it with --data")
    if args.summary and not args.summary.parent.is_dir():
        parser.error(f"{args.summary.parent} is no folder: --summary needs one that is there")
    if args.epochs < 1:
        parser.error("--epochs: 1 or more")
    if args.ask and not args.text:
        parser.error("--ask needs --text")
    return args


def main() -> None:
    args, begun, whole = arguments(), Begun(), False
    try:
        cloud.caller()
        if args.ask:
            return ask(args)
        found, whole = run(args, begun), True
    except REFUSALS as error:
        raise SystemExit(f"AWS refused: {error}") from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    finally:
        if not whole:
            tidied(begun, args.delete)
    told.show(found, console)
    if args.results:
        parts.put(HERE, found["dataset"], told.results(found))
    if args.summary:
        told.summarise(found, args.summary)


if __name__ == "__main__":
    main()
