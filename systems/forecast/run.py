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
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "model"), str(HERE / "steps"), str(HERE / "data")]
import check  # noqa: E402
import cloud  # noqa: E402
import ending  # noqa: E402
import ingest  # noqa: E402
import jobs  # noqa: E402
import pareto  # noqa: E402
import report as told  # noqa: E402
import summary  # noqa: E402
from delivery import registered, serve  # noqa: E402
from judge import judge  # noqa: E402
from panel import read  # noqa: E402
from pooled import pooled  # noqa: E402
from progress import SEED, SERIES, Run, Step, console  # noqa: E402
from simulate import simulate  # noqa: E402
from training import ask_deepar, start_members, tune, wait_members  # noqa: E402


def run(this: Run) -> dict[str, Any]:
    """The whole run; return everything RESULTS.md needs."""
    args = this.args
    with Step("account") as step:
        acc = this.acc = cloud.account(args.instance_type, args.role)
        step.say(f"bucket {acc.bucket}, jobs as {acc.jobs.rpartition('/')[2]}")
    truth = prepare(this, acc)
    source = cloud.upload_source(acc, HERE / "model", f"{this.prefix}/source/sourcedir.tar.gz")
    chosen = tune(this, acc, source) if args.tune else {}
    deep = start_members(this, acc, source, chosen)
    wait_members(this, acc)
    deepar = ask_deepar(this, acc, deep)
    artifact = combined(this, acc, source)
    with Step("judge") as step:
        cloud.download(acc, this.s3(acc, "models/members/"), this.work / "models")
        evaluation = judge(this.work / "prepared", this.work / "models", this.work / "ensemble", deepar)
        step.say(told.line(evaluation))
    found = serve(this, acc, registered(this, acc, artifact, evaluation))
    cleaning = json.loads((this.work / "prepared" / "report" / "cleaning.json").read_text())
    facts = json.loads((this.work / "ensemble" / "ensemble.json").read_text())["members"]
    return found | {
        "dataset": this.dataset,
        "at": this.stamp,
        "seconds": time.monotonic() - this.begun,
        "cleaning": {group: facts["summary"] | {"treated": facts["treated"]} for group, facts in cleaning.items()},
        "quality": told.quality(cleaning, truth) if truth else {},
        "evaluation": evaluation,
        "pooled": pooled(evaluation),
        "members": facts,
        "tuned": chosen,
        "billed": sum(acc.billed.values()),
        "instance": args.instance_type,
        "command": told.command(args),
        "commit": this.commit,
    }


def combined(this: Run, acc: cloud.Account, source: str) -> str:
    """The ensemble's training job; its artefact, in S3 and unpacked here."""
    with Step("ensemble") as step:
        channels = {"train": this.s3(acc, "prepared/train/"), "members": this.s3(acc, "models/members/")}
        output = this.s3(acc, "models/ensemble")
        jobs.train(acc, this.name("ensemble"), jobs.script("combine.py", source, {}), channels, output)
        job = cloud.follow(acc, "TrainingJob", this.name("ensemble"), step.update)
        artifact = job["ModelArtifacts"]["S3ModelArtifacts"]
        fetch(acc, artifact.rpartition("/")[0], this.work / "ensemble")
        step.say("members and weights chosen on the rolling origins")
    return str(artifact)


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
        jobs.process(acc, this.name("prepare"), "prepare.py", inputs, this.s3(acc, "prepared"))
        cloud.follow(acc, "ProcessingJob", this.name("prepare"), step.update)
        cloud.download(acc, this.s3(acc, "prepared/"), this.work / "prepared")
        groups = read(this.work / "prepared" / "train")
        step.say(", ".join(f"{group.name} {len(group.series):,}" for group in groups) + " series")
    return truth


def fetch(acc: cloud.Account, uri: str, folder: Path) -> None:
    """An artefact, unpacked."""
    cloud.download(acc, uri, folder)
    with tarfile.open(folder / "model.tar.gz") as archive:
        archive.extractall(folder, filter="data")


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a folder of real sources; default: simulated ones")
    parser.add_argument("--series", type=int, default=SERIES, help="how many are simulated")
    parser.add_argument("--seed", type=int, default=SEED, help="of the simulation")
    parser.add_argument("--prophet", type=int, default=10, help="series of each group that Prophet is tried on; 0: all")
    parser.add_argument("--no-deepar", action="store_true", help="leave out DeepAR")
    parser.add_argument("--tune", action="store_true", help="first tune LightGBM, with early stopping")
    parser.add_argument("--work", type=Path, default=HERE / "work", help="where prepared data and models go")
    parser.add_argument("--role", help="one execution role for everything; default: three roles are made")
    parser.add_argument("--instance-type", default="ml.m5.large")
    parser.add_argument("--delete", action="store_true", help="delete the endpoint at the end")
    parser.add_argument("--results", action="store_true", help="write RESULTS.md and the plots")
    parser.add_argument(
        "--summary", type=Path, help="at the end, write the run's figures to this file, one JSON object"
    )
    args = parser.parse_args()
    try:
        check.arguments(args)
    except ValueError as error:
        parser.exit(2, f"{error}.\n")
    return args


def main() -> None:
    args = arguments()
    this = Run(args)
    try:
        with ending.tidied(this):
            found = run(this)
    except (BotoCoreError, ClientError) as error:
        raise SystemExit(f"AWS refused: {error}") from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    told.show(found, console)
    picture = pareto.picture(found["evaluation"])
    (args.work / f"pareto-{found['dataset']}.svg").write_text(picture)
    if args.results:
        (HERE / f"pareto-{found['dataset']}.svg").write_text(picture)
        told.write(found, HERE)
    if args.summary:
        summary.write(found, args.summary)


if __name__ == "__main__":
    main()
