"""The user's code: a sagemaker_submit_directory, in S3 or on disk, laid out in a folder."""

import os
import shutil
import tempfile
from pathlib import Path
from urllib.parse import urlsplit

from skylab.images import archive as archives
from skylab.images.failures import ClientError


def lay_out(uri: str, folder: Path) -> None:
    """Copies or unpacks uri into folder, over what is there.

    uri is s3://…/sourcedir.tar.gz, s3://…/file, a path or a file:// address of an archive, a file or a folder.
    A uri that is the folder itself means that the code is there already. Raises ClientError.
    """
    folder.mkdir(parents=True, exist_ok=True)
    if uri.startswith("s3://"):
        with tempfile.TemporaryDirectory() as draft:
            _take(_download(uri, Path(draft)), folder)
    else:
        path = Path(uri.removeprefix("file://"))
        if not path.exists():
            raise ClientError(f"The code at {uri} does not exist.")
        if path.resolve() != folder.resolve():
            _take(path, folder)


def _download(uri: str, folder: Path) -> Path:
    import boto3  # here, since it costs 200 ms that a job with local code need not pay
    from botocore.exceptions import BotoCoreError
    from botocore.exceptions import ClientError as Refused

    where = urlsplit(uri)
    path = folder / (os.path.basename(where.path) or "source")
    try:
        boto3.client("s3").download_file(where.netloc, where.path.lstrip("/"), str(path))
    except (Refused, BotoCoreError) as error:
        raise ClientError(f"The code at {uri} cannot be downloaded: {error}") from error
    return path


def _take(path: Path, folder: Path) -> None:
    if path.is_dir():
        shutil.copytree(path, folder, dirs_exist_ok=True)
    elif path.name.endswith((".tar.gz", ".tgz", ".tar")):
        unpack(path, folder)
    else:
        shutil.copy2(path, folder / path.name)


def unpack(archive: Path, folder: Path) -> None:
    """Unpacks only plain members that stay inside folder. Raises ClientError for any other archive."""
    try:
        archives.unpack(archive, folder)
    except archives.Refused as error:
        raise ClientError(f"The archive {archive.name} cannot be unpacked: {error}") from error
