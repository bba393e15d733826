"""What the commands show: tables, spinners, and what AWS answered put into a sentence."""

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from rich.console import Console
from rich.table import Table

from skylab.commands import lifecycle, pull, systems
from skylab.commands import logs as reading
from skylab.commands.environment import full
from skylab.compute.processes import LocalProcesses
from skylab.kernel.clock import SystemClock
from skylab.root import Refused, Root, Server
from skylab.settings import Settings


def status(root: Root, server: Server) -> None:
    age = timedelta(seconds=int(lifecycle.age(server).total_seconds()))
    table = Table(show_header=False, box=None, padding=(0, 2, 0, 0))
    table.add_row("running since", f"{server.started} ({age})")
    table.add_row("url", server.url)
    table.add_row("root", str(root.path))
    table.add_row("on disk", f"{root.size() / 2**20:,.1f} MB")
    table.add_row("jobs run", LocalProcesses(root.path / "runs").unsandboxed or "in sandboxes of their own")
    sagemaker = lifecycle.client(root, server, "sagemaker")
    table.add_row("training jobs", _listed(lambda: lifecycle.jobs_in_progress(sagemaker)))
    table.add_row("endpoints", _listed(lambda: [f"{name} ({state})" for name, state in lifecycle.endpoints(sagemaker)]))
    Console(highlight=False, soft_wrap=True).print(table)


def _listed(ask: Callable[[], list[str]]) -> str:
    try:
        with aws_errors():
            return ", ".join(ask()) or "none"
    except Refused as error:
        return str(error)


def logs(root: Root, server: Server, group: str | None, follow: bool, since: str) -> None:
    client, console = lifecycle.client(root, server, "logs"), Console(highlight=False, markup=False, soft_wrap=True)
    with aws_errors():
        if group is None:
            for name in reading.groups(client):
                console.print(name)
            return
        start = int((SystemClock().now() - reading.duration(since)).timestamp() * 1000)
        try:
            for event in reading.events(client, group, start, follow):
                when = datetime.fromtimestamp(event["timestamp"] / 1000, UTC).isoformat(timespec="milliseconds")
                console.print(when, event.get("logStreamName", ""), event["message"].rstrip("\n"))
        except KeyboardInterrupt:
            return  # the normal end of --follow


def environment(system: Path) -> systems.Environment:
    """The system's virtual environment, made first where it is missing or outdated."""
    made = systems.Environment(system)
    if not made.ready():
        console = Console(stderr=True, highlight=False)
        with console.status(f"Preparing {system.name} …") as spinner:
            made.make(lambda line: spinner.update(f"Preparing {system.name}: [dim]{_plain(line)}"))
        console.print(f"{system.name} is prepared in {made.folder}")
    return made


def pulled(images: list[str], log: Path) -> bool:
    """Installs what the images lack; whether anything was. Raises Refused."""
    if not (families := pull.lacking(images)):
        return False
    console = Console(stderr=True, highlight=False)
    names = ", ".join(family.name for family in families)
    with console.status(f"Pulling {names} …") as spinner:
        pull.pull(families, log, lambda line: spinner.update(f"Pulling {names}: [dim]{_plain(line)}"))
    console.print(f"{names}: the libraries of their images are installed")
    return True


def ensure_up(root: Root) -> None:
    """Starts the cloud in the background unless it runs."""
    if root.server() is None:
        url = lifecycle.detach(root, Settings.read().port)
        Console(stderr=True, highlight=False).print(f"Skylab is ready on {url}")


def prepared(
    root: Root, program: str, target: str, system: Path, rest: list[str], named: bool
) -> tuple[list[str], dict[str, str]]:
    """What runs a system's run.py, and in which surroundings; its virtual environment is made, and the cloud is up.
    program: what was typed to get here. named: whether the root was. Raises Refused."""
    made, surroundings = environment(system), dict(os.environ)
    if target == "local":
        pulled(pull.needed(system), made.log.with_name("images.log"))
        ensure_up(root)
        surroundings = full(root, root.running())
        surroundings["IMAGE_BUILD"] = systems.builds(program, root.path.absolute())
    surroundings["RUN_AS"] = systems.typed(program, system.name, root.path if named else None, target)
    return [str(made.python), str(system / "run.py"), *rest], surroundings


def _plain(line: str) -> str:
    return line.replace("[", "\\[")


@contextmanager
def aws_errors() -> Iterator[None]:
    """Turns what the API refuses into one sentence."""
    from botocore.exceptions import BotoCoreError, ClientError

    try:
        yield
    except (BotoCoreError, ClientError) as error:
        raise Refused(f"Skylab answered: {error}") from None
