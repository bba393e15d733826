"""Brings what a job made to S3: its model, its output, its checkpoints."""

import os
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from skylab.services.sagemaker.staging import DataFailed, split

LEVEL = 3  # of gzip: models hardly get smaller, and the caller waits


def location(output: dict[str, Any], job: str, name: str) -> str:
    """Where "model" or "output" goes: an archive, or a folder where nothing is compressed."""
    base = f"{output['S3OutputPath'].rstrip('/')}/{job}/output/{name}"
    return base + "/" if output["CompressionType"] == "NONE" else base + ".tar.gz"


def deliver(s3: Any, folders: list[Path], uri: str, key_id: str, draft: Path) -> None:
    """The content of all folders at uri, one over the other. Raises DataFailed."""
    try:
        if uri.endswith("/"):
            for folder in folders:
                upload(s3, folder, uri, key_id)
        else:
            _pack(folders, draft)
            _put(s3, draft, *split(uri), key_id)
    except (ClientError, BotoCoreError, OSError) as problem:
        raise DataFailed(f'ClientError: Artifact upload failed: {problem} ("{uri}")') from problem


def save(s3: Any, folder: Path, uri: str, known: dict[str, str]) -> None:
    """Checkpoints that are new. Raises DataFailed."""
    try:
        upload(s3, folder, uri, known=known)
    except (ClientError, BotoCoreError, OSError) as problem:
        raise DataFailed(f'ClientError: Checkpoint upload failed: {problem} ("{uri}")') from problem


def upload(s3: Any, folder: Path, uri: str, key_id: str = "", known: dict[str, str] | None = None) -> None:
    """Every regular file below folder. known: what was uploaded before by path, kept up to date; it is not repeated."""
    bucket, prefix = split(uri)
    for path in files(folder):
        name = path.relative_to(folder).as_posix()
        stat = path.stat()
        version = f"{stat.st_size} {stat.st_mtime_ns}"
        if known is None or known.get(name) != version:
            _put(s3, path, bucket, f"{prefix.rstrip('/')}/{name}".lstrip("/"), key_id)
            if known is not None:
                known[name] = version


def files(folder: Path) -> Iterator[Path]:
    """No links: they may lead to anywhere on this machine."""
    for where, _, names in os.walk(folder):
        for name in sorted(names):
            path = Path(where, name)
            if path.is_file() and not path.is_symlink():
                yield path


def _put(s3: Any, path: Path, bucket: str, key: str, key_id: str) -> None:
    encrypted = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key_id} if key_id else {}
    with path.open("rb") as file:
        s3.put_object(Bucket=bucket, Key=key, Body=file, **encrypted)


def _pack(folders: list[Path], draft: Path) -> None:
    with tarfile.open(draft, "w:gz", compresslevel=LEVEL) as archive:
        for folder in folders:
            for path in sorted(folder.iterdir()) if folder.is_dir() else []:
                archive.add(path, path.name, filter=_nobodys)


def _nobodys(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    return info
