"""model_algo-1 as the linear learner leaves it: a zip of an MXNet module with one fully connected layer, and the rest.

Notebooks unzip it and read fc0_weight and fc0_bias of mx-mod-0000.params.
"""

import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy

from skylab.images.algorithms import arrays

SYMBOL, PARAMS, MORE, MANIFEST = (
    "mx-mod-symbol.json",
    "mx-mod-0000.params",
    "additional-params.json",
    "manifest.json",
)


@dataclass(frozen=True)
class Linear:
    """weights: features x 1, or features x classes. threshold: on the score that is answered."""

    weights: Any
    bias: Any
    predictor_type: str
    loss: str
    threshold: float
    num_classes: int

    def save(self, path: Path) -> None:
        outputs = self.weights.shape[1]
        more = {
            "predictor_type": self.predictor_type,
            "loss": self.loss,
            "threshold": self.threshold,
            "num_classes": self.num_classes,
            "feature_dim": self.weights.shape[0],
        }
        kept = {"arg:fc0_weight": self.weights.T.astype("<f4"), "arg:fc0_bias": self.bias.astype("<f4")}
        with zipfile.ZipFile(path, "w") as packed:
            packed.writestr(SYMBOL, json.dumps(_symbol(outputs), indent=2))
            packed.writestr(PARAMS, arrays.written(kept))
            packed.writestr(MORE, json.dumps(more))
            packed.writestr(MANIFEST, json.dumps({"files": [SYMBOL, PARAMS, MORE]}))


def load(path: Path) -> Linear:
    """Raises OSError, ValueError, KeyError or zipfile.BadZipFile where path is no such model."""
    with zipfile.ZipFile(io.BytesIO(path.read_bytes())) as packed:
        read, more = arrays.read(packed.read(PARAMS)), json.loads(packed.read(MORE))
    return Linear(
        numpy.ascontiguousarray(read["arg:fc0_weight"].T),
        read["arg:fc0_bias"],
        more["predictor_type"],
        more["loss"],
        float(more["threshold"]),
        int(more["num_classes"]),
    )


def _symbol(outputs: int) -> dict[str, Any]:
    attrs = {"num_hidden": str(outputs)}
    nodes: list[dict[str, Any]] = [{"op": "null", "name": name, "inputs": []} for name in _INPUTS]
    nodes.append({"op": "FullyConnected", "name": "fc0", "attrs": attrs, "inputs": [[0, 0, 0], [1, 0, 0], [2, 0, 0]]})
    return {
        "nodes": nodes,
        "arg_nodes": [0, 1, 2],
        "node_row_ptr": [0, 1, 2, 3, 4],
        "heads": [[3, 0, 0]],
        "attrs": {"mxnet_version": ["int", 10901]},
    }


_INPUTS = ("data", "fc0_weight", "fc0_bias")
