"""The command line: each command one clear sentence; whatever goes wrong, one sentence that says what helps.

Only this module knows Typer and Rich. What a command does not need is not imported for it: `skylab up` starts in well
under a second because of that.
"""

import os
import sys
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from skylab import __version__
from skylab.root import Refused, Root
from skylab.settings import BadSetting, Settings

app = typer.Typer(
    name="skylab",
    help="The AWS machine-learning stack, running for real on this machine.",
    epilog='Example: skylab up --detach && eval "$(skylab env)" && aws s3 ls',
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
RootOption = Annotated[
    Path, typer.Option("--root", envvar="SKYLAB_ROOT", help="Folder that holds everything the cloud knows.")
]
HERE = Path(".skylab")
REST = {"allow_extra_args": True, "ignore_unknown_options": True, "allow_interspersed_args": False}


def show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"skylab {__version__}")
        raise typer.Exit()


@app.callback()
def about(
    version: Annotated[bool, typer.Option("--version", callback=show_version, is_eager=True, help="Show it.")] = False,
) -> None:
    pass


@app.command(epilog="Example: skylab up --detach")
def up(
    root: RootOption = HERE,
    port: Annotated[int | None, typer.Option(min=0, max=65534, help="Port of the API; 4566 unless told.")] = None,
    detach: Annotated[bool, typer.Option("--detach", "-d", help="Go to the background once it is ready.")] = False,
) -> None:
    """Start the cloud."""
    settings = Settings.read(port=port)
    if detach:
        from skylab.commands.lifecycle import detach as start

        return typer.echo(f"Skylab is ready on {start(Root(root), settings.port)}")
    import logging

    from skylab.server import serve

    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    serve(root, settings, lambda url: typer.echo(f"Skylab is ready on {url}\nCtrl-C stops it; running jobs go on."))
    typer.echo("Skylab has stopped. Running jobs go on; the next `skylab up` takes them over.")


@app.command(epilog='Example: eval "$(skylab env)"')
def env(
    root: RootOption = HERE,
    port: Annotated[int | None, typer.Option(help="Port to name, where something forwards another to Skylab.")] = None,
    shell: Annotated[str, typer.Option(help="sh, fish or json.")] = "sh",
    https: Annotated[
        bool, typer.Option("--https", help="Name the encrypted port; AWS_CA_BUNDLE vouches for it.")
    ] = False,
) -> None:
    """Print the environment that leads AWS programs here."""
    from dataclasses import replace

    from skylab.commands.environment import basic, written

    if shell not in ("sh", "fish", "json"):
        raise Refused(f"--shell {shell} is not known: write sh, fish or json.")
    server = Root(root).running()
    if port:
        server = replace(server, port=port, https_port=port)
    typer.echo(written(basic(Root(root), server, https=https), shell))


@app.command("exec", context_settings=REST, epilog="Example: skylab exec -- python train.py")
def execute(context: typer.Context, root: RootOption = HERE) -> None:
    """Run a program unchanged against the local cloud."""
    from skylab.commands.environment import full
    from skylab.commands.systems import replace_process

    if not context.args:
        raise Refused("There is nothing to run: write the command after --, as in `skylab exec -- python train.py`.")
    replace_process(context.args, full(Root(root), Root(root).running()))


@app.command(epilog="Example: skylab status")
def status(root: RootOption = HERE) -> None:
    """Show what runs: the server, its jobs and its endpoints."""
    from skylab.commands import screens

    if (server := Root(root).server()) is None:
        state = "is starting" if Root(root).locked() else "does not run: start it with `skylab up --detach`"
        typer.echo(f"Skylab {state}. Its folder is {Root(root).path}.")
        raise typer.Exit(1)
    screens.status(Root(root), server)


@app.command(epilog="Example: skylab logs /aws/sagemaker/TrainingJobs --follow")
def logs(
    root: RootOption = HERE,
    group: Annotated[str | None, typer.Argument(help="A log group; without one, the groups are listed.")] = None,
    follow: Annotated[bool, typer.Option("--follow", "-f", help="Go on printing what comes.")] = False,
    since: Annotated[str, typer.Option(help="How far to look back: 30s, 10m, 2h, 1d.")] = "10m",
) -> None:
    """Print a log group of CloudWatch Logs."""
    from skylab.commands import screens

    screens.logs(Root(root), Root(root).running(), group, follow, since)


@app.command(epilog="Example: skylab interrupt my-job --away 60")
def interrupt(
    job: Annotated[str, typer.Argument(help="A training job that uses managed spot training.")],
    root: RootOption = HERE,
    away: Annotated[float, typer.Option(min=0, help="Seconds until there is Spot capacity again.")] = 0,
) -> None:
    """Take a job's Spot instances back, to see it resume."""
    from skylab.commands.interrupt import interrupt as take_back

    typer.echo(take_back(Root(root), job, away))


images = typer.Typer(help="Build container images without Docker; pull AWS's.", no_args_is_help=True)
app.add_typer(images, name="image")


@images.command("build", epilog="Example: skylab image build container/ -t my-model:1")
def build_image(
    folder: Annotated[Path, typer.Argument(help="Folder of the Dockerfile and what it copies.", exists=True)],
    tag: Annotated[str, typer.Option("--tag", "-t", help="[registry/]repository[:tag], as jobs are to name it.")],
    root: RootOption = HERE,
    file: Annotated[Path | None, typer.Option("--file", "-f", help="Another Dockerfile than DIR/Dockerfile.")] = None,
    build_arg: Annotated[list[str] | None, typer.Option(help="NAME=value of an ARG; may be repeated.")] = None,
    target: Annotated[str, typer.Option(help="The stage to stop at.")] = "",
    no_cache: Annotated[bool, typer.Option("--no-cache", help="Run every step anew.")] = False,
    builder: Annotated[str, typer.Option(help="auto (Docker or Podman if one runs), skylab, docker, podman.")] = "auto",
) -> None:
    """Build an image from a Dockerfile, and put it into the cloud's registry (ECR)."""
    from skylab.commands.image import Wanted, build

    wanted = Wanted(folder, tag, file, target, not no_cache, builder, build_arg or [])
    typer.echo(f"Built {build(Root(root), wanted, typer.echo)}")


@images.command("pull", epilog="Example: skylab image pull pytorch-training")
def pull_image(
    names: Annotated[list[str], typer.Argument(help="AWS's images, by repository or whole address.")],
) -> None:
    """Install what the programs that stand in for AWS's images lack, such as PyTorch."""
    from skylab.commands.pull import notices
    from skylab.commands.screens import pulled

    if not pulled(names, Path("skylab-pull.log")):
        typer.echo("All that they need is installed.")
    for notice in notices(names):
        typer.echo(f"Note: {notice}.")


@app.command(epilog="Example: skylab down")
def down(root: RootOption = HERE) -> None:
    """Stop the cloud; running jobs go on, and nothing is lost."""
    from skylab.commands.lifecycle import down as end

    typer.echo(end(Root(root)))


@app.command(epilog="Example: skylab reset --yes")
def reset(
    root: RootOption = HERE,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
) -> None:
    """Delete everything the cloud knows: data, models, logs."""
    from skylab.commands import lifecycle

    lifecycle.check_reset(Root(root))
    running = len(lifecycle.orphans(Root(root)))
    jobs = f" {running} running jobs and replicas are killed." if running else ""
    if not yes and not typer.confirm(f"Delete {Root(root).path} and everything in it?{jobs}"):
        raise typer.Exit(1)
    lifecycle.reset(Root(root))
    typer.echo(f"{Root(root).path} is gone.")


@app.command(
    context_settings={"allow_extra_args": True, "ignore_unknown_options": True}, epilog="Example: skylab run mlops"
)
def run(
    context: typer.Context,
    system: Annotated[str, typer.Argument(help="A folder in systems/, such as mlops; or all of them: all.")],
    root: RootOption = HERE,
    target: Annotated[str, typer.Option(help="local: this cloud. aws: your own account, which costs money.")] = "local",
    data: Annotated[Path | None, typer.Option(help="Your own data instead of the system's.")] = None,
) -> None:
    """Deploy and drive one of the systems, or all, here or on AWS. What it does not know goes to the system."""
    from skylab.commands import screens, suite
    from skylab.commands.systems import check_aws, every, find, replace_process

    if target not in ("local", "aws"):
        raise Refused(f"--target {target} is not known: write local or aws.")
    if system == "all" and data:
        raise Refused("--data is of one system, and each wants other files: name the system instead of all.")
    folders = every(Path.cwd()) if system == "all" else {system: find(system, Path.cwd())}
    if target == "aws":
        check_aws(os.environ)
    start = partial(screens.prepared, Root(root), sys.argv[0], target, named=root != HERE)
    if system == "all":
        failed = suite.run(folders, lambda folder, summary: start(folder, [*context.args, "--summary", str(summary)]))
        raise typer.Exit(1 if failed else 0)
    replace_process(*start(folders[system], [*(["--data", str(data.absolute())] if data else []), *context.args]))


def main() -> None:
    try:
        app()
    except (Refused, BadSetting) as error:
        typer.echo(f"skylab: {error}", err=True)
        sys.exit(2)
    except BrokenPipeError:  # `skylab logs | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)


if __name__ == "__main__":
    main()
