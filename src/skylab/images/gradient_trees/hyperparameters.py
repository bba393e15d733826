"""https://docs.aws.amazon.com/sagemaker/latest/dg/lightgbm-hyperparameters.html"""

from typing import Any

from skylab.images.algorithms.hyperparameters import choice, flag, integer, number
from skylab.images.failures import ClientError

REGRESSIONS = "rmse l1 l2 huber fair mape poisson quantile gamma gamma_deviance tweedie"
BINARIES = "binary_logloss binary_error auc average_precision cross_entropy"
MULTICLASSES = "multi_logloss multi_error auc_mu"
ANY = float("-inf")
TABLE = {
    "num_boost_round": integer("100"),
    "early_stopping_rounds": integer("10", ANY),
    "metric": choice(f"{REGRESSIONS} {BINARIES} {MULTICLASSES}", "auto", may_be_auto=True),
    "learning_rate": number("0.1", 0, 1, "()"),
    "num_leaves": integer("64", 2, 131_072),
    "feature_fraction": number("0.9", 0, 1, "(]"),
    "bagging_fraction": number("0.9", 0, 1, "(]"),
    "bagging_freq": integer("1", 0),
    "max_depth": integer("6", ANY),
    "min_data_in_leaf": integer("3", 0),
    "max_delta_step": number("0", ANY),
    "lambda_l1": number("0"),
    "lambda_l2": number("0"),
    "boosting": choice("gbdt rf dart goss", "gbdt"),
    "min_gain_to_split": number("0"),
    "scale_pos_weight": number("1", 0, ends="()"),
    "tree_learner": choice("serial feature data voting feature_parallel data_parallel voting_parallel", "serial"),
    "feature_fraction_bynode": number("1", 0, 1, "(]"),
    "is_unbalance": flag("false"),
    "max_bin": integer("255", 2),
    "tweedie_variance_power": number("1.5", 1, 2, "[)"),
    "num_threads": integer("0", 0),
    "verbosity": integer("1", ANY),
    "use_dask": flag("false"),
}
OURS = ("num_boost_round", "early_stopping_rounds", "metric", "use_dask", "num_threads")


def of_lightgbm(values: dict[str, Any], classes: int, threads: int) -> dict[str, Any]:
    """The parameters for lightgbm.train. classes: 0 for a regression. Raises ClientError."""
    if values["use_dask"]:
        raise ClientError("The hyperparameter use_dask is not supported here: one instance trains.")
    metric, params = values["metric"], {name: value for name, value in values.items() if name not in OURS}
    words = (REGRESSIONS if classes == 0 else BINARIES if classes == 2 else MULTICLASSES).split()
    if metric is not None and metric not in words:
        raise ClientError(f"Hyperparameter metric: '{metric}' is not one of {words} for such labels")
    if classes == 0:
        params |= {"objective": "regression", "metric": metric or "rmse"}
    elif classes == 2:
        params |= {"objective": "binary", "metric": metric or "binary_logloss"}
    else:
        params |= {"objective": "multiclass", "num_class": classes, "metric": metric or "multi_logloss"}
    return params | {"num_threads": values["num_threads"] or threads, "seed": 0}


def classifies(image: str, values: dict[str, Any]) -> bool:
    """By the image; the plain name lightgbm does unless its metric is one of a regression."""
    if image == "lightgbm":
        return values["metric"] not in REGRESSIONS.split()
    return image.endswith("classification")
