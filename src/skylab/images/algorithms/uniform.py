"""A file of dense records that are all built alike, read as one array: tens of times as fast as one by one.

Where all records are float32 and as long as each other, all bytes but those of the numbers are the same in each. So the
first record says where the numbers are, and whatever is not exactly like it is left to the slow way.
"""

from typing import Any

import numpy

from skylab.images.algorithms import recordio, records


def read(body: bytes) -> tuple[Any, Any] | None:
    """(features, labels or None); None where the records are not alike. Raises ValueError as the slow way."""
    whole = next(recordio.read(body), b"")
    stride = recordio.HEAD.size + len(whole) + (-len(whole)) % 4
    if not whole or len(body) % stride or recordio.HEAD.unpack_from(body)[1] != len(whole):  # it may be in parts
        return None
    numbers = _numbers(whole)
    if numbers is None:
        return None
    table = numpy.frombuffer(body, dtype="u1").reshape(-1, stride)
    same = numpy.ones(stride, dtype=bool)
    same[recordio.HEAD.size + len(whole) :] = False  # the zeros at the end
    for begin, end in numbers:
        same[begin:end] = False
    if not (table[:, same] == table[0, same]).all():
        return None
    parts = [numpy.ascontiguousarray(table[:, begin:end]).view("<f4") for begin, end in numbers]
    return parts[0], parts[1][:, 0] if len(parts) > 1 else None


def _numbers(whole: bytes) -> list[tuple[int, int]] | None:
    """Where in a frame the features are, and the label if there is one."""
    record, places = records.read(whole), []
    tensors = [record.features.get("values"), *record.label.values()]
    if len(record.features) != 1 or list(record.label) not in ([], ["values"]):
        return None
    start = numpy.frombuffer(whole, dtype="u1").ctypes.data
    for tensor in tensors:
        if tensor is None or tensor.keys is not None or tensor.values.dtype != "<f4" or not len(tensor.values):
            return None
        begin = tensor.values.ctypes.data - start + recordio.HEAD.size
        end = begin + tensor.values.nbytes
        if not 0 <= begin <= end <= len(whole) + recordio.HEAD.size:  # they were put together from pieces
            return None
        places.append((begin, end))
    return places
