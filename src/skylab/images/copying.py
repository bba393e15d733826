"""Copies files inside the view of an image: the COPY, ADD and WORKDIR of a Dockerfile. Run in the sandbox, so that a
link of an image's, or of a stranger's archive, leads nowhere but inside. The standard library only.

    copying.py '{"from": folder, "sources": […], "target": path, "chmod": "", "unpack": false}'
"""

import glob
import json
import os
import shutil
import sys
import tarfile
import urllib.request
from pathlib import Path
from typing import Any


def main(order: dict[str, Any]) -> None:
    target = order["target"]
    if not order["sources"]:
        return os.makedirs(target, exist_ok=True)
    for source in order["sources"]:
        if order["unpack"] and source.startswith(("http://", "https://")):
            copied = [_fetch(source, _place(source, target))]
        else:
            copied = [each for path in _found(order["from"], source) for each in _copy(path, target, order["unpack"])]
        for path in copied if order["chmod"] else ():
            os.chmod(path, int(order["chmod"], 8))


def _found(folder: str, source: str) -> list[str]:
    """What a source stands for, patterns included."""
    name = os.path.normpath("/" + source).lstrip("/")
    found = [os.path.join(folder, each) for each in sorted(glob.glob(name, root_dir=folder, include_hidden=True))]
    if not name:
        return [folder]
    if not found:
        raise SystemExit(f"There is no {source} to copy: it is not there, or .dockerignore names it.")
    return found


def _place(source: str, target: str) -> str:
    if target.endswith("/") or os.path.isdir(target):
        return os.path.join(target, os.path.basename(source))
    return target


def _fetch(url: str, path: str) -> str:
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with urllib.request.urlopen(url) as answer, open(path, "wb") as file:
        shutil.copyfileobj(answer, file)
    return path


def _copy(source: str, target: str, unpack: bool) -> list[str]:
    if os.path.isdir(source) and not os.path.islink(source):
        shutil.copytree(source, target, symlinks=True, dirs_exist_ok=True)
        return [str(path) for path in (Path(target) / found.relative_to(source) for found in Path(source).rglob("*"))]
    if unpack and os.path.isfile(source) and tarfile.is_tarfile(source):
        os.makedirs(target, exist_ok=True)
        with tarfile.open(source) as archive:
            archive.extractall(target, filter="tar")
        return []
    path = _place(source, target)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    shutil.copy2(source, path, follow_symlinks=False)
    return [path]


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
