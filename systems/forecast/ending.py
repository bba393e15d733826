"""What a run leaves that does not come to its end: no job that runs, with --delete no endpoint; and it says so."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import cloud
import report
import serving
from botocore.exceptions import BotoCoreError, ClientError
from progress import Run, console


@contextmanager
def tidied(this: Run) -> Iterator[None]:
    try:
        yield
    except BaseException:
        if this.acc:
            console.print(left(this, this.acc), markup=False, soft_wrap=True)
        raise


def left(this: Run, acc: cloud.Account) -> str:
    """Stop the jobs, delete the endpoint if that is wanted; what was done, and what still is up."""
    try:
        stopped = [name for name, kind in acc.running.items() if stops(acc, kind, name)]
        if this.args.delete:
            serving.delete(acc, this.name("ensemble"))
        up = serving.deployed(acc)
    except (BotoCoreError, ClientError) as error:
        named = ", ".join(acc.running) or "none"
        return f"What was left up is not known ({error}); jobs that may still run: {named}."
    said = f"Its jobs that still ran were stopped: {', '.join(stopped)}. " if stopped else "No job of it runs. "
    whose = "of this run" if up == this.name("ensemble") else "of an earlier run"
    said += f"The endpoint {whose} is up; {report.REMOVAL}. " if up else "No endpoint of it is up. "
    return f"{said}Data and models lie under s3://{acc.bucket}/{this.prefix}."


def stops(acc: cloud.Account, kind: str, name: str) -> bool:
    """Whether the job was still there to be stopped."""
    try:
        cloud.call(acc, "stop", kind, name)
    except ClientError as error:
        if error.response["Error"]["Code"] not in ("ValidationException", "ResourceNotFound"):
            raise
        return False
    return True
