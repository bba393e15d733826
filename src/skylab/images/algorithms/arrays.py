"""Arrays in MXNet's file format, in which the first-party algorithms leave their models: mx.ndarray.load reads them.

    uint64 0x112, uint64 0 | uint64 count, arrays | uint64 count, names
    array: uint32 0xF993FAC9, int32 0 (dense), uint32 dimensions, int64 each, int32 1, int32 0 (CPU), int32 type, data

https://github.com/apache/mxnet/blob/1.9.1/src/ndarray/ndarray.cc (NDArray::Save)
"""

import struct
from typing import Any

import numpy

LIST, ARRAY = 0x112, 0xF993FAC9
TYPES = {0: "<f4", 1: "<f8", 3: "u1", 4: "<i4", 6: "<i8"}
NUMBERS = {numpy.dtype(kind): number for number, kind in TYPES.items()}


def written(arrays: dict[str, Any]) -> bytes:
    """A name that is empty leaves all of them without names: a list."""
    out = bytearray(struct.pack("<QQQ", LIST, 0, len(arrays)))
    for array in arrays.values():
        kept = numpy.ascontiguousarray(array)
        out += struct.pack("<IiI", ARRAY, 0, kept.ndim) + struct.pack(f"<{kept.ndim}q", *kept.shape)
        out += struct.pack("<iii", 1, 0, NUMBERS[kept.dtype]) + kept.tobytes()
    names = [name.encode() for name in arrays if name]
    out += struct.pack("<Q", len(names))
    for name in names:
        out += struct.pack("<Q", len(name)) + name
    return bytes(out)


def read(data: bytes) -> dict[str, Any]:
    """By name; a list's arrays by their numbers. Raises ValueError where data is not such a file."""
    try:
        return _read(data)
    except (struct.error, KeyError, UnicodeDecodeError) as error:
        raise ValueError(f"no file of arrays: {error}") from error


def _read(data: bytes) -> dict[str, Any]:
    magic, _, many = struct.unpack_from("<QQQ", data)
    if magic != LIST:
        raise ValueError("no file of arrays")
    at, arrays = 24, []
    for _ in range(many):
        array, at = _array(data, at)
        arrays.append(array)
    (named,), at = struct.unpack_from("<Q", data, at), at + 8
    names = [str(number) for number in range(many)]
    for number in range(min(named, many)):
        (length,), at = struct.unpack_from("<Q", data, at), at + 8
        names[number], at = data[at : at + length].decode(), at + length
    return dict(zip(names, arrays, strict=True))


def _array(data: bytes, at: int) -> tuple[Any, int]:
    magic, storage, dimensions = struct.unpack_from("<IiI", data, at)
    if magic != ARRAY or storage or dimensions > 32:
        raise ValueError(f"no dense array at byte {at}")
    at += 12
    shape = struct.unpack_from(f"<{dimensions}q", data, at)
    at += 8 * dimensions
    kind = numpy.dtype(TYPES[struct.unpack_from("<iii", data, at)[2]])
    at += 12
    size = int(numpy.prod(shape, dtype=object)) if shape else 1
    if min(shape, default=0) < 0 or size * kind.itemsize > len(data) - at:
        raise ValueError(f"the array at byte {at} is cut off")
    return numpy.frombuffer(data, kind, size, at).reshape(shape), at + size * kind.itemsize
