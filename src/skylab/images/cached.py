"""The shared environment of a requirements.txt, asked of the platform: who runs it installs it, we only read it."""

import fcntl
import http.client
import json
import os
import time
from pathlib import Path
from urllib.parse import urlsplit

PAUSE = 0.1  # seconds between two questions
USED = "SKYLAB_REQUIREMENTS"  # where to ask; not set under network isolation, nor outside of a platform


def shared(text: str) -> Path | None:
    """The environment, ours to read until we end; None where there is none, and the log says why."""
    where = os.environ.get(USED)
    if not where:
        return None
    if own := sorted(name for name in os.environ if name.startswith("PIP_")):
        return _none(f"{', '.join(own)} of this job")
    told = False
    try:
        while (answer := _ask(where, text)).get("state") == "installing":
            if not told:
                print("Installing dependencies from requirements.txt into a shared environment", flush=True)
            told = True
            time.sleep(PAUSE)
    except (OSError, ValueError, http.client.HTTPException) as problem:
        return _none(f"it cannot be asked for: {problem!r}")
    if "folder" not in answer:
        return _none(answer.get("message", "the platform does not say why"))
    return _held(Path(answer["folder"]))


def _none(reason: str) -> Path | None:
    print(f"The environment of requirements.txt is this job's own, not cached: {reason}", flush=True)
    return None


def _ask(where: str, text: str) -> "dict[str, str]":
    url = urlsplit(where)
    connection = http.client.HTTPConnection(url.netloc, timeout=60)  # no proxy: it is on this machine
    headers = {"Authorization": os.environ.get("AWS_CONTAINER_AUTHORIZATION_TOKEN", "")}
    try:
        connection.request("POST", url.path, text.encode(), headers)
        answer = json.loads(connection.getresponse().read())
        if not isinstance(answer, dict):
            raise ValueError(answer)
        return answer
    finally:
        connection.close()


def _held(folder: Path) -> Path | None:
    """Locked until this process ends, as long as which it is not purged. Nobody is waited for: who else may see it may
    lock it, too."""
    try:
        fcntl.flock(os.open(folder, os.O_RDONLY), fcntl.LOCK_SH | fcntl.LOCK_NB)
        place = folder / (folder / "ready").read_text().strip()
    except OSError as problem:
        return _none(f"it cannot be seen from here: {problem}")
    there = ", ".join(sorted(found.stem for found in place.glob("*.dist-info")))
    print(f"Dependencies of requirements.txt come from a shared environment: {there or 'all are there'}", flush=True)
    return folder
