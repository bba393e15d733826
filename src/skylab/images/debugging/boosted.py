"""The hook in XGBoost, the built-in algorithm: metrics, predictions, labels, feature importance, SHAP, trees.

Names as smdebug's XGBoost hook has them (https://github.com/awslabs/sagemaker-debugger, docs/xgboost.md).
"""

import time
from typing import Any

import numpy as np
from xgboost.callback import TrainingCallback

from skylab.images.debugging.configuration import Collection, HookConfig, read
from skylab.images.debugging.steps import Steps, say
from skylab.images.debugging.timeline import Timeline, timeline
from skylab.images.folders import Folders

KNOWN = {
    **{"all": "", "default": "", "hyperparameters": "^hyperparameters/.*$"},
    **{"metrics": "^[a-zA-z]+-[a-zA-z0-9]+$", "losses": "^[a-zA-z]+-.+(?<!(auc|map))$"},
    **{"predictions": "^predictions$", "labels": "^labels$", "feature_importance": "^feature_importance/.*"},
    **{"average_shap": "^average_shap/(?!bias$)", "full_shap": "^full_shap/(?!bias$)", "trees": "^trees/.*"},
}
IMPORTANCES = ("weight", "gain", "cover", "total_gain", "total_cover")
INTERVAL = 10


def hook(folders: Folders, train: Any, validation: Any, done: int) -> "Saved | None":
    """The callback; None where no tensors are asked for. done: rounds of the checkpoint that training goes on from."""
    try:
        config = read(folders, KNOWN, INTERVAL)
    except (KeyError, ValueError) as problem:
        say(problem)
        return None
    if config is None:
        return None
    return Saved(config, folders.read("hyperparameters"), train, validation, done, timeline(folders))


class Saved(TrainingCallback):
    def __init__(
        self,
        config: HookConfig,
        told: dict[str, Any],
        train: Any,
        validation: Any,
        done: int,
        times: Timeline | None = None,
    ) -> None:
        super().__init__()
        self.times, self.started = times, 0.0
        self.config, self.told, self.train, self.validation, self.done = config, told, train, validation, done
        self.steps = Steps(config)
        self.over = False

    def before_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        self.started = time.time()
        return False

    def after_training(self, model: Any) -> Any:
        if self.times:
            self.times.close()
        return model

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        """What fails in the hook never fails the training."""
        step = self.done + epoch
        if self.times:
            self.times.add("TRAIN", step, self.started, time.time())
        due = [each for each in self.config.collections if each.saving["GLOBAL"].at(step)]
        if due and not self.over:
            try:
                self.steps.open(step, "GLOBAL", step)
                for name, value in self._values(model, epoch, evals_log, due):
                    self._save(name, value, due)
                self.steps.close()
            except Exception as problem:
                self.over = True
                say(problem)
        return False

    def _values(self, model: Any, epoch: int, evals_log: Any, due: list[Collection]) -> Any:
        """Only what a collection asks for is computed."""
        for part, metrics in evals_log.items():
            yield from ((f"{part}-{name}", values[-1]) for name, values in metrics.items())
        if _wanted(due, "hyperparameters/"):
            yield from ((f"hyperparameters/{name}", value) for name, value in self.told.items())
        if self.validation is not None and _wanted(due, "predictions"):
            yield "predictions", model.predict(self.validation)
        if self.validation is not None and _wanted(due, "labels"):
            yield "labels", self.validation.get_label()
        if _wanted(due, "feature_importance/"):
            yield from _importance(model)
        if _wanted(due, "average_shap/") or _wanted(due, "full_shap/"):
            yield from self._shap(model)
        if _wanted(due, "trees/"):
            yield from _trees(model, epoch)

    def _save(self, name: str, value: Any, due: list[Collection]) -> None:
        takers = [each for each in due if each.takes(name)]
        for each in takers:
            each.names.add(name)
        if takers:
            found = np.asarray(value)
            self.steps.put(name, np.atleast_1d(found) if found.dtype.kind in "US" else found)
        if any(each.name in ("metrics", "losses") for each in takers):
            self.steps.scalar(name, float(value))

    def _shap(self, model: Any) -> Any:
        values = model.predict(self.train, pred_contribs=True)
        names = model.feature_names or [f"f{n}" for n in range(model.num_features())]
        means = values.mean(axis=tuple(range(values.ndim - 1)))
        for number, name in enumerate([*names, "bias"]):
            yield f"average_shap/{name}", means[number]
            yield f"full_shap/{name}", values[..., number]


def _wanted(due: list[Collection], prefix: str) -> bool:
    """Whether some collection may take what is so called: by a pattern that takes all, or begins so."""
    return any(each.takes(f"{prefix}x") or each.takes(prefix) or _names(each, prefix) for each in due)


def _names(collection: Collection, prefix: str) -> bool:
    return any(prefix.rstrip("/") in pattern for pattern in collection.patterns)


def _importance(model: Any) -> Any:
    for kind in IMPORTANCES:
        scores = model.get_score(importance_type=kind)
        total = sum(scores.values())
        yield from ((f"feature_importance/{kind}/{name}", score / total) for name, score in scores.items())


def _trees(model: Any, epoch: int) -> Any:
    """The columns of the round's trees, as XGBoost's own table has them."""
    table = model[epoch : epoch + 1].trees_to_dataframe()
    for column in ("Tree", "Node", "ID", "Feature", "Split", "Yes", "No", "Missing", "Gain", "Cover"):
        values = table[column]
        yield f"trees/{column}", values.astype(str).to_numpy(str) if values.dtype == object else values.to_numpy()
