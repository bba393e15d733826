"""Judging models on the same texts."""

import evaluate
import numpy as np
import pytest
from examples import Examples


def test_a_better_model_is_better_beyond_noise_and_chance_is_not() -> None:
    classes, rng = ["a", "b"], np.random.default_rng(3)
    labels = rng.integers(2, size=400)
    test = Examples([""] * 400, [classes[each] for each in labels])
    good, poor = np.eye(2)[labels], np.eye(2)[rng.integers(2, size=400)]

    found = evaluate.judge({"floor": (poor, 0.0, classes), "encoder": (good, 0.0, classes)}, test)
    same = evaluate.judge({"floor": (good, 0.0, classes), "encoder": (good, 0.0, classes)}, test)

    assert found["difference"]["verdict"] == "beyond noise" and found["difference"]["prefer"] == "encoder"
    assert same["difference"]["verdict"] == "within noise" and same["difference"]["prefer"] == "floor"


def test_texts_of_no_class_are_told_by_their_low_probability() -> None:
    known = np.array([True, True, False, False])

    assert evaluate.auc(np.array([0.9, 0.8, 0.2, 0.1]), known) == 1
    assert evaluate.auc(np.array([0.5, 0.5, 0.5, 0.5]), known) == pytest.approx(0.5)
