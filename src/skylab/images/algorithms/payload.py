"""The rows of a request in the common formats of the built-in algorithms.

https://docs.aws.amazon.com/sagemaker/latest/dg/cdf-inference.html
"""

import json
from typing import Any

import numpy

from skylab.images.algorithms import channels, records
from skylab.images.predicting import Refused

JSON, JSONLINES, CSV = "application/json", "application/jsonlines", "text/csv"
ACCEPTED = (JSON, JSONLINES, CSV, channels.RECORDIO)
LARGE = 64 * 1024  # bytes from which pyarrow's reader is faster than str.split


def rows(body: bytes, content_type: str, width: int) -> Any:
    """A 2-D float32 array, or a CSR matrix, with width columns. Raises Refused: 415, or 400 for a wrong body."""
    kind = content_type.partition(";")[0].strip().lower() or JSON
    if kind not in ACCEPTED:
        raise Refused(415, f"Unsupported content-type {content_type}: it should be one of {', '.join(ACCEPTED)}.")
    try:
        found = _read(body, kind)
    except (ValueError, TypeError, KeyError, IndexError, AttributeError, OverflowError, RecursionError) as error:
        raise Refused(400, f"unable to evaluate payload provided: {error}") from error
    if found.shape[1] != width:
        raise Refused(400, f"unable to evaluate payload provided: {found.shape[1]} features, and the model has {width}")
    if not channels.finite(found):
        raise Refused(400, "unable to evaluate payload provided: a feature is no number")
    return found


def _read(body: bytes, kind: str) -> Any:
    if kind == CSV:
        return channels.csv(body) if len(body) > LARGE else _csv(body.decode("utf-8"))
    if kind == channels.RECORDIO:
        return channels.of_recordio(body).features
    if kind == JSON:
        return _instances(json.loads(body)["instances"])
    return _instances([json.loads(line) for line in body.splitlines() if line.strip()])


def _csv(text: str) -> Any:
    lines = text.strip().splitlines()
    if not lines:
        raise ValueError("there are no rows")
    return numpy.array([list(map(float, line.split(","))) for line in lines], dtype=numpy.float32)


def _instances(given: list[Any]) -> Any:
    """{"features": [..]}, or {"data": {"features": {"values": [..], "keys": [..], "shape": [..]}}}."""
    tensors = [_instance(each) for each in given]
    if not tensors:
        raise ValueError("there are no instances")
    return channels.of_records([records.Record({"values": tensor}) for tensor in tensors]).features


def _instance(given: Any) -> records.Tensor:
    features = given["features"] if "features" in given else given["data"]["features"]
    if isinstance(features, list):
        return records.Tensor(_numbers(features))
    values = _numbers(features["values"])
    if "keys" not in features:
        return records.Tensor(values)
    keys = numpy.array(features["keys"], dtype=numpy.int64)
    if keys.shape != values.shape or (keys.size and keys.min() < 0):
        raise ValueError("keys do not fit values")
    return records.Tensor(values, keys, tuple(int(size) for size in features["shape"]))


def _numbers(values: Any) -> Any:
    read = numpy.array(values, dtype=numpy.float32)
    if read.ndim != 1:
        raise ValueError("features are not a list of numbers")
    return read
