"""Run the pipeline, deploy what it registered, put the next version beside it as a shadow, promote that if it holds.

    python run.py                                     # the RAND Health Insurance Experiment
    python run.py --dataset telco_churn --data FOLDER # the same code on other data
    python run.py --train-share 0.02                  # a candidate that learnt of few people: it is not registered
    python run.py --dataset telco_churn --data FOLDER --published  # by the protocol behind published figures
    python run.py --ask ENDPOINT --set disea=40       # ask the endpoint about one more person

It needs AWS credentials that may make roles (or --role), and a region; for the container of one step also Docker, or
IMAGE_BUILD. The endpoint stays up unless --delete is given.
"""

from __future__ import annotations

import argparse
import json
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from botocore.exceptions import BotoCoreError, ClientError

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "model"), str(HERE / "steps"), str(HERE / "data")]
import cloud  # noqa: E402
import evaluate  # noqa: E402
import execution  # noqa: E402
import features  # noqa: E402
import report as told  # noqa: E402
import results  # noqa: E402
import serving  # noqa: E402
import shadowing  # noqa: E402
from asking import WORK, ask, hint  # noqa: E402
from progress import Line, console, ended  # noqa: E402
from protocols import PROTOCOLS  # noqa: E402
from setting import set_up  # noqa: E402
from tables import DATASETS  # noqa: E402

TOLERANCE = 1e-4  # between the endpoint's answer and the artefact's own


def run(args: argparse.Namespace) -> dict[str, Any]:
    """The whole run; return everything that is told of it."""
    acc, plan = set_up(args)
    endpoint = serving.Endpoint(acc, plan.name, plan.root, args.instance_type)
    try:
        return deployed(args, acc, plan, endpoint)
    except BaseException:
        if not args.delete:
            told.left(endpoint, console)
        raise
    finally:
        if args.delete:
            with Line("delete"):
                endpoint.delete()


def deployed(args: argparse.Namespace, acc: cloud.Account, plan: Any, endpoint: serving.Endpoint) -> dict[str, Any]:
    """A version behind the endpoint, the next one beside it, and the answer of the one that is left."""
    executions = []
    with console.status("endpoint") as status:
        up, alone = endpoint.serves(status.update)
    if (serves := up or serving.approved(acc, plan.name)) is None:
        executions.append(candidate(acc, plan, "logistic", None, 1.0))
        if not executions[0].package:
            raise SystemExit("No first version was registered: see above.")
        serves = approve(acc, executions[0])
    if up is None or not alone:
        with Line(f"deploy {serves.name}") as line:
            endpoint.deploy(line.update, serves)
            line.say(f"{plan.name}, from the registry")
    second = candidate(acc, plan, "xgboost", serves, args.train_share)
    executions.append(second)
    work = kept(acc, second, args.work / args.dataset)
    shadow = None
    if second.package:
        serves, shadow = shadowed(acc, endpoint, serves, second, evaluate.read(work / "live"))
    with Line("predict") as line:
        sample = json.loads((work / "sample.json").read_text())
        answer = question(acc, endpoint, work, sample, serves)
        line.say("one live person, through the endpoint; the artefact itself says the same")
    rules = execution.read_job(acc, second.steps["train-xgboost"])["DebugRuleEvaluationStatuses"]  # they end later
    return {
        "dataset": args.dataset,
        "report": execution.report(acc, second.steps["evaluate"]),
        "endpoint": plan.name,
        "serves": serves.name,
        "shadow": shadow,
        "rules": {rule["RuleConfigurationName"]: rule["RuleEvaluationStatus"] for rule in rules},
        "sample": sample,
        "answer": answer,
        "seconds": execution.billed(acc, executions),
        "instance": args.instance_type,
        "deleted": args.delete,
        "seed": plan.seed,
        "run": second.name,
        "share": args.train_share,
        "at": f"{datetime.now(UTC):%Y-%m-%d}",
        "tuned": execution.tuned(second.steps["tune"]),
        "hint": hint(args, plan.name, sample),
    }


def candidate(
    acc: cloud.Account, plan: Any, kind: str, against: serving.Version | None, share: float
) -> execution.Execution:
    """Execute the pipeline for one kind of model; it registers a version unless it is worse."""
    given = {"Candidate": kind, "TrainShare": str(share)} | ({"Approved": against.artifact} if against else {})
    console.print(f"\nExecution with Candidate={kind}{f', against {against.name}' if against else ''}")
    with console.status("starting") as status:
        done = execution.run(acc, plan.name, given, status.update, ended)
    if not done.package:
        failed = [step for step in done.steps.values() if step.status == "Failed"]
        if [step.name for step in failed] != ["worse"]:
            raise SystemExit(f"{done.arn}: {', '.join(f'{step.name}: {step.reason}' for step in failed)}")
    return done


def approve(acc: cloud.Account, done: execution.Execution) -> serving.Version:
    """What an execution has registered is approved here, in place of a person."""
    with Line("approve") as line:
        gate = execution.report(acc, done.steps["evaluate"])["gate"]
        made = serving.decide(acc, done.package, "Approved", gate["reason"])
        line.say(f"{made.name} ({made.kind}): {gate['reason']}")
    return made


def kept(acc: cloud.Account, done: execution.Execution, work: Path) -> Path:
    """Bring the encoding, a sample and the live people here."""
    facts = execution.output(done.steps["prepare"], "facts")
    for name in ("schema.json", "sample.json"):
        cloud.download(acc, f"{facts}/{name}", work / name)
    instances = done.steps["prepare"].job["ProcessingResources"]["ClusterConfig"]["InstanceCount"]
    for number in range(1, instances + 1):
        live = execution.output(done.steps["prepare"], "live")
        cloud.download(acc, f"{live}/algo-{number}.csv", work / "live" / f"algo-{number}.csv")
    return work


def shadowed(
    acc: cloud.Account, endpoint: serving.Endpoint, serves: serving.Version, done: execution.Execution, live: Any
) -> tuple[serving.Version, dict[str, Any]]:
    """Put the new version beside the serving one, compare them on live requests, and promote it if it holds.

    Return which one is left. A version that is not promoted, for whatever reason, is rejected and serves nothing.
    """
    shadow, why, left = approve(acc, done), "The comparison was not finished.", serves
    try:
        console.print()
        with Line(f"shadow {shadow.name}") as line:
            endpoint.deploy(line.update, serves, shadow)
            line.say(f"gets a copy of each request to {serves.name}")
        with Line("compare") as line:
            found = shadowing.compare(endpoint, (serves.name, shadow.name), live, line.update)
            line.say(told.compared(found))
        if found["promote"]:
            with Line(f"promote {shadow.name}") as line:
                endpoint.deploy(line.update, shadow)
                line.say("by UpdateEndpoint: no request fails meanwhile")
            left = shadow
        why = told.compared(found)
    finally:
        if left is serves:
            with Line(f"reject {shadow.name}") as line:
                serving.decide(acc, shadow.arn, "Rejected", why)
                endpoint.deploy(line.update, serves)
                line.say(f"{serves.name} stays")
    return left, found


def question(acc: cloud.Account, endpoint: Any, work: Path, raw: dict[str, Any], serves: serving.Version) -> float:
    """Ask the endpoint about one raw row, and hold its answer against the artefact's own."""
    line = features.row(raw, json.loads((work / "schema.json").read_text()))
    answer: float = endpoint.ask(line)
    artifact = cloud.download(acc, serves.artifact, work / "model.tar.gz")
    own = float(evaluate.scores(artifact, np.array([line.split(",")], dtype=float))[0])
    if abs(answer - own) > TOLERANCE:
        raise SystemExit(f"The endpoint answered {answer:.6f}, but its model says {own:.6f}: it serves another model.")
    return answer


def repeat(args: argparse.Namespace, commit: str) -> None:
    """The protocol behind published figures, instead of a version for the endpoint."""
    import published

    found = published.run(args) | {"commit": commit}
    lines = results.published(found)
    console.print("\n" + "\n".join(lines), soft_wrap=True)
    if args.results:
        results.write(f"{args.dataset}, published protocol", lines, HERE / "RESULTS.md")


def share(text: str) -> float:
    if not 0 < float(text) <= 1:
        raise argparse.ArgumentTypeError("a share is above 0 and at most 1")
    return float(text)


def arguments(given: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dataset", choices=DATASETS, default="randhie")
    parser.add_argument("--data", type=Path, default=HERE / "data", help="the folder of the raw files")
    parser.add_argument("--work", type=Path, default=WORK, help="where prepared data and models go")
    parser.add_argument("--train-share", type=share, default=1.0, help="how much of the training people to learn from")
    parser.add_argument("--role", help="one execution role for everything; default: four roles are made")
    parser.add_argument("--instance-type", default="ml.m5.large")
    parser.add_argument("--delete", action="store_true", help="delete the endpoint at the end")
    parser.add_argument("--results", action="store_true", help="write this run's part of RESULTS.md")
    parser.add_argument("--summary", type=Path, metavar="FILE", help="write the run in one row, as JSON")
    parser.add_argument("--published", action="store_true", help="repeat the protocol behind published figures")
    parser.add_argument("--ask", metavar="ENDPOINT", help="ask a deployed endpoint instead of running")
    parser.add_argument("--set", action="append", default=[], metavar="COLUMN=VALUE")
    args = parser.parse_args(given)
    if args.ask:
        return args
    if args.set:
        parser.error("--set goes with --ask")
    if args.summary and not args.summary.absolute().parent.is_dir():
        parser.error(f"--summary: there is no folder {args.summary.parent}")
    if args.published and args.dataset not in PROTOCOLS:
        parser.error(f"--published: there is a protocol for {' and '.join(PROTOCOLS)} (--dataset)")
    if args.published and (args.summary or args.train_share < 1):
        parser.error("--published: the protocol says who is learnt of, and its result is in RESULTS.md (--results)")
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
    begun = results.commit()
    try:
        if args.ask:
            return ask(args)
        if args.published:
            return repeat(args, begun)
        found = run(args) | {"commit": begun}
    except (BotoCoreError, ClientError) as error:
        raise SystemExit(f"AWS refused: {error}") from None
    except KeyboardInterrupt:
        print("Interrupted; an execution that was under way is stopped.", file=sys.stderr)
        raise SystemExit(130) from None
    told.show(found, console)
    if args.results:
        results.write(args.dataset, results.pipeline(found), HERE / "RESULTS.md")
    if args.summary:
        results.summarise(found, args.summary)


if __name__ == "__main__":
    main()
