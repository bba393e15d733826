"""The metrics of the image: XGBoost's own, and those that the image adds from scikit-learn."""

from collections.abc import Callable
from typing import Any

HIGHER_IS_BETTER = (
    *("accuracy", "auc", "aucpr", "balanced_accuracy", "f1", "f1_binary", "f1_macro", "map", "ndcg", "precision"),
    *("r2", "recall", "precision_macro", "precision_micro", "recall_macro", "recall_micro"),
)
LOWER_IS_BETTER = (
    *("aft-nloglik", "cox-nloglik", "error", "gamma-deviance", "gamma-nloglik", "interval-regression-accuracy"),
    *("logloss", "mae", "mape", "merror", "mlogloss", "mphe", "mse", "poisson-nloglik", "rmse", "rmsle"),
    "tweedie-nloglik",
)
KNOWN = HIGHER_IS_BETTER + LOWER_IS_BETTER
THRESHOLDED = ("error", "ndcg", "map")  # error@0.7, ndcg@5
OF_LABELS: dict[str, tuple[str, dict[str, Any]]] = {
    "accuracy": ("accuracy_score", {}),
    "balanced_accuracy": ("balanced_accuracy_score", {}),
    "f1": ("f1_score", {"average": "macro"}),
    "f1_binary": ("f1_score", {"average": "binary"}),
    "f1_macro": ("f1_score", {"average": "macro"}),
    "precision": ("precision_score", {}),
    "precision_macro": ("precision_score", {"average": "macro"}),
    "precision_micro": ("precision_score", {"average": "micro"}),
    "recall": ("recall_score", {}),
    "recall_macro": ("recall_score", {"average": "macro"}),
    "recall_micro": ("recall_score", {"average": "micro"}),
}
OF_VALUES = {"mse": "mean_squared_error", "r2": "r2_score"}
Evaluation = Callable[[Any, Any], list[tuple[str, float]]]


def split(named: list[str]) -> tuple[list[str], list[str]]:
    """(XGBoost's own, the image's own), each in the order of named: every host must report in one order."""
    own = [name for name in named if name in OF_LABELS or name in OF_VALUES]
    return [name for name in named if name not in own], own


def evaluation(named: list[str], objective: str) -> Evaluation | None:
    """What XGBoost calls after each round with the predictions and the data; None when named is empty."""
    if not named:
        return None
    from sklearn import metrics  # 400 ms that most jobs need not pay

    def score(name: str, predicted: Any, truth: Any) -> float:
        if name in OF_VALUES:
            return getattr(metrics, OF_VALUES[name])(truth, predicted)
        function, options = OF_LABELS[name]
        options = options if function.startswith(("acc", "bal")) else options | {"zero_division": 0}
        return getattr(metrics, function)(truth, _labels(predicted, objective), **options)

    def evaluate(predicted: Any, data: Any) -> list[tuple[str, float]]:
        truth = data.get_label()
        return [(name, float(score(name, predicted, truth)) if predicted.size else 0.0) for name in named]

    return evaluate


def _labels(predicted: Any, objective: str) -> Any:
    if predicted.ndim > 1 and predicted.shape[1] > 1:
        return predicted.argmax(axis=-1)
    if objective == "multi:softmax":
        return predicted.astype(int)
    return (predicted.reshape(-1) > (0 if objective == "binary:logitraw" else 0.5)).astype(int)
