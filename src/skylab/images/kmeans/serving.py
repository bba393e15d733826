"""https://docs.aws.amazon.com/sagemaker/latest/dg/km-in-formats.html"""

from pathlib import Path
from typing import Any

from skylab.images.algorithms.serving import Record, Served, read_arrays
from skylab.images.kmeans.training import closest


def load(folder: Path) -> Served:
    return Served(Clusters(read_arrays(folder)["0"]))


class Clusters:
    key, quick = "predictions", True

    def __init__(self, centers: Any) -> None:
        self.centers, self.width = centers, int(centers.shape[1])

    def records(self, rows: Any, verbose: bool) -> list[Record]:
        nearest, distance = closest(rows, self.centers)
        return [
            {"closest_cluster": float(number), "distance_to_cluster": float(far)}
            for number, far in zip(nearest, distance, strict=True)
        ]
