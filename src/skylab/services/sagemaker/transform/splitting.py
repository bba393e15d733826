"""Objects cut into records, and records put into payloads; never more of an object in memory than one payload.

RecordIO is MXNet's: magic, length and flag, content, padding (dmlc/recordio.h). TFRecord is TensorFlow's: length, its
checksum, content, its checksum (https://www.tensorflow.org/tutorials/load_data/tfrecord).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from skylab.services.sagemaker.transform.joining import BadData

MAGIC = 0xCED7230A
LENGTH = (1 << 29) - 1
WHOLE, FIRST, MIDDLE, LAST = range(4)
TOO_MUCH = "Too much data for max payload size"


@dataclass(frozen=True)
class Record:
    raw: bytes  # as it lies in the object
    content: bytes  # without what wraps it


def records(file: IO[bytes], split: str, limit: int) -> Iterator[Record]:
    """Raises BadData for what is not of the format, or is longer than limit bytes."""
    found = {"None": _whole, "Line": _lines, "RecordIO": _recordio, "TFRecord": _tfrecord}[split]
    for record in found(file, limit):
        if len(record.content) > limit:
            raise BadData(TOO_MUCH)
        yield record


def batches(found: Iterator[Record], several: bool, limit: int) -> Iterator[list[Record]]:
    """One record each, or as many as fit into limit bytes."""
    batch: list[Record] = []
    size = 0
    for record in found:
        if batch and (not several or size + len(record.raw) > limit):
            yield batch
            batch, size = [], 0
        batch.append(record)
        size += len(record.raw)
    if batch:
        yield batch


def _whole(file: IO[bytes], limit: int) -> Iterator[Record]:
    content = file.read(limit + 1)
    yield Record(content, content)


def _lines(file: IO[bytes], limit: int) -> Iterator[Record]:
    while line := file.readline(limit + 2):
        if content := line.rstrip(b"\r\n"):
            yield Record(line, content)


def _recordio(file: IO[bytes], limit: int) -> Iterator[Record]:
    raw = content = b""
    while head := file.read(8):
        magic, told = struct.unpack("<II", head) if len(head) == 8 else (0, 0)
        if magic != MAGIC:
            raise BadData("The data is not in RecordIO format")
        flag, length = told >> 29, told & LENGTH
        if len(content) + length > limit:
            raise BadData(TOO_MUCH)
        part = _exactly(file, length, "RecordIO")
        raw += head + part + _exactly(file, -length % 4, "RecordIO")
        # where a record is cut, the magic number stood: it is what the cut is made for
        content += part if flag in (WHOLE, FIRST) else struct.pack("<I", MAGIC) + part
        if flag in (WHOLE, LAST):
            yield Record(raw, content)
            raw = content = b""
    if raw:
        raise BadData("The data is not in RecordIO format")


def _tfrecord(file: IO[bytes], limit: int) -> Iterator[Record]:
    while head := file.read(12):
        if len(head) < 12:
            raise BadData("The data is not in TFRecord format")
        (length,) = struct.unpack("<Q", head[:8])
        if length > limit:
            raise BadData(TOO_MUCH)
        content = _exactly(file, length, "TFRecord")
        yield Record(head + content + _exactly(file, 4, "TFRecord"), content)


def _exactly(file: IO[bytes], size: int, format: str) -> bytes:
    content = file.read(size)
    if len(content) < size:
        raise BadData(f"The data is not in {format} format")
    return content
