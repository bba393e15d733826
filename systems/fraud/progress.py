"""A run's progress: a line for each step."""

from __future__ import annotations

import time
from typing import Any

from rich.console import Console

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
        took = time.monotonic() - self.begun
        console.print(f"{mark} {self.name:22} {took:6.1f} s  {self.said}", soft_wrap=True)
