"""What a run shows while it goes on: one line for each thing done, with how long it took."""

from __future__ import annotations

import time
from typing import Any

import report as told
from execution import Step
from rich.console import Console
from rich.markup import escape

console = Console(highlight=False)


class Line:
    """One line of progress: what is being done, then what came out and how long it took."""

    def __init__(self, name: str) -> None:
        self.name, self.said = name, ""

    def __enter__(self) -> Line:
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
        mark = "[green]done[/]  " if kind is None else "[red]failed[/]"
        console.print(told.line(mark, self.name, time.monotonic() - self.begun, escape(self.said)), soft_wrap=True)


def ended(step: Step) -> None:
    """The line of a step of the pipeline."""
    mark = "[red]failed[/]" if step.status != "Succeeded" else "[cyan]cached[/]" if step.cached else "[green]done[/]  "
    console.print(told.line(mark, step.name, step.seconds, escape(told.outcome(step))), soft_wrap=True)
