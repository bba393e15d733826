"""Brings a job's inputs from S3 to where its program looks for them. Begins anew whenever it is repeated."""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from skylab.compute.pipes import Pipe

URI = re.compile(r"(?:s3|https)://([^/]+)/?(.*)", re.DOTALL)
CHUNK = 1 << 20


class DataFailed(Exception):
    """Data could not be moved; the text is for FailureReason."""


@dataclass(frozen=True)
class Object:
    bucket: str
    key: str
    name: str  # where it goes, below the channel's folder


def split(uri: str) -> tuple[str, str]:
    """Bucket and key."""
    if not (match := URI.fullmatch(uri)):
        raise DataFailed(f"ClientError: Data download failed: {uri} is not an S3 URI.")
    return match[1], match[2]


def objects(s3: Any, source: dict[str, Any]) -> list[Object]:
    """What an S3DataSource stands for, in the order of its listing. Raises DataFailed where that is nothing."""
    uri = source["S3Uri"]
    bucket, prefix = split(uri)
    try:
        manifest = source["S3DataType"] == "ManifestFile"
        found = list(_manifested(s3, bucket, prefix) if manifest else _below(s3, bucket, prefix))
    except (ClientError, BotoCoreError) as problem:
        raise failed(problem, uri) from problem
    if not found:
        raise DataFailed(
            f'ClientError: Data download failed: No S3 objects found under S3 URL "{uri}" given in input data source. '
            "Please ensure that the bucket exists in the selected region, that objects exist under that S3 prefix, "
            f'and that the role has "s3:ListBucket" permissions on bucket "{bucket}".'
        )
    return found


def failed(problem: Exception, uri: str) -> DataFailed:
    text = str(problem)
    if isinstance(problem, ClientError):
        error = problem.response["Error"]
        text = f"{error['Code']}: {error.get('Message', '')}"
    return DataFailed(f'ClientError: Data download failed: {text} ("{uri}")')


def _below(s3: Any, bucket: str, prefix: str) -> Iterator[Object]:
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
        for item in page.get("Contents", []):
            if not item["Key"].endswith("/"):
                yield Object(bucket, item["Key"], local_name(item["Key"], prefix))


def local_name(key: str, prefix: str) -> str:
    """The prefix is a string: p takes p/x to x, and p1.csv, which it begins as well, to p1.csv."""
    rest = key.removeprefix(prefix)
    if rest and (rest.startswith("/") or prefix.endswith("/") or not prefix):
        return rest.lstrip("/")
    return key[len(prefix.rpartition("/")[0]) :].lstrip("/")


def _manifested(s3: Any, bucket: str, key: str) -> Iterator[Object]:
    """[{"prefix": "s3://bucket/folder/"}, "relative/key", …]"""
    try:
        first, *names = json.loads(s3.get_object(Bucket=bucket, Key=key)["Body"].read())
        where, prefix = split(first["prefix"])
        if not all(isinstance(name, str) for name in names):
            raise TypeError
    except (ValueError, TypeError, KeyError, RecursionError):
        problem = f'ClientError: Data download failed: The manifest "s3://{bucket}/{key}" cannot be read.'
        raise DataFailed(problem) from None
    for name in names:
        yield Object(where, prefix + name, name)


def shard(found: list[Object], source: dict[str, Any], index: int, count: int) -> list[Object]:
    """What one of the hosts that a channel reaches is given."""
    return found[index::count] if source.get("S3DataDistributionType") == "ShardedByS3Key" else found


def download(s3: Any, wanted: list[Object], folder: Path) -> list[Path]:
    """Raises DataFailed."""
    folder.mkdir(parents=True, exist_ok=True)
    return [_fetch(s3, each, folder, each.name) for each in wanted]


def download_stream(s3: Any, wanted: list[Object], folder: Path) -> list[Path]:
    """As download, but under numbers: a stream has an order and no names."""
    folder.mkdir(parents=True, exist_ok=True)
    return [_fetch(s3, each, folder, f"{n:09d}") for n, each in enumerate(wanted)]


def _fetch(s3: Any, item: Object, folder: Path, name: str) -> Path:
    path, uri = folder / name, f"s3://{item.bucket}/{item.key}"
    if not path.resolve().is_relative_to(folder.resolve()) or "\0" in name:
        raise DataFailed(f'ClientError: Data download failed: "{uri}" does not name a file of its channel.')
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("wb") as file:
            shutil.copyfileobj(s3.get_object(Bucket=item.bucket, Key=item.key)["Body"], file, CHUNK)
    except (ClientError, BotoCoreError) as problem:
        raise failed(problem, uri) from problem
    except (FileExistsError, IsADirectoryError, NotADirectoryError):
        problem_text = f'ClientError: Data download failed: "{uri}" is both a file and a folder.'
        raise DataFailed(problem_text) from None
    except OSError as problem:  # a disk that is full, a name that is too long
        raise failed(problem, uri) from problem
    return path


def pipe(channel: dict[str, Any], files: list[Path]) -> Pipe:
    seed = channel.get("ShuffleConfig", {}).get("Seed")
    return Pipe(
        f"/opt/ml/input/data/{channel['ChannelName']}",
        [str(path) for path in files],
        gzip=channel["CompressionType"] == "Gzip",
        recordio=channel["RecordWrapperType"] == "RecordIO",
        shuffle_seed=seed,
    )
