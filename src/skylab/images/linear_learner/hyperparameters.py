"""https://docs.aws.amazon.com/sagemaker/latest/dg/ll_hyperparameters.html"""

from typing import Any

from skylab.images.algorithms.hyperparameters import Parameter, Range, choice, flag, integer, number
from skylab.images.failures import ClientError

BINARY, MULTICLASS, REGRESSOR = "binary_classifier", "multiclass_classifier", "regressor"
REGRESSIONS = (
    "squared_loss absolute_loss eps_insensitive_squared_loss eps_insensitive_absolute_loss quantile_loss huber_loss"
)
LOSSES = {BINARY: "logistic hinge_loss", MULTICLASS: "softmax_loss", REGRESSOR: REGRESSIONS}
CRITERIA = "accuracy f_beta f1 precision_at_target_recall recall_at_target_precision loss_function cross_entropy_loss"


def _positive_weight(name: str, text: str) -> float | str:
    return text if text == "balanced" else Range(float, 0, ends="()")(name, text)


TABLE = {
    "predictor_type": choice(f"{BINARY} {MULTICLASS} {REGRESSOR}", required=True),
    "feature_dim": integer("auto", may_be_auto=True),
    "num_classes": integer(None, 3, 1_000_000),
    "mini_batch_size": integer("1000"),
    "epochs": integer("15"),
    "accuracy_top_k": integer("3"),
    "balance_multiclass_weights": flag("false"),
    "beta_1": number("auto", 0, 1, "[)", may_be_auto=True),
    "beta_2": number("auto", 0, 1, "[)", may_be_auto=True),
    "bias_lr_mult": number("auto", 0, ends="()", may_be_auto=True),
    "bias_wd_mult": number("auto", may_be_auto=True),
    "binary_classifier_model_selection_criteria": choice(CRITERIA, "accuracy"),
    "early_stopping_patience": integer("3"),
    "early_stopping_tolerance": number("0.001", 0, ends="()"),
    "f_beta": number("1.0", 0, ends="()"),
    "huber_delta": number("1.0"),
    "init_bias": number("0", float("-inf")),
    "init_method": choice("uniform normal", "uniform"),
    "init_scale": number("0.07", 0, ends="()"),
    "init_sigma": number("0.01", 0, ends="()"),
    "l1": number("auto", may_be_auto=True),
    "learning_rate": number("auto", 0, ends="()", may_be_auto=True),
    "loss": choice(f"{LOSSES[BINARY]} {LOSSES[MULTICLASS]} {REGRESSIONS}", "auto", may_be_auto=True),
    "loss_insensitivity": number("0.01", 0, ends="()"),
    "lr_scheduler_factor": number("auto", 0, 1, "()", may_be_auto=True),
    "lr_scheduler_minimum_lr": number("auto", 0, ends="()", may_be_auto=True),
    "lr_scheduler_step": integer("auto", may_be_auto=True),
    "margin": number("1.0"),
    "momentum": number("auto", 0, 1, "[)", may_be_auto=True),
    "normalize_data": flag("true"),
    "normalize_label": flag("auto", may_be_auto=True),
    "num_calibration_samples": integer("auto", may_be_auto=True),
    "num_models": integer("auto", may_be_auto=True),
    "num_point_for_scaler": integer("10000"),
    "optimizer": choice("sgd adam rmsprop", "auto", may_be_auto=True),
    "positive_example_weight_mult": Parameter(_positive_weight, "1.0", may_be_auto=True),
    "quantile": number("0.5", 0, 1, "()"),
    "target_precision": number("0.8", 0, 1, "()"),
    "target_recall": number("0.8", 0, 1, "()"),
    "unbias_data": flag("auto", may_be_auto=True),
    "unbias_label": flag("auto", may_be_auto=True),
    "use_bias": flag("true"),
    "use_lr_scheduler": flag("true"),
    "wd": number("auto", may_be_auto=True),
}


def settled(values: dict[str, Any]) -> dict[str, Any]:
    """What depends on another hyperparameter: the loss, and how many classes. Raises ClientError."""
    kind, loss = values["predictor_type"], values["loss"]
    allowed = LOSSES[kind].split()
    if loss is not None and loss not in allowed:
        raise ClientError(f"Hyperparameter loss: '{loss}' is not one of {allowed} for predictor_type {kind}")
    if kind == MULTICLASS and values["num_classes"] is None:
        raise ClientError("No value(s) were specified for 'num_classes' which are required for multiclass_classifier")
    classes = values["num_classes"] if kind == MULTICLASS else 1
    regression = kind == REGRESSOR
    labels = {
        name: regression if values[name] is None else values[name] for name in ("normalize_label", "unbias_label")
    }
    if not regression and any(labels.values()):
        raise ClientError("normalize_label and unbias_label are for predictor_type regressor only")
    return values | labels | {"loss": loss or allowed[0], "num_classes": classes}
