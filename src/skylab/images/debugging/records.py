"""Tensors as bytes: TFRecord frames, each around one TensorFlow Event that holds one tensor.

What is used of the messages is spelled out by field numbers, those of smdebug's event.proto, summary.proto and
tensor.proto (https://github.com/awslabs/sagemaker-debugger); smdebug's own protobuf classes need a protobuf of 2022.
A frame is: length, masked CRC-32C of the length, the event, masked CRC-32C of a constant (smdebug's "minimal" check).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

MODES = {"TRAIN": 1, "EVAL": 2, "PREDICT": 3, "GLOBAL": 4}
TYPES = {  # numpy's name -> TensorFlow's DataType
    **{"float32": 1, "float64": 2, "int32": 3, "uint8": 4, "int16": 5, "int8": 6, "complex64": 8, "int64": 9},
    **{"bool": 10, "uint16": 17, "complex128": 18, "float16": 19, "uint32": 22, "uint64": 23},
}
STRING = 7
CONSTANT = b"0x12345678"  # what smdebug takes the second checksum of
HEADER, FOOTER = 12, 4
VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5


@dataclass(frozen=True)
class Saved:
    name: str
    step: int
    mode: str
    mode_step: int
    value: np.ndarray[Any, Any]


def frame(event: bytes, checked: bytes = CONSTANT) -> bytes:
    """checked: what the second checksum is of; TensorBoard wants that of the event itself."""
    length = struct.pack("<Q", len(event))
    return length + struct.pack("<I", _masked(length)) + event + struct.pack("<I", _masked(checked))


def encode(saved: Saved, time: float) -> bytes:
    """time: seconds since the epoch."""
    plugins = [("mode_step", saved.mode_step), ("mode", MODES[saved.mode])]
    metadata = b"".join(_bytes(1, _text(1, name) + _text(2, str(content))) for name, content in plugins)
    value = _text(1, saved.name) + _bytes(9, metadata) + _bytes(8, _tensor(saved.name, saved.value))
    return _time(time) + _number(2, saved.step) + _bytes(5, _bytes(1, value))


def scalar(name: str, value: float, step: int, time: float) -> bytes:
    """An event that TensorBoard draws."""
    simple = _text(1, name) + bytes([2 << 3 | FIXED32]) + struct.pack("<f", value)
    return _time(time) + _number(2, step) + _bytes(5, _bytes(1, simple))


def decode(record: bytes) -> Saved:
    """One frame with its event. Raises ValueError where it is not whole."""
    (length,) = struct.unpack_from("<Q", record)
    event = record[HEADER : HEADER + length]
    if len(event) != length:
        raise ValueError("the record is not whole")
    found = _fields(event)
    value = _fields(_fields(found[5][0])[1][0])
    told = {}
    for plugin in _fields(value[9][0]).get(1, []):
        named = _fields(plugin)
        told[named[1][0].decode()] = int(named[2][0])
    mode = next(name for name, number in MODES.items() if number == told.get("mode", 4))
    step = found.get(2, [0])[0]
    return Saved(value[1][0].decode(), step, mode, told.get("mode_step", step), _array(_fields(value[8][0])))


def _tensor(name: str, value: np.ndarray[Any, Any]) -> bytes:
    dims = (_bytes(2, _number(1, size) + _text(2, f"{name}_{size}")) for size in value.shape)
    shape = _bytes(2, b"".join(dims))
    if value.dtype.kind in "USO":
        return shape + b"".join(_text(8, str(each)) for each in value.ravel())
    return _number(1, TYPES[value.dtype.name]) + shape + _bytes(4, value.tobytes())


def _array(tensor: dict[int, list[Any]]) -> np.ndarray[Any, Any]:
    dims = [_fields(dim).get(1, [0])[0] for dim in _fields(tensor[2][0]).get(2, [])] if 2 in tensor else []
    if 4 not in tensor:
        return np.array([text.decode() for text in tensor.get(8, [])])
    name = next(name for name, number in TYPES.items() if number == tensor[1][0])
    return np.frombuffer(tensor[4][0], dtype=name).reshape(dims)


def _time(seconds: float) -> bytes:
    return bytes([1 << 3 | FIXED64]) + struct.pack("<d", seconds)


def _number(field: int, value: int) -> bytes:
    return bytes([field << 3 | VARINT]) + _varint(value)


def _text(field: int, value: str) -> bytes:
    return _bytes(field, value.encode())


def _bytes(field: int, value: bytes) -> bytes:
    return bytes([field << 3 | BYTES]) + _varint(len(value)) + value


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    out.append(value)
    return bytes(out)


def _fields(message: bytes) -> dict[int, list[Any]]:
    found: dict[int, list[Any]] = {}
    for field, value in _parsed(message):
        found.setdefault(field, []).append(value)
    return found


def _parsed(message: bytes) -> Iterator[tuple[int, Any]]:
    at = 0
    while at < len(message):
        tag, at = _read_varint(message, at)
        kind = tag & 7
        if kind == VARINT:
            value, at = _read_varint(message, at)
            yield tag >> 3, value
            continue
        size, at = _read_varint(message, at) if kind == BYTES else ({FIXED64: 8, FIXED32: 4}[kind], at)
        yield tag >> 3, message[at : at + size]
        at += size


def _read_varint(message: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at


def _table() -> list[int]:
    table = []
    for byte in range(256):
        for _ in range(8):
            byte = byte >> 1 ^ (0x82F63B78 if byte & 1 else 0)
        table.append(byte)
    return table


TABLE = _table()


def _masked(data: bytes) -> int:
    """CRC-32C (Castagnoli), turned and shifted as TensorFlow stores it."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = TABLE[(crc ^ byte) & 255] ^ crc >> 8
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
