"""`run.py --ask`: a deployed endpoint is asked about the sample person of its run, with some values changed."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
from pathlib import Path
from typing import Any

import cloud
import features
import serving
from progress import console
from tables import refuse

WORK = Path(__file__).resolve().parent / "work"


def ask(args: argparse.Namespace) -> None:
    """Tell the endpoint's probability."""
    work = args.work / args.dataset
    if not (work / "schema.json").exists():
        refuse(f"{work}/schema.json is missing: run `python run.py` first, it writes the encoding there.")
    raw = changed(json.loads((work / "sample.json").read_text()), args.set)
    line = features.row(raw, json.loads((work / "schema.json").read_text()))
    acc = cloud.account(args.role)
    answer = serving.Endpoint(acc, args.ask, "", args.instance_type).ask(line)
    console.print(f"{json.dumps(raw)}\n-> probability {answer:.4f}")


def changed(raw: dict[str, Any], wanted: list[str]) -> dict[str, Any]:
    """A raw row with some of its values replaced, each given as COLUMN=VALUE."""
    for given in wanted:
        name, equals, value = given.partition("=")
        if not equals or name not in raw:
            refuse(f"--set takes COLUMN=VALUE, not {given}; the columns are {', '.join(raw)}.")
        try:
            raw[name] = value if isinstance(raw[name], str) else float(value)
        except ValueError:
            refuse(f"--set {given}: {name} is a number.")
    return raw


def hint(args: argparse.Namespace, endpoint: str, sample: dict[str, Any]) -> str:
    """A command that asks the endpoint of a run about somebody else."""
    numbers = [name for name, value in sample.items() if not isinstance(value, str)]
    given = ["--dataset", args.dataset] + ([] if args.work == WORK else ["--work", str(args.work.absolute())])
    given += ["--role", args.role] if args.role else []
    given += ["--ask", endpoint, "--set", "disea=40" if "disea" in numbers else f"{numbers[0]}=1"]
    return f"{os.environ.get('RUN_AS') or shlex.join([sys.executable, sys.argv[0]])} {shlex.join(given)}"
