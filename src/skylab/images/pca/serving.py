"""https://docs.aws.amazon.com/sagemaker/latest/dg/PCA-in-formats.html"""

from pathlib import Path
from typing import Any

from skylab.images.algorithms.serving import Record, Served, read_arrays


def load(folder: Path) -> Served:
    return Served(Projections(read_arrays(folder)))


class Projections:
    key, quick = "projections", True

    def __init__(self, model: dict[str, Any]) -> None:
        self.components = model["v"]
        self.shift = model["mean"][0] @ self.components
        self.width = int(self.components.shape[0])

    def records(self, rows: Any, verbose: bool) -> list[Record]:
        return [{"projection": each} for each in (rows @ self.components - self.shift).tolist()]
