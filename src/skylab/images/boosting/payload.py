"""The rows of a request: csv or libsvm text as 32-bit floats, without the detour over a DMatrix."""

from typing import Any

import numpy

from skylab.images.predicting import Refused

NAN = float("nan")
MISSING = frozenset(("", "nan", "NaN", "NA", "null"))
CSV = ("csv", "text/csv")
LIBSVM = ("libsvm", "text/libsvm", "text/x-libsvm")
LARGE = 64 * 1024  # bytes from which pyarrow's reader is faster than str.split


def rows(body: bytes, content_type: str) -> Any:
    """A 2-D array, a scipy CSR matrix for libsvm. Raises Refused 415, as the image answers any body it cannot read."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind in CSV:
        return _told("csv", _csv, body)
    if kind in LIBSVM or not kind:
        return _told("libsvm", _libsvm, body)
    raise Refused(415, f"{content_type} is not an accepted ContentType: {', '.join(CSV + LIBSVM)}.")


def _told(kind: str, read: Any, body: bytes) -> Any:
    try:
        return read(body)
    except (ValueError, IndexError, OverflowError) as error:
        failed = f"Loading {kind} data failed with Exception, please ensure data is in {kind} format"
        raise Refused(415, f"{failed}:\n {type(error)}\n {error}") from error


def _csv(body: bytes) -> Any:
    if len(body) > LARGE:
        return _large_csv(body)
    lines = body.decode("utf-8").strip().splitlines()
    delimiter = _delimiter(lines[0])
    try:
        table = [list(map(float, line.split(delimiter))) for line in lines]
    except ValueError:  # some cell is empty, or no number at all
        table = [[NAN if cell.strip() in MISSING else float(cell) for cell in line.split(delimiter)] for line in lines]
    return numpy.array(table, dtype=numpy.float32)


def _delimiter(line: str) -> str:
    return next((mark for mark in (",", ";", "\t", "|") if mark in line), ",")


def _large_csv(body: bytes) -> Any:
    from pyarrow import BufferReader, csv, float32

    head = body[: body.find(b"\n") if b"\n" in body else len(body)].decode("utf-8")
    delimiter = _delimiter(head)
    names = [str(number) for number in range(head.count(delimiter) + 1)]
    table = csv.read_csv(
        BufferReader(body),
        read_options=csv.ReadOptions(column_names=names),
        parse_options=csv.ParseOptions(delimiter=delimiter),
        convert_options=csv.ConvertOptions(column_types=dict.fromkeys(names, float32()), null_values=sorted(MISSING)),
    )
    return numpy.ascontiguousarray(numpy.column_stack([column.to_numpy() for column in table.columns]))


def _libsvm(body: bytes) -> Any:
    """Indices as they are, as in training. A label in front is passed over."""
    from scipy.sparse import csr_matrix

    values: list[float] = []
    columns: list[int] = []
    ends = [0]
    for line in body.decode("utf-8").strip().splitlines():
        for item in line.split():
            index, colon, value = item.partition(":")
            if colon:
                columns.append(int(index))
                values.append(float(value))
            else:
                float(item)
        ends.append(len(values))
    if columns and min(columns) < 0:
        raise ValueError(f"index {min(columns)} is negative")
    return csr_matrix(
        (numpy.array(values, dtype=numpy.float32), columns, ends), shape=None if columns else (len(ends) - 1, 1)
    )
