"""https://docs.aws.amazon.com/sagemaker/latest/dg/kNN-inference-formats.html"""

import json
from pathlib import Path
from typing import Any

from skylab.images.algorithms.serving import Record, Served, read_arrays
from skylab.images.failures import JobFailed
from skylab.images.knn.index import Neighbours


def load(folder: Path) -> Served:
    import faiss

    kept = read_arrays(folder)
    try:
        values = json.loads(kept["hyperparameters"].tobytes())
        index = faiss.deserialize_index(kept["index"].copy())
        found = Neighbours(index, kept["labels"], kept.get("reduction"), values)
    except (KeyError, ValueError, RuntimeError) as error:
        raise JobFailed(f"There is no model in {folder}: {error}") from error
    return Served(Labels(found))


class Labels:
    key, quick = "predictions", False

    def __init__(self, neighbours: Neighbours) -> None:
        self.neighbours, self.width = neighbours, int(neighbours.values["feature_dim"])

    def records(self, rows: Any, verbose: bool) -> list[Record]:
        dense = rows.toarray() if hasattr(rows, "toarray") else rows
        distances, labels = self.neighbours.search(dense)
        found: list[Record] = [{"predicted_label": float(each)} for each in self.neighbours.predicted(labels)]
        if verbose:
            for record, far, named in zip(found, distances.tolist(), labels.tolist(), strict=True):
                record |= {"distances": far, "labels": named}
        return found
