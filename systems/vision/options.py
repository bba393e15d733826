"""What run.py is told; anything that cannot be right is refused here, in one sentence, before anything is started."""

from __future__ import annotations

import argparse
from pathlib import Path

import pictures

HERE = Path(__file__).resolve().parent
LEAST = {"epochs": 1, "trials": 1, "tune_epochs": 1, "each": 4, "test": 7, "turned": 1}
TOLD = (*LEAST, "instance_type")  # what a result depends on


def parser(about: str | None) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        description=about, formatter_class=argparse.RawDescriptionHelpFormatter, usage="python run.py [OPTIONS]"
    )
    made.add_argument("--data", type=Path, help="a folder of real pictures; default: simulated ones")
    made.add_argument("--work", type=Path, default=HERE / "work", help="where what is fetched goes")
    made.add_argument("--role", help="one execution role for everything; default: three roles are made")
    made.add_argument("--instance-type", default="ml.m5.large")
    made.add_argument("--epochs", type=int, default=30)
    made.add_argument("--trials", type=int, default=4, help="training jobs of the search")
    made.add_argument("--tune-epochs", type=int, default=6)
    made.add_argument("--each", type=int, default=60, help="simulated training pictures of each class")
    made.add_argument("--test", type=int, default=1001, help="simulated test pictures")
    made.add_argument("--turned", type=int, default=1000, help="pictures of the batch transform, at least; a smaller "
                      "test is filled up with simulated ones")  # fmt: skip
    made.add_argument("--delete", action="store_true", help="delete the endpoint at the end, also after a failure")
    made.add_argument("--results", action="store_true", help="write the run's part of RESULTS.md")
    made.add_argument("--summary", type=Path, help="write the run's figures to this file, as one JSON object")
    made.add_argument("--ask", metavar="ENDPOINT", help="ask a deployed endpoint instead of running")
    made.add_argument("--picture", type=Path, metavar="FILE")
    return made


def arguments(about: str | None, given: list[str] | None = None) -> argparse.Namespace:
    """Checked; args.raw has the files of --data and their keys, args.changed the options that are not the default."""
    made = parser(about)
    args = made.parse_args(given)
    for name, least in LEAST.items():
        if getattr(args, name) < least:
            made.error(f"--{name.replace('_', '-')} is {getattr(args, name)}, at least {least} is needed")
    if args.ask and not (args.picture and args.picture.is_file()):
        made.error(
            f"--ask needs a --picture, and {args.picture} is no file" if args.picture else "--ask needs a --picture"
        )
    if args.summary and not args.summary.parent.is_dir():
        made.error(f"--summary: there is no folder {args.summary.parent}")
    try:
        args.raw = pictures.raw_files(args.data) if args.data else []
    except ValueError as error:
        made.error(f"--data: {error}")
    usual = {name: made.get_default(name) for name in TOLD}
    changed = [(name, getattr(args, name)) for name in TOLD if getattr(args, name) != usual[name]]
    args.changed = "".join(f" --{name.replace('_', '-')} {value}" for name, value in changed)
    return args
