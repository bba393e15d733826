"""RecordIO, MXNet's framing: a magic number, three bits of kind and 29 of length, the record, zeros up to four bytes.

A record that holds the magic number at a multiple of four may come in parts (kinds 1, 2, 3), with the number left out
between them. https://mxnet.apache.org/versions/1.9.1/api/architecture/note_data_loading
"""

import struct
from collections.abc import Iterable, Iterator

MAGIC = 0xCED7230A
HEAD = struct.Struct("<II")
LENGTH = (1 << 29) - 1
WHOLE, FIRST, MIDDLE, LAST = range(4)


def read(data: bytes) -> Iterator[bytes]:
    """The records. Raises ValueError where data is cut off or no RecordIO."""
    parts: list[bytes] = []
    at = 0
    while at < len(data):
        if at + HEAD.size > len(data):
            raise ValueError(f"a record's head is cut off at byte {at}")
        magic, word = HEAD.unpack_from(data, at)
        if magic != MAGIC:
            raise ValueError(f"no record begins at byte {at}")
        kind, length = word >> 29, word & LENGTH
        begin, end = at + HEAD.size, at + HEAD.size + length
        if end > len(data):
            raise ValueError(f"the record at byte {at} is cut off")
        if kind > LAST or (kind in (WHOLE, FIRST)) == bool(parts):
            raise ValueError(f"the record at byte {at} is of kind {kind}, which cannot be here")
        at = end + (-length) % 4
        parts.append(data[begin:end])
        if kind in (WHOLE, LAST):
            yield parts[0] if kind == WHOLE else MAGIC.to_bytes(4, "little").join(parts)
            parts = []
    if parts:
        raise ValueError("the last record has no end")


def written(records: Iterable[bytes]) -> bytes:
    """Each record whole. Raises ValueError for one of 512 MB and more."""
    out = bytearray()
    for record in records:
        if len(record) > LENGTH:
            raise ValueError(f"a record of {len(record)} bytes is too long")
        out += HEAD.pack(MAGIC, len(record)) + record + bytes((-len(record)) % 4)
    return bytes(out)
