"""https://docs.aws.amazon.com/sagemaker/latest/dg/rcf-in-formats.html"""

from pathlib import Path
from typing import Any

from skylab.images.algorithms.serving import Record, Served, read_arrays
from skylab.images.failures import JobFailed
from skylab.images.random_cut_forest.forest import Forest
from skylab.images.random_cut_forest.scoring import Scorer


def load(folder: Path) -> Served:
    kept = read_arrays(folder)
    try:
        trees = int(kept.pop("trees")[0])
        forest = Forest(**kept, trees=trees)
    except (KeyError, TypeError) as error:
        raise JobFailed(f"There is no model in {folder}: {error}") from error
    return Served(Scores(forest))


class Scores:
    key, quick = "scores", False

    def __init__(self, forest: Forest) -> None:
        self.score, self.width = Scorer(forest), forest.width

    def records(self, rows: Any, verbose: bool) -> list[Record]:
        dense = rows.toarray() if hasattr(rows, "toarray") else rows
        return [{"score": score} for score in self.score(dense).tolist()]
