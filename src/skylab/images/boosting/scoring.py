"""One booster's scores for rows of numbers, through XGBoost's C API.

Booster.inplace_predict calls the same function; for one row its Python around it takes twice as long as the trees do.
"""

import ctypes
import json
from typing import Any

import numpy
import xgboost
from xgboost.libpath import find_lib_path

Longs = ctypes.POINTER(ctypes.c_uint64)
Floats = ctypes.POINTER(ctypes.c_float)


class Scorer:
    """May be called by several threads at once: XGBoost keeps each thread's scores apart."""

    def __init__(self, booster: Any) -> None:
        self.booster = booster
        self.rounds = _best(booster)
        config = json.loads(booster.save_config())["learner"]
        self.trees = config["gradient_booster"]["name"] != "gblinear"  # the others have no in-place prediction
        options = {"type": 0, "training": False, "missing": float("nan"), "strict_shape": False, "cache_id": 0}
        options |= {"iteration_begin": self.rounds[0], "iteration_end": self.rounds[1]}
        self.options = json.dumps(options).encode()
        library = ctypes.CDLL(find_lib_path()[0])
        self.failure = library.XGBGetLastError
        self.failure.restype = ctypes.c_char_p
        self.call = library.XGBoosterPredictFromDense
        outputs = (ctypes.POINTER(Longs), ctypes.POINTER(ctypes.c_uint64), ctypes.POINTER(Floats))
        self.call.argtypes = (ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p, ctypes.c_void_p, *outputs)

    def __call__(self, rows: Any) -> Any:
        """rows: a 2-D float32 array, C-contiguous, or a CSR matrix. Raises xgboost.core.XGBoostError."""
        if isinstance(rows, numpy.ndarray) and self.trees:
            return self._dense(rows)
        matrix = xgboost.DMatrix(rows, nthread=1)
        return self.booster.predict(matrix, iteration_range=self.rounds, validate_features=False)

    def _dense(self, rows: Any) -> Any:
        where = b'{"data": [%d, true], "shape": [%d, %d], "typestr": "<f4", "version": 3}'
        where %= (rows.ctypes.data, *rows.shape)
        shape, dimensions, scores = Longs(), ctypes.c_uint64(), Floats()
        outputs = (ctypes.byref(shape), ctypes.byref(dimensions), ctypes.byref(scores))
        if self.call(self.booster.handle, where, self.options, None, *outputs):
            raise xgboost.core.XGBoostError(self.failure().decode())
        sizes = tuple(shape[: dimensions.value])
        return numpy.ctypeslib.as_array(scores, sizes).copy()  # the buffer is XGBoost's, and used again


def _best(booster: Any) -> tuple[int, int]:
    """The rounds that early stopping found best; (0, 0) means all of them."""
    best = booster.attr("best_iteration")
    return (0, int(best) + 1) if best is not None else (0, 0)
