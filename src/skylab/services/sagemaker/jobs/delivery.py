"""Brings what a job made to S3: its model, its output, its checkpoints."""

import os
import tarfile
from pathlib import Path
from stat import S_ISDIR, S_ISLNK, S_ISREG
from typing import IO, Any

from botocore.exceptions import BotoCoreError, ClientError

from skylab.compute import leavings
from skylab.compute.leavings import Left
from skylab.services.sagemaker.jobs.staging import DataFailed, split

LEVEL = 3  # of gzip: models hardly get smaller, and the caller waits


def location(output: dict[str, Any], job: str, name: str) -> str:
    """Where "model" or "output" goes: an archive, or a folder where nothing is compressed."""
    base = f"{output['S3OutputPath'].rstrip('/')}/{job}/output/{name}"
    return base + "/" if output["CompressionType"] == "NONE" else base + ".tar.gz"


def deliver(s3: Any, folders: list[Left], uri: str, key_id: str, draft: Path) -> None:
    """The content of all folders at uri, one over the other. Raises DataFailed."""
    try:
        if uri.endswith("/"):
            for folder in folders:
                upload(s3, folder, uri, key_id)
        else:
            _pack(folders, draft)
            with draft.open("rb") as file:
                _put(s3, file, *split(uri), key_id)
    except (ClientError, BotoCoreError, OSError) as problem:
        raise DataFailed(f'ClientError: Artifact upload failed: {problem} ("{uri}")') from problem


def save(s3: Any, folder: Left, uri: str, known: dict[str, str], key_id: str = "", what: str = "Output") -> None:
    """The files that are new. Raises DataFailed."""
    try:
        upload(s3, folder, uri, key_id, known)
    except (ClientError, BotoCoreError, OSError) as problem:
        raise DataFailed(f'ClientError: {what} upload failed: {problem} ("{uri}")') from problem


def upload(s3: Any, folder: Left, uri: str, key_id: str = "", known: dict[str, str] | None = None) -> None:
    """Every regular file below folder. known: what was uploaded before by path, kept up to date; it is not repeated."""
    bucket, prefix = split(uri)
    for name, file in leavings.files(folder):
        stat = os.fstat(file.fileno())
        version = f"{stat.st_size} {stat.st_mtime_ns}"
        if known is None or known.get(name) != version:
            _put(s3, file, bucket, f"{prefix.rstrip('/')}/{name}".lstrip("/"), key_id)
            if known is not None:
                known[name] = version


def _put(s3: Any, file: IO[bytes], bucket: str, key: str, key_id: str) -> None:
    encrypted = {"ServerSideEncryption": "aws:kms", "SSEKMSKeyId": key_id} if key_id else {}
    s3.put_object(Bucket=bucket, Key=key, Body=file, **encrypted)


def _pack(folders: list[Left], draft: Path) -> None:
    with tarfile.open(draft, "w:gz", compresslevel=LEVEL) as archive:
        for folder in folders:
            for name, at in leavings.entries(folder):
                _add(archive, name, at)


def _add(archive: tarfile.TarFile, name: str, at: int) -> None:
    """A file, a folder, or a link as a link; pipes and devices are left out."""
    last = os.path.basename(name)
    found = os.stat(last, dir_fd=at, follow_symlinks=False)
    info = tarfile.TarInfo(name)
    info.mtime, info.mode = int(found.st_mtime), found.st_mode & 0o777
    if S_ISREG(found.st_mode):
        with leavings.file(last, at) as file:
            info.size = os.fstat(file.fileno()).st_size
            archive.addfile(info, file)
    elif S_ISDIR(found.st_mode) or S_ISLNK(found.st_mode):
        info.type = tarfile.DIRTYPE if S_ISDIR(found.st_mode) else tarfile.SYMTYPE
        info.linkname = os.readlink(last, dir_fd=at) if S_ISLNK(found.st_mode) else ""
        archive.addfile(info)
