"""A channel as a matrix and its labels: recordio-protobuf (dense or sparse) and csv, in File and in Pipe mode.

The first-party algorithms read recordio-protobuf unless a content type says otherwise, and take the first column of csv
as the label unless label_size says otherwise. https://docs.aws.amazon.com/sagemaker/latest/dg/cdf-training.html
A pipe is read once and kept: every epoch sees the same rows, whatever the number of epochs.
"""

from dataclasses import dataclass
from email.message import Message
from pathlib import Path
from typing import Any

import numpy

from skylab.images.algorithms import recordio, records, uniform
from skylab.images.failures import ClientError
from skylab.images.folders import Folders

RECORDIO, CSV = "application/x-recordio-protobuf", "text/csv"
KINDS = (RECORDIO, CSV)
Parts = list[tuple[str, bytes]]  # the name and the content of each file


@dataclass(frozen=True)
class Rows:
    """features: float32, a 2-D array or a scipy CSR matrix. labels: float32, or None."""

    features: Any
    labels: Any = None

    def __len__(self) -> int:
        return int(self.features.shape[0])

    @property
    def width(self) -> int:
        return int(self.features.shape[1])

    @property
    def sparse(self) -> bool:
        return not isinstance(self.features, numpy.ndarray)

    @property
    def dense(self) -> Any:
        return self.features.toarray() if self.sparse else self.features


def read(folders: Folders, name: str, width: int | None) -> Rows:
    """width: the feature_dim that was given. Raises ClientError."""
    config = folders.read("inputdataconfig")[name]
    kind, label_size = content_type(config.get("ContentType"))
    parts = _parts(folders, name, config)
    try:
        rows = _rows(parts, kind, label_size, config)
    except (ValueError, OverflowError) as error:  # pyarrow's errors are ValueErrors
        raise ClientError(
            f"Unable to read data channel '{name}'. Requested content-type is '{kind}'. Please verify the data matches "
            f"the requested content-type. (caused by {type(error).__name__})\n\nCaused by: {error}"
        ) from error
    if width is not None and rows.width != width:
        raise ClientError(
            f"The hyperparameter feature_dim is {width}, but the data of channel '{name}' has {rows.width} features."
        )
    if not finite(rows.features) or not (rows.labels is None or finite(rows.labels)):
        raise ClientError(f"The data of channel '{name}' has a value that is no number.")
    return rows


def finite(values: Any) -> bool:
    return bool(numpy.isfinite(values if isinstance(values, numpy.ndarray) else values.data).all())


def content_type(header: str | None) -> tuple[str, int]:
    """(kind, columns of labels). Raises ClientError."""
    message = Message()
    message["content-type"] = header or RECORDIO
    kind = (header or RECORDIO).partition(";")[0].strip().lower()
    size = message.get_param("label_size", "1")
    if kind not in KINDS:
        raise ClientError(f"Unsupported content-type specified. Content-type: {header} is not one of {list(KINDS)}.")
    if size not in ("0", "1"):
        raise ClientError(f"Content-type {header}: label_size must be 0 or 1.")
    return kind, int(str(size))


def files(folder: Path) -> list[Path]:
    found = [folder] if folder.is_file() else sorted(folder.rglob("*"))
    return [path for path in found if path.is_file() and not path.name.startswith((".", "_"))]


def _parts(folders: Folders, name: str, config: dict[str, Any]) -> Parts:
    if config.get("TrainingInputMode") == "Pipe":
        return [(f"{name}_0", folders.channel(f"{name}_0").read_bytes())]
    return [(path.name, path.read_bytes()) for path in files(folders.channel(name))]


def _rows(parts: Parts, kind: str, label_size: int, config: dict[str, Any]) -> Rows:
    wrapped = config.get("TrainingInputMode") == "Pipe" and config.get("RecordWrapperType") == "RecordIO"
    if wrapped and kind != RECORDIO:  # each object is one record: its bytes are the data
        parts = [(name, b"\n".join(recordio.read(body))) for name, body in parts]
    bodies = [(name, body) for name, body in parts if body.strip()]
    if not bodies:
        raise ValueError("there is no data")
    if kind == RECORDIO:
        return _joined([of_recordio(body) for _, body in bodies])
    table = numpy.concatenate([csv(body) for _, body in bodies])
    if table.shape[1] <= label_size:
        raise ValueError(f"{table.shape[1]} columns leave no feature beside the label")
    return Rows(numpy.ascontiguousarray(table[:, label_size:]), table[:, 0] if label_size else None)


def of_recordio(body: bytes) -> Rows:
    """Raises ValueError."""
    alike = uniform.read(body)
    return Rows(*alike) if alike else of_records([records.read(each) for each in recordio.read(body)])


def _joined(parts: list[Rows]) -> Rows:
    if len(parts) == 1:
        return parts[0]
    if len({part.labels is None for part in parts}) > 1:
        raise ValueError("some records have a label and others have not")
    labels = None if parts[0].labels is None else numpy.concatenate([part.labels for part in parts])
    if not any(part.sparse for part in parts):
        return Rows(numpy.concatenate([part.features for part in parts]), labels)
    from scipy.sparse import csr_matrix, vstack

    return Rows(vstack([csr_matrix(part.features) for part in parts]).tocsr(), labels)


def of_records(found: list[records.Record]) -> Rows:
    """Raises ValueError where they have no "values", or not all as many."""
    tensors = [record.features["values"] for record in found if "values" in record.features]
    if len(tensors) != len(found) or not found:
        raise ValueError("a record has no feature named values")
    given = [record.label["values"].values[:1] for record in found if "values" in record.label]
    labels = _float32(numpy.concatenate(given)) if given else None
    if labels is not None and len(labels) != len(found):
        raise ValueError("some records have a label and others have not")
    if any(tensor.keys is not None for tensor in tensors):
        return Rows(_sparse(tensors), labels)
    if len({len(tensor.values) for tensor in tensors}) > 1:
        raise ValueError("records differ in their number of features")
    return Rows(_float32(numpy.stack([tensor.values for tensor in tensors])), labels)


def _float32(values: Any) -> Any:
    """What is too large becomes infinite, and is refused as such."""
    with numpy.errstate(over="ignore"):
        return values.astype(numpy.float32, copy=False)


def _sparse(tensors: list[records.Tensor]) -> Any:
    from scipy.sparse import csr_matrix

    width = max(max(t.shape[-1:] or (0,)) if t.keys is not None else len(t.values) for t in tensors)
    keys = [numpy.arange(len(t.values)) if t.keys is None else t.keys for t in tensors]
    columns = numpy.concatenate(keys)
    if columns.size and columns.max() >= width:
        raise ValueError(f"key {columns.max()} is not within the shape {width}")
    values = _float32(numpy.concatenate([t.values for t in tensors]))
    ends = numpy.cumsum([0, *(len(each) for each in keys)])
    return csr_matrix((values, columns, ends), shape=(len(tensors), width))


def csv(body: bytes, kind: str = "float32") -> Any:
    """Numbers of kind, nan for an empty cell. Raises ValueError."""
    from pyarrow import BufferReader, float32, float64
    from pyarrow import csv as arrow

    number = float32() if kind == "float32" else float64()
    names = [str(each) for each in range(body.partition(b"\n")[0].count(b",") + 1)]
    table = arrow.read_csv(
        BufferReader(body),
        read_options=arrow.ReadOptions(column_names=names, block_size=max(1 << 20, len(body) + 1)),
        convert_options=arrow.ConvertOptions(column_types=dict.fromkeys(names, number)),
    )
    return numpy.column_stack([column.to_numpy() for column in table.columns]).astype(kind, copy=False)
