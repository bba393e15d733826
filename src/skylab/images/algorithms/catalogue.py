"""The built-in algorithms by the names of their images, and the package of each."""

from importlib import import_module
from pathlib import Path
from typing import Any

from skylab.images.environment import Environment
from skylab.images.predicting import Model

PACKAGES = {
    "linear-learner": "linear_learner",
    "kmeans": "kmeans",
    "pca": "pca",
    "knn": "knn",
    "randomcutforest": "random_cut_forest",
    "lightgbm": "gradient_trees",
    "lightgbm-classification": "gradient_trees",
    "lightgbm-regression": "gradient_trees",
    "forecasting-deepar": "deepar",
}


def train(name: str, environment: Environment) -> None:
    """Raises JobFailed."""
    from skylab.images.algorithms import training

    training.run(environment, _module(name, "training").ALGORITHM, name)


def load(name: str, folder: Path) -> Model:
    """Raises JobFailed where folder holds no model of this algorithm."""
    model: Model = _module(name, "serving").load(folder)
    return model


def _module(name: str, part: str) -> Any:
    """Imported late: each brings a library of its own."""
    return import_module(f"skylab.images.{PACKAGES[name]}.{part}")
