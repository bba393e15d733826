"""Train the members and the stacker as jobs, judge them by the handbook's protocol, register, serve two, compare them.

    python run.py                                   # simulated transactions, the handbook's own dates
    python run.py --data FOLDER --folds 4           # handbook_sim_*.parquet
    python run.py --results                         # also writes this data set's part of RESULTS.md
    python run.py --nab FOLDER --results            # the random cut forest on NAB, and its part

It needs AWS credentials that may make roles (or --role), and a region, nothing else. The endpoint stays up unless
--delete is given. A run that fails or is interrupted stops its jobs and deletes its endpoint.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE / "model"), str(HERE / "steps"), str(HERE / "data")]
import baselines  # noqa: E402
import benchmark  # noqa: E402
import cloud  # noqa: E402
import evaluate  # noqa: E402
import nab  # noqa: E402
import report  # noqa: E402
import results  # noqa: E402
import serving  # noqa: E402
from generations import Generation, Weeks  # noqa: E402
from members import MEMBERS  # noqa: E402
from progress import Step, console  # noqa: E402
from tables import BadInput, load, starts  # noqa: E402

FEWEST = 10  # resamples that an interval can be read from at all


def run(args: argparse.Namespace, stamp: str) -> dict[str, Any]:
    """The whole run; return everything RESULTS.md needs."""
    commit = report.commit(HERE)  # of the code that runs, whatever is committed meanwhile
    with Step("transactions") as step:
        data = load(args.data, args.small)
        begins = starts(data.table, args.folds, validated=bool(args.data))
        step.say(f"{data.origin}: {len(data.table):,}, of them {data.table['TX_FRAUD'].mean():.3%} frauds")
    acc, name = account(args), f"fraud-{stamp}"
    weeks = Weeks(acc, data, f"fraud/{stamp}", name, args.work / stamp)
    found = {
        "origin": data.origin,
        "data": bool(args.data),
        "at": stamp,
        "commit": commit,
        "facts": data.facts(begins),
        "draws": args.draws,
        "instance": args.instance_type,
        "seconds": weeks.seconds,
    }
    with tidied(acc, name):
        members = train_members(weeks, begins)
        ensembles = train_stackers(weeks, members, begins)
        judged = judge(weeks, members, ensembles, begins, args.draws)
        served = serve(weeks, members[begins[-1]], ensembles[begins[-1]], judged)
    if args.delete:
        with Step("delete"):
            cloud.delete(acc, name, serving.VARIANTS)
    return found | {"judged": judged} | served


def account(args: argparse.Namespace) -> cloud.Account:
    with Step("account") as step:
        acc = cloud.account(args.role, args.instance_type)
        step.say(f"jobs as {acc.jobs}, the endpoint as {acc.endpoint}, bucket {acc.bucket}")
        return acc


@contextmanager
def tidied(acc: cloud.Account, endpoint: str | None = None) -> Iterator[None]:
    """When what is done inside fails or is interrupted, stop the jobs and delete the endpoint: they cost money."""
    try:
        yield
    except BaseException:
        try:
            cloud.stop(acc)
            if endpoint:
                cloud.delete(acc, endpoint, serving.VARIANTS)
        except (BotoCoreError, ClientError) as error:  # the first error is the one to be told
            left = ", ".join([*acc.running, *([f"endpoint {endpoint}"] if endpoint else [])])
            console.print(f"Some of {left} may be left, and must be deleted by hand: {error}")
        raise


def train_members(weeks: Weeks, begins: list[int]) -> dict[int, Generation]:
    """The four members of every week that some fold needs, then the random cut forests' scores."""
    wanted = sorted({start - back for start in begins for back in (0, 2 * evaluate.WEEK)})
    made: dict[int, Generation] = {}
    for number, start in enumerate(wanted, 1):
        with Step(f"train members {number}/{len(wanted)}") as step:
            made[start] = weeks.train(start, step.update)
            step.say(f"the week from day {start}: " + ", ".join(made[start].jobs.values()))
    for number, start in enumerate(wanted, 1):
        with Step(f"score {number}/{len(wanted)}") as step:
            made[start].anomaly = weeks.score(made[start], step.update)
            step.say(f"{len(made[start].anomaly):,} rows by the random cut forest, batch transform")
    return made


def train_stackers(weeks: Weeks, members: dict[int, Generation], begins: list[int]) -> dict[int, Any]:
    """The ensemble of each fold: a stacker over the members of its week, taught by those of two weeks before."""
    made = {}
    for number, start in enumerate(begins, 1):
        with Step(f"train stacker {number}/{len(begins)}") as step:
            made[start] = weeks.stack(members[start], members[start - 2 * evaluate.WEEK], step.update)
            weights = zip(made[start].stacker["members"], made[start].stacker["coefficients"], strict=True)
            step.say(", ".join(f"{name} {weight:+.2f}" for name, weight in weights))
    return made


def judge(weeks: Weeks, members: Any, ensembles: Any, begins: list[int], draws: int) -> list[dict[str, Any]]:
    """Every model on the test week of every fold, beside the handbook's models and a floor on the same rows."""
    folds = []
    for number, start in enumerate(begins, 1):
        with Step(f"judge {number}/{len(begins)}") as step:
            one = weeks.data.fold(start)
            step.update("the handbook's models")
            scores = baselines.scores(weeks.data, one)
            scores |= ensembles[start].scores(members[start], weeks.data.x[one.test])
            step.update("resampling cards and terminals")
            models = evaluate.judge(weeks.data.table, one.test, scores, draws)
            fold, truth = {"models": models, "rows": len(one.test)}, weeks.data.truth(one.test)
            slopes = {name: evaluate.calibration_slope(truth, scores[name]) for name in ("xgboost", "ensemble")}
            weights = dict(zip(MEMBERS, ensembles[start].stacker["coefficients"], strict=True))
            folds.append(fold | {"frauds": int(truth.sum()), "slopes": slopes, "weights": weights})
            auc, precision, cards = fold["models"]["ensemble"].values
            step.say(f"ensemble AUC {auc:.3f}, average precision {precision:.3f}, card precision {cards:.3f}")
    return folds


def serve(weeks: Weeks, members: Generation, ensemble: Any, judged: Any) -> dict[str, Any]:
    """Register the last fold's two candidates, put both behind one endpoint, deal the cards out, compare."""
    with Step("compress") as step:
        compressed = serving.compression(members, ensemble, weeks.data.x[members.fold.test])
        step.say(f"one row in {compressed['graph'][0]:.0f} µs, {compressed['speedup']:.1f} times faster")
    with Step("register") as step:
        packages = serving.register(weeks, members, ensemble, judged[-1])
        step.say(", ".join(arn.split("model-package/")[-1] for arn in packages.values()))
    with Step("deploy") as step:
        cloud.deploy(weeks.acc, weeks.name, packages)
        cloud.in_service(weeks.acc, weeks.name, step.update)
        step.say(f"{weeks.name}: {' and '.join(packages)}")
    with Step("compare") as step:
        test = serving.compare(weeks, weeks.name, members, ensemble, step.update)
        step.say(test["verdict"])
    with Step("ask") as step:
        timed = serving.latency(weeks, weeks.name, list(packages))
        step.say(", ".join(f"{variant} p50 {ms[0]:.1f} ms" for variant, ms in timed.items()))
    return {"compressed": compressed, "test": test, "latency": timed}


def run_nab(args: argparse.Namespace, stamp: str) -> dict[str, Any]:
    """The random cut forest on all of NAB's series."""
    every, commit = nab.load(args.nab), report.commit(HERE)
    acc = account(args)
    with tidied(acc):
        found = benchmark.forests(acc, every, stamp)
    with Step("judge") as step:
        scores = nab.report(every, found)
        step.say(f"held out {scores['held out'][0]:.1f}")
    points = sum(len(series.values) for series in every)
    return {"at": stamp, "commit": commit, "series": len(every), "points": points, "scores": scores}


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="a folder with handbook_sim_*.parquet; default: simulated")
    parser.add_argument("--work", type=Path, default=HERE / "work", help="where models go")
    parser.add_argument("--folds", type=int, default=1, help="test weeks, one after the other")
    parser.add_argument("--draws", type=int, default=evaluate.DRAWS, help="resamples behind the intervals")
    parser.add_argument("--nab", type=Path, help="the folder of the Numenta Anomaly Benchmark: judge the forest on it")
    parser.add_argument("--small", action="store_true", help="simulate few cards and terminals, for a quick look")
    parser.add_argument("--role", help="one execution role for everything; default: three roles are made")
    parser.add_argument("--instance-type", default="ml.m5.large")
    parser.add_argument("--delete", action="store_true", help="delete the endpoint at the end")
    parser.add_argument("--results", action="store_true", help="write this data set's part of RESULTS.md")
    parser.add_argument("--summary", type=Path, help="write the figures to this file, as one JSON object")
    args = parser.parse_args()
    if args.small and args.results:
        parser.error("--small shows the path; its figures are not for RESULTS.md")
    if args.folds < 1 or args.draws < FEWEST:
        parser.error(f"--folds is at least 1 and --draws at least {FEWEST}")
    without = ("data", "folds", "draws", "small", "delete", "summary")
    if args.nab and (given := [f"--{name}" for name in without if getattr(args, name) != parser.get_default(name)]):
        parser.error(f"--nab judges the forest alone: it takes no {', '.join(given)}")
    return args


def main() -> None:
    args, stamp = arguments(), datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
    try:
        found = run_nab(args, stamp) if args.nab else run(args, stamp)
    except BadInput as error:
        console.print(f"run.py: {error}", soft_wrap=True)
        raise SystemExit(2) from None
    except (BotoCoreError, ClientError) as error:
        raise SystemExit(f"AWS refused: {error}") from None
    except KeyboardInterrupt:
        console.print("Interrupted: the run's jobs were stopped and its endpoint deleted, unless said otherwise above.")
        raise SystemExit(130) from None
    if args.nab:
        said = report.of_nab(found)
        console.print(said)
        if args.results:
            results.write(HERE / "RESULTS.md", results.NAB, said)
        return
    report.show(found, console)
    if not args.delete:
        console.print(f"Endpoint fraud-{found['at']} is up.")
    if args.results:
        results.write(HERE / "RESULTS.md", results.HANDBOOK if args.data else results.SIMULATED, report.part(found))
    if args.summary:
        endpoint = None if args.delete else f"fraud-{found['at']}"
        results.write_summary(args.summary, found, endpoint)


if __name__ == "__main__":
    main()
