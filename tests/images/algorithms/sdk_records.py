"""Run in the environment of SageMaker's SDK v2: its own records, dense and sparse, as hexadecimal lines."""

import io

import numpy as np
from sagemaker.amazon.common import write_numpy_to_dense_tensor
from sagemaker.amazon.record_pb2 import Record
from sagemaker.serializer_utils import _write_recordio

ROWS = np.array([[1.5, -2.0], [3.0, 4.25]])


def dense(rows, labels=None):
    out = io.BytesIO()
    write_numpy_to_dense_tensor(out, rows, labels)
    return out.getvalue().hex()


def sparse():
    """As write_spmatrix_to_sparse_tensor, which needs scipy."""
    out = io.BytesIO()
    for values, keys, label in (([1.5], [1], 1.0), ([], [], 0.0), ([2.0, 3.0], [0, 300], 2.0)):
        record = Record()
        record.features["values"].float64_tensor.values.extend(values)
        record.features["values"].float64_tensor.keys.extend(keys)
        record.features["values"].float64_tensor.shape.extend([400])
        record.label["values"].float64_tensor.values.extend([label])
        _write_recordio(out, record.SerializeToString())
    return out.getvalue().hex()


print("float32", dense(ROWS.astype("float32"), np.array([0, 1], dtype="float32")))
print("float64", dense(ROWS, np.array([0, 1], dtype="float64")))
print("int32", dense(np.array([[1, -2], [70000, 0]], dtype="int64"), np.array([0, -1], dtype="int64")))
print("sparse", sparse())
