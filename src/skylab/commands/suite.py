"""`skylab run all`: every system, one after the other, and one table of what they reached.

A system's run.py is asked for a summary: one JSON object, written to the file named by --summary when all is done.
Ctrl-C reaches the system, which tidies up; what was reached until then is shown all the same.
"""

import json
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from skylab.kernel.clock import SystemClock
from skylab.root import Refused

INTERRUPTED, INTERRUPTED_CODE = "interrupted", 130
COLUMNS = ("system", "data", "judged by", "floor", "model", "outcome", "time")


@dataclass(frozen=True)
class Outcome:
    """What became of one system. seconds: of wall time. said: its summary, or what went wrong."""

    system: str
    seconds: float
    said: dict[str, Any] | str


Start = Callable[[Path, Path], tuple[list[str], Mapping[str, str]]]


def run(systems: Mapping[str, Path], start: Start) -> int:
    """Runs them all, even after one has failed; returns how many have, or ends with 130 after Ctrl-C. start: a system's
    folder and its summary's file -> what to run, and in which surroundings; it raises Refused."""
    console, outcomes = Console(highlight=False), []
    for number, (name, folder) in enumerate(systems.items(), 1):
        console.rule(f"{name} ({number} of {len(systems)})")
        outcomes.append(_one(name, folder, start))
        if outcomes[-1].said == INTERRUPTED:
            break
    console.print(table(outcomes))
    failed = [each.system for each in outcomes if isinstance(each.said, str)]
    took = _minutes(sum(each.seconds for each in outcomes))
    console.print(f"{len(outcomes) - len(failed)} of {len(systems)} systems ran to their end, in {took}.")
    if outcomes and outcomes[-1].said == INTERRUPTED:
        raise SystemExit(INTERRUPTED_CODE)
    if failed:
        console.print(f"Look closer at one that failed: `skylab run {failed[0]}`.")
    return len(failed)


def _one(name: str, system: Path, start: Start) -> Outcome:
    clock = SystemClock()
    begun = clock.now()
    with TemporaryDirectory() as folder:
        summary = Path(folder) / "summary.json"
        try:
            argv, environ = start(system, summary)
            code = _ended(argv, environ)
            said = _read(summary) if code == 0 else f"exit code {code}"
        except Refused as problem:
            said = str(problem)
        except KeyboardInterrupt:
            said = INTERRUPTED
        return Outcome(name, (clock.now() - begun).total_seconds(), said)


def _ended(argv: list[str], environ: Mapping[str, str]) -> int:
    """The program's exit code. Ctrl-C has reached it too: it gets the time that it needs."""
    with subprocess.Popen(argv, env=environ) as process:
        try:
            return process.wait()
        except KeyboardInterrupt:
            process.wait()
            raise


def _read(summary: Path) -> dict[str, Any] | str:
    try:
        said = json.loads(summary.read_text())
        _row(Outcome("", 0, said))
    except OSError:
        return "it left no summary"
    except (ValueError, KeyError, TypeError) as problem:
        return f"its summary cannot be read ({problem!r})"
    return dict(said)


def table(outcomes: list[Outcome]) -> Table:
    """One row a system."""
    made = Table(*COLUMNS, title="What each system reached, on data that it did not learn from")
    for outcome in outcomes:
        made.add_row(*map(escape, _row(outcome)))
    return made


def _row(outcome: Outcome) -> list[str]:
    took = _minutes(outcome.seconds)
    if isinstance(outcome.said, str):
        return [outcome.system, "", "", "", "", f"failed: {outcome.said}", took]
    said = outcome.said
    figures = [
        f"{of['name']} {of['value']:.3f} ({of['low']:.3f} to {of['high']:.3f})" for of in (said["floor"], said["model"])
    ]
    measure = f"{said['measure']}, {said['better']} is better"
    return [outcome.system, said["dataset"], measure, *figures, said["verdict"], took]


def _minutes(seconds: float) -> str:
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"
