"""What bodies mean when a script does not say: json, csv and npy, as the inference toolkit reads and writes them."""

import io
import json
from typing import Any

from skylab.images.predicting import Refused

JSON, CSV, NPY = "application/json", "text/csv", "application/x-npy"


def kind(header: str) -> str:
    return header.partition(";")[0].strip().lower()


def decode(body: bytes, content_type: str) -> Any:
    """Python values of JSON, else a numpy array. Raises Refused 415, or 400 for a body that is not what it says."""
    import numpy

    asked = kind(content_type) or JSON
    try:
        if asked == JSON:
            return json.loads(body)
        if asked == NPY:
            return numpy.load(io.BytesIO(body), allow_pickle=False)
        if asked == CSV:
            return _csv(body)
    except (ValueError, EOFError) as error:
        raise Refused(400, f"The payload is not {asked}: {error}") from error
    raise Refused(415, f"Content type {content_type} is not supported. Please implement input_fn to read it.")


def _csv(body: bytes) -> Any:
    """Rows of numbers, or of words where they are not all numbers."""
    import csv

    import numpy

    rows = [row for row in csv.reader(io.StringIO(body.decode("utf-8"))) if row]
    if len({len(row) for row in rows}) > 1:
        raise ValueError("rows differ in length")
    try:
        return numpy.array(rows, dtype=float)
    except ValueError:
        return numpy.array(rows)


def encode(value: Any, accept: str) -> tuple[bytes, str]:
    """(body, content type). Raises Refused 406 for an accept that nobody here writes."""
    asked = kind(accept)
    if isinstance(value, bytes):
        return value, asked
    if isinstance(value, str):
        return value.encode(), asked
    if asked in (JSON, "*/*"):
        return json.dumps(value, default=_plain).encode(), JSON
    if asked in (CSV, NPY):
        import numpy

        out = io.BytesIO()
        array = numpy.asarray(_plain(value) if hasattr(value, "detach") else value)
        if asked == NPY:
            numpy.save(out, array, allow_pickle=False)
        else:
            numpy.savetxt(out, numpy.atleast_1d(array), delimiter=",", fmt="%s")
        return out.getvalue(), asked
    raise Refused(406, f"Accept {accept} is not supported. Please implement output_fn to write it.")


def _plain(value: Any) -> Any:
    """numpy's, pandas' and torch's values as lists and numbers."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    for method in ("tolist", "to_dict"):
        if hasattr(value, method):
            return getattr(value, method)()
    raise TypeError(f"{type(value).__name__} cannot be written as JSON")


def text(body: bytes, content_type: str) -> bytes | str:
    """What input_fn is given: str for JSON and CSV, as the inference toolkit does, else bytes."""
    if kind(content_type) not in (JSON, CSV):
        return body
    try:
        return body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused(400, f"The payload is not UTF-8: {error}") from error
