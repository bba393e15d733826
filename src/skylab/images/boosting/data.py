"""A channel's files as one matrix: csv and parquet with the label first, libsvm."""

import csv
from email.message import Message
from pathlib import Path
from typing import Any

import numpy

from skylab.images.failures import ClientError

CSV, LIBSVM, PARQUET = "csv", "libsvm", "parquet"
CONTENT_TYPES = {
    "csv": CSV,
    "text/csv": CSV,
    "libsvm": LIBSVM,
    "text/libsvm": LIBSVM,
    "text/x-libsvm": LIBSVM,
    "parquet": PARQUET,
    "application/x-parquet": PARQUET,
}
MISSING = ["", "nan", "NaN", "NA", "null", "None"]


def content_type(header: str | None) -> str:
    """Without one the image reads libsvm. Raises ClientError."""
    message = Message()
    message["content-type"] = (header or LIBSVM).lower()
    kind = (header or LIBSVM).lower().partition(";")[0].strip()
    if kind not in CONTENT_TYPES:
        raise ClientError(f"{header} is not an accepted ContentType: {', '.join(CONTENT_TYPES)}.")
    if CONTENT_TYPES[kind] == CSV and message.get_param("label_size", "1") != "1":
        raise ClientError(
            f"{header} is not an accepted csv ContentType. Optional parameter label_size must be equal to 1"
        )
    return CONTENT_TYPES[kind]


def files(folder: Path) -> list[Path]:
    """The data of a channel: hidden files and those that start with _ are left out."""
    found = [folder] if folder.is_file() else sorted(folder.rglob("*"))
    return [path for path in found if path.is_file() and not path.name.startswith((".", "_"))]


def matrix(paths: list[Path], kind: str, weighted: bool, threads: int) -> Any:
    """An xgboost.DMatrix of paths. Raises ClientError for a file that is not what kind says."""
    import xgboost

    try:
        if kind == LIBSVM:
            features, labels = _libsvm(paths)
            return xgboost.DMatrix(features, label=labels, nthread=threads)
        table = _numbers(paths, kind)
    except (ValueError, OSError, UnicodeDecodeError) as error:  # pyarrow's errors are ValueErrors
        raise ClientError(f"Failed to load {kind} data with exception:\n{error}") from error
    first = 2 if weighted and kind == CSV else 1
    if table.shape[1] <= first:
        raise ClientError(f"Failed to load {kind} data: {table.shape[1]} columns leave no feature beside the label.")
    if numpy.isnan(table[:, 0]).any():
        raise ClientError(f"Failed to load {kind} data: a label is missing. The label is the first column.")
    weights = table[:, 1] if first == 2 else None
    return xgboost.DMatrix(table[:, first:], label=table[:, 0], weight=weights, nthread=threads)


def _numbers(paths: list[Path], kind: str) -> Any:
    parts = [_csv(path) if kind == CSV else _parquet(path) for path in paths]
    widths = {part.shape[1] for part in parts}
    if len(widths) > 1:
        raise ValueError(f"files differ in their number of columns: {sorted(widths)}")
    return parts[0] if len(parts) == 1 else numpy.concatenate(parts)


def _csv(path: Path) -> Any:
    from pyarrow import csv as arrow
    from pyarrow import float32

    with path.open(encoding="utf-8", newline="") as file:
        line = file.readline()
    delimiter = _delimiter(line)
    names = [str(number) for number in range(line.count(delimiter) + 1)]
    table = arrow.read_csv(
        path,
        read_options=arrow.ReadOptions(column_names=names),
        parse_options=arrow.ParseOptions(delimiter=delimiter),
        convert_options=arrow.ConvertOptions(column_types=dict.fromkeys(names, float32()), null_values=MISSING),
    )
    return _columns(table)


def _delimiter(line: str) -> str:
    if "," in line:
        return ","
    try:
        return csv.Sniffer().sniff(line, ";\t| ").delimiter
    except csv.Error as error:
        raise ClientError(f"Could not determine delimiter on line {line[:50]}:\n{error}") from error


def _parquet(path: Path) -> Any:
    from pyarrow import parquet

    return _columns(parquet.read_table(path))


def _columns(table: Any) -> Any:
    rows = numpy.empty((table.num_rows, table.num_columns), dtype=numpy.float32)
    for number, column in enumerate(table.columns):
        rows[:, number] = column.to_numpy()
    return rows


def _libsvm(paths: list[Path]) -> tuple[Any, Any]:
    """Indices are taken as they are, as XGBoost's own reader does; all files get the width of the widest."""
    from sklearn.datasets import load_svmlight_files

    loaded = load_svmlight_files([str(path) for path in paths], zero_based=True, dtype=numpy.float32)
    if len(paths) == 1:
        return loaded[0], loaded[1]
    from scipy.sparse import vstack

    return vstack(loaded[0::2]).tocsr(), numpy.concatenate(loaded[1::2])
