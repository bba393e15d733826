"""aialgs.data.Record, the protobuf message of the built-in algorithms, read and written at the wire.

    Record { map<string, Value> features = 1; map<string, Value> label = 2; string uid = 3; ... }
    Value  { oneof { Float32Tensor = 2; Float64Tensor = 3; Int32Tensor = 7; Bytes = 9 } }
    Tensor { repeated values = 1; repeated uint64 keys = 2; repeated uint64 shape = 3 }   (packed or not)

By hand, because the message is small, tensors become arrays without a detour over Python numbers, and what is read may
be hostile: nothing is allocated that the bytes do not hold. https://docs.aws.amazon.com/sagemaker/latest/dg/cdf-training.html
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
TENSORS = {2: "<f4", 3: "<f8", 7: "varint"}
FEATURES, LABEL = 1, 2


@dataclass(frozen=True)
class Tensor:
    """keys: None for a dense tensor, else the places of its values in an array of shape."""

    values: Any
    keys: Any = None
    shape: tuple[int, ...] = ()


@dataclass(frozen=True)
class Record:
    features: dict[str, Tensor] = field(default_factory=dict)
    label: dict[str, Tensor] = field(default_factory=dict)


def read(data: bytes | memoryview) -> Record:
    """The arrays look into data where they can. Raises ValueError for bytes that are no Record."""
    features: dict[str, Tensor] = {}
    label: dict[str, Tensor] = {}
    for number, value in _fields(memoryview(data)):
        if number in (FEATURES, LABEL):
            name, tensor = _entry(_bytes(value))
            (features if number == FEATURES else label)[name] = tensor
    return Record(features, label)


def written(label: dict[str, list[float]]) -> bytes:
    """A Record of float32 labels, as the algorithms answer."""
    out = bytearray()
    for name, values in label.items():
        packed = numpy.asarray(values, dtype="<f4").tobytes()
        tensor = _framed(2, _framed(1, packed))
        out += _framed(LABEL, _framed(1, name.encode()) + _framed(2, tensor))
    return bytes(out)


def _entry(data: memoryview) -> tuple[str, Tensor]:
    name, tensor = "", Tensor(numpy.empty(0, dtype="<f4"))
    for number, value in _fields(data):
        if number == 1:
            name = bytes(_bytes(value)).decode("utf-8")
        elif number == 2:
            tensor = _value(_bytes(value))
    return name, tensor


def _value(data: memoryview) -> Tensor:
    for number, value in _fields(data):
        if number in TENSORS:
            return _tensor(_bytes(value), TENSORS[number])
        if number == 9:
            raise ValueError("a feature of bytes is not a tensor")
    raise ValueError("a value is neither of float32, float64 nor int32")


def _tensor(data: memoryview, kind: str) -> Tensor:
    values: list[Any] = []
    keys: list[int] = []
    shape: list[int] = []
    for number, value in _fields(data):
        if number == 1:
            values.append(_numbers(value, kind))
        elif number in (2, 3):
            (keys if number == 2 else shape).extend(_varints(value) if isinstance(value, memoryview) else [int(value)])
    joined = values[0] if len(values) == 1 else numpy.concatenate([numpy.empty(0), *values])
    return Tensor(joined, _places(keys, len(joined), shape), tuple(shape))


def _places(keys: list[int], values: int, shape: list[int]) -> Any:
    if not keys and (values or not shape):
        return None
    if len(keys) != values:
        raise ValueError(f"{len(keys)} keys do not fit {values} values")
    if max((*keys, *shape), default=0) >= 1 << 31:
        raise ValueError("a key or a shape is beyond 31 bits")
    return numpy.array(keys, dtype=numpy.int64)


def _numbers(value: Any, kind: str) -> Any:
    if kind == "varint":
        numbers = _varints(value) if isinstance(value, memoryview) else [int(value)]
        return numpy.array([(n + (1 << 31)) % (1 << 32) - (1 << 31) for n in numbers], dtype=numpy.int32)
    width = int(kind[-1])
    raw = value if isinstance(value, memoryview) else int(value).to_bytes(8, "little")[:width]
    if len(raw) % width:
        raise ValueError(f"{len(raw)} bytes are no numbers of {width}")
    return numpy.frombuffer(raw, dtype=kind)


def _fields(data: memoryview) -> Iterator[tuple[int, Any]]:
    """(number, memoryview | int) of each field."""
    at = 0
    while at < len(data):
        tag, at = _varint(data, at)
        kind = tag & 7
        value: Any
        if kind == BYTES:
            length, at = _varint(data, at)
            value, at = data[at : at + length], at + length
        elif kind == VARINT:
            value, at = _varint(data, at)
        elif kind in (FIXED32, FIXED64):
            width = 4 if kind == FIXED32 else 8
            value, at = int.from_bytes(data[at : at + width], "little"), at + width
        else:
            raise ValueError(f"wire type {kind}")
        if at > len(data):
            raise ValueError("a field is cut off")
        yield tag >> 3, value


def _bytes(value: Any) -> memoryview:
    if not isinstance(value, memoryview):
        raise ValueError("a number stands where a message should")
    return value


def _varints(data: memoryview) -> list[int]:
    numbers, at = [], 0
    while at < len(data):
        number, at = _varint(data, at)
        numbers.append(number)
    return numbers


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    number = shift = 0
    while shift < 70:
        if at >= len(data):
            raise ValueError("a number is cut off")
        byte = data[at]
        at += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number & 0xFFFF_FFFF_FFFF_FFFF, at
        shift += 7
    raise ValueError("a number has more than ten bytes")


def _framed(number: int, data: bytes) -> bytes:
    length = bytearray()
    left = len(data)
    while left > 0x7F:
        length.append(left & 0x7F | 0x80)
        left >>= 7
    length.append(left)
    return struct.pack("B", number << 3 | BYTES) + bytes(length) + data
