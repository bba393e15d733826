"""The hyperparameters that the image documents, and how each reads: unknown or impossible ones end the job at once."""

import ast
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from skylab.images.boosting.metrics import KNOWN, THRESHOLDED
from skylab.images.failures import ClientError

Reader = Callable[[str], Any]


@dataclass(frozen=True)
class Range:
    """low and high are included unless open says otherwise."""

    read: Reader
    low: float = float("-inf")
    high: float = float("inf")
    open: bool = False

    def __call__(self, name: str, text: str) -> Any:
        value = self.read(text)
        beyond = value <= self.low or value > self.high if self.open else not self.low <= value <= self.high
        if beyond or value != value:
            raise ClientError(f"Hyperparameter {name}: value {text} not in range {self._words()}")
        return value

    def _words(self) -> str:
        return f"{'(' if self.open else '['}{self.low:g}, {self.high:g}]"


@dataclass(frozen=True)
class OneOf:
    words: tuple[str, ...]

    def __call__(self, name: str, text: str) -> str:
        if text not in self.words:
            raise ClientError(f"Hyperparameter {name}: {text} is not in {list(self.words)}")
        return text


def _one_of(words: str) -> OneOf:
    return OneOf(tuple(words.split()))


def _eval_metrics(name: str, text: str) -> list[str]:
    named = [metric.strip() for metric in text.strip("[]").replace("'", "").replace('"', "").split(",")]
    for metric in named:
        kind, at, threshold = metric.partition("@")
        if not (kind in THRESHOLDED and _is_number(threshold) if at else metric in KNOWN):
            raise ClientError(f"Hyperparameter {name}: value {metric} not in range {list(KNOWN)}")
    return named


def _is_number(text: str) -> bool:
    try:
        float(text.rstrip("-"))
    except ValueError:
        return False
    return True


def _literal(name: str, text: str) -> str:
    """(1,-1,0) and [[0,1],[2]]: checked to be a literal, and given to XGBoost as they are."""
    try:
        ast.literal_eval(text)
    except (ValueError, SyntaxError) as error:
        raise ValueError(text) from error
    return text


def _text(name: str, text: str) -> str:
    return text


OBJECTIVES = (
    "binary:logistic binary:logitraw binary:hinge count:poisson multi:softmax multi:softprob rank:pairwise rank:ndcg "
    "rank:map reg:linear reg:squarederror reg:logistic reg:gamma reg:pseudohubererror reg:squaredlogerror "
    "reg:absoluteerror reg:tweedie survival:aft survival:cox"
)
SHARE = Range(float, 0, 1, open=True)
POSITIVE = Range(float, 0)
FLAG = Range(int, 0, 1)
TRUE_OR_FALSE = _one_of("true false")
DOCUMENTED: dict[str, Callable[[str, str], Any]] = {
    "num_round": Range(int, 1),
    "csv_weights": FLAG,
    "early_stopping_rounds": Range(int, 1),
    "booster": _one_of("gbtree gblinear dart"),
    "verbosity": Range(int, 0, 3),
    "nthread": Range(int, 1),
    "eta": Range(float, 0, 1),
    "gamma": POSITIVE,
    "max_depth": Range(int, 0),
    "min_child_weight": POSITIVE,
    "max_delta_step": POSITIVE,
    "subsample": SHARE,
    "colsample_bytree": SHARE,
    "colsample_bylevel": SHARE,
    "colsample_bynode": SHARE,
    "lambda": POSITIVE,
    "alpha": POSITIVE,
    "tree_method": _one_of("auto exact approx hist gpu_hist"),
    "sketch_eps": SHARE,
    "scale_pos_weight": Range(float, 0, open=True),
    "updater": _text,
    "dsplit": _one_of("row col"),
    "refresh_leaf": FLAG,
    "process_type": _one_of("default update"),
    "grow_policy": _one_of("depthwise lossguide"),
    "max_leaves": Range(int, 0),
    "max_bin": Range(int, 0),
    "predictor": _one_of("auto cpu_predictor gpu_predictor"),
    "monotone_constraints": _literal,
    "interaction_constraints": _literal,
    "sample_type": _one_of("uniform weighted"),
    "normalize_type": _one_of("tree forest"),
    "rate_drop": Range(float, 0, 1),
    "one_drop": FLAG,
    "skip_drop": Range(float, 0, 1),
    "lambda_bias": Range(float, 0, 1),
    "tweedie_variance_power": Range(float, 1, 2, open=True),
    "objective": _one_of(OBJECTIVES),
    "num_class": Range(int, 2),
    "base_score": POSITIVE,
    "_kfold": Range(int, 2),
    "_num_cv_round": Range(int, 1),
    "_tuning_objective_metric": _text,
    "eval_metric": _eval_metrics,
    "seed": Range(int, -(2**31), 2**31 - 1),
    "num_parallel_tree": Range(int, 1),
    "save_model_on_termination": TRUE_OR_FALSE,
    "aft_loss_distribution": _one_of("normal logistic extreme"),
    "aft_loss_distribution_scale": POSITIVE,
    "deterministic_histogram": TRUE_OR_FALSE,
    "sampling_method": _one_of("uniform gradient_based"),
    "prob_buffer_row": Range(float, 1, open=True),
    "use_dask_gpu_training": TRUE_OR_FALSE,
    "single_precision_histogram": TRUE_OR_FALSE,
}
ALIASES = {"learning_rate": "eta", "min_split_loss": "gamma", "reg_lambda": "lambda", "reg_alpha": "alpha"}
PLATFORM = "sagemaker_"  # what the SDK adds to every estimator's hyperparameters


def validated(given: dict[str, str]) -> dict[str, Any]:
    """The hyperparameters as numbers, words and lists. Raises ClientError in the image's words."""
    named = {ALIASES.get(name, name): value for name, value in given.items() if not name.startswith(PLATFORM)}
    if "num_round" not in named:
        raise ClientError("Missing required hyperparameter: num_round")
    values = {name: _read(name, str(text)) for name, text in named.items()}
    objective = values.get("objective", "")
    if objective in ("multi:softmax", "multi:softprob") and "num_class" not in values:
        raise ClientError("Require input for parameter 'num_class' for multi-classification")
    if "aft-nloglik" in values.get("eval_metric", []) and objective != "survival:aft":
        raise ClientError("Metric 'aft-nloglik' can only be applied for 'survival:aft' objective.")
    return values


def _read(name: str, text: str) -> Any:
    if name not in DOCUMENTED:
        raise ClientError(f"Extraneous hyperparameter found: {name}")
    try:
        return DOCUMENTED[name](name, _unquoted(text))
    except ValueError as error:
        raise ClientError(f"Hyperparameter {name}: could not parse value") from error


def _unquoted(text: str) -> str:
    """The tuner and the framework estimators send words in JSON's quotes."""
    return text[1:-1] if len(text) > 1 and text[0] == text[-1] == '"' else text
