"""https://docs.aws.amazon.com/sagemaker/latest/dg/deepar_hyperparameters.html"""

import json
import re
from typing import Any

from skylab.images.algorithms.hyperparameters import Parameter, choice, integer, number
from skylab.images.failures import ClientError

IGNORE = "ignore"
FREQUENCIES = {"M": "M", "W": "W", "D": "D", "H": "h", "min": "min"}  # AWS's words and pandas'
QUANTILES = "[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]"


def _frequency(name: str, text: str) -> str:
    """As pandas has it."""
    found = re.fullmatch(r"(\d*)(M|W|D|H|min)", text)
    if not found or found[1] and not 1 <= int(found[1]) <= 10_000:
        raise ClientError(
            f"Hyperparameter {name}: {text!r} is not one of nM, nW, nD, nH, nmin (caused by ValidationError)"
        )
    return f"{found[1]}{FREQUENCIES[found[2]]}"


def _whole_numbers(name: str, text: str) -> list[int] | str:
    listed = IGNORE if text == IGNORE else _json(name, text)
    if listed != IGNORE and not (isinstance(listed, list) and all(type(n) is int and n > 0 for n in listed)):
        raise ClientError(f"Hyperparameter {name}: {text!r} is not auto, ignore, or a list of integers")
    return listed


def _shares(name: str, text: str) -> list[float]:
    listed = _json(name, text)
    if not isinstance(listed, list) or not listed or not all(isinstance(q, float | int) and 0 < q < 1 for q in listed):
        raise ClientError(f"Hyperparameter {name}: {text!r} is not a list of numbers between 0 and 1")
    return [float(share) for share in listed]


def _count(name: str, text: str) -> int | str:
    if text == IGNORE:
        return text
    if not text.isdecimal():
        raise ClientError(f"Hyperparameter {name}: {text!r} is not auto, ignore, or an integer")
    return int(text)


def _json(name: str, text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError as error:
        raise ClientError(
            f"Hyperparameter must be valid json, but found {name}: {text} (caused by ValueError)"
        ) from error


TABLE = {
    "context_length": integer(required=True),
    "epochs": integer(required=True),
    "prediction_length": integer(required=True),
    "time_freq": Parameter(_frequency, required=True),
    "cardinality": Parameter(_whole_numbers, "auto", may_be_auto=True),
    "dropout_rate": number("0.1", 0, 1),
    "early_stopping_patience": integer(None),
    "embedding_dimension": integer("10"),
    "learning_rate": number("1e-3", 0, ends="()"),
    "likelihood": choice("gaussian beta negative-binomial student-T deterministic-L1", "student-T"),
    "mini_batch_size": integer("128"),
    "num_cells": integer("40"),
    "num_dynamic_feat": Parameter(_count, "auto", may_be_auto=True),
    "num_eval_samples": integer("100"),
    "num_layers": integer("2"),
    "test_quantiles": Parameter(_shares, QUANTILES),
}
