"""What a model was trained to be: fetched from S3 and unpacked into a folder, safely and repeatably."""

import os
import re
import shutil
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from skylab.images.archive import Refused, unpack

HTTPS = re.compile(r"https://(?P<bucket>.+?)\.s3[.-][a-z0-9-]+\.amazonaws\.com/(?P<key>.+)")


class Unavailable(Exception):
    """The model's data cannot be had; the text is for the endpoint's FailureReason."""


MORE = "additional-model-data-sources"


def fetch(s3: Any, variant: dict[str, Any], folder: Path) -> None:
    """What each container of a variant has, in folders that part() names. Raises Unavailable."""
    for number, container in enumerate([variant, *variant.get("others", [])]):
        own = part(folder, number)
        _fetch(s3, container, own)
        for channel, source in container.get("more", {}).items():
            _fetch(s3, {"host": container["host"], "source": source}, more(own) / channel)


def part(folder: Path, number: int) -> Path:
    """Where the data of a variant's container lies: the first one's at folder itself."""
    return folder.with_name(f"{folder.name}-{number}") if number else folder


def more(folder: Path) -> Path:
    """What a container has beside its model, a folder for each channel."""
    return folder.with_name(f"{folder.name}.more")


def _fetch(s3: Any, variant: dict[str, Any], folder: Path) -> None:
    """Makes folder, with what the container's model has; nothing when it is there already. Raises Unavailable."""
    if folder.exists():
        return
    draft = folder.with_name(f"{folder.name}.draft")
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir(parents=True)
    name = variant.get("host", "container_1")
    url = variant["source"].get("S3Uri") or variant["url"]
    try:
        if variant["source"].get("CompressionType") == "None":
            _tree(s3, url, draft, variant["source"]["S3DataType"] == "S3Prefix")
        elif url:
            _archive(s3, url, draft)
    except (ClientError, BotoCoreError) as problem:
        raise Unavailable(
            f'Failed to download model data for container "{name}" from URL: "{url}". Please ensure that there is '
            "an object located at the URL and that the role passed to CreateModel has permissions to download the "
            f"object. {problem}"
        ) from problem
    except (Refused, OSError) as problem:
        raise Unavailable(
            f'Failed to extract model data archive for container "{name}" from URL "{url}". Please ensure that '
            f"the object located at the URL is a valid tar.gz archive. {problem}"
        ) from problem
    os.rename(draft, folder)


def place(url: str) -> tuple[str, str]:
    """(bucket, key) of s3://bucket/key or https://bucket.s3.region.amazonaws.com/key."""
    if found := HTTPS.fullmatch(url):
        return found["bucket"], found["key"]
    bucket, _, key = url.removeprefix("s3://").partition("/")
    return bucket, key


def _archive(s3: Any, url: str, folder: Path) -> None:
    archive = folder.with_name(f"{folder.name}.tar.gz")
    s3.download_file(*place(url), str(archive))
    unpack(archive, folder)
    archive.unlink()


def _tree(s3: Any, url: str, folder: Path, prefix: bool) -> None:
    bucket, key = place(url)
    if not prefix:
        s3.download_file(bucket, key, str(folder / key.rpartition("/")[2]))
        return
    if not s3.list_objects_v2(Bucket=bucket, Prefix=key, MaxKeys=1).get("Contents"):
        raise ClientError({"Error": {"Code": "404", "Message": "No object begins with it."}}, "ListObjectsV2")
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=key):
        for entry in page.get("Contents", []):
            path = (folder / entry["Key"].removeprefix(key).lstrip("/")).resolve()
            if path.is_relative_to(folder.resolve()) and not entry["Key"].endswith("/"):
                path.parent.mkdir(parents=True, exist_ok=True)
                s3.download_file(bucket, entry["Key"], str(path))
