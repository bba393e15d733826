"""Judging models on the same texts, and what serves."""

import json
from dataclasses import replace
from types import SimpleNamespace

import evaluate
import inference
import linear
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

    assert found["difference"]["verdict"] == "beyond noise"
    assert same["difference"]["verdict"] == "within noise"


def test_what_does_not_apply_is_left_out_and_every_value_is_inside_its_interval() -> None:
    rng = np.random.default_rng(5)
    labels = np.repeat(np.arange(40), 5)
    scores = np.eye(40)[np.where(rng.random(200) < 0.7, labels, rng.integers(40, size=200))] + 0.1
    test = Examples([""] * 200, [f"{each:02}" for each in labels])

    told = scores / scores.sum(1, keepdims=True), 0.0, sorted(set(test.labels))
    found = evaluate.judge({"floor": told, "encoder": told}, test)

    told = found["models"]["floor"]
    assert set(told) == {"accuracy", "accuracy of classes", "macro F1", "calibration error"}
    assert all(low <= each["value"] <= high for each in told.values() for low, high in [each.get("interval", (0, 1))])
    assert "interval" not in told["calibration error"] and "NaN" not in json.dumps(found)


def test_texts_of_no_class_are_told_by_their_low_probability() -> None:
    known = np.array([True, True, False, False])

    assert evaluate.auc(np.array([0.9, 0.8, 0.2, 0.1]), known) == 1
    assert evaluate.auc(np.array([0.5, 0.5, 0.5, 0.5]), known) == pytest.approx(0.5)


class Told:
    """An ONNX session and a tokeniser that know two texts: the encoder cannot tell them apart."""

    def encode_batch(self, texts: list[str]) -> list[SimpleNamespace]:
        return [SimpleNamespace(ids=[101, len(text), 102]) for text in texts]

    def run(self, _: None, inputs: dict[str, np.ndarray]) -> list[np.ndarray]:
        return [np.zeros((len(inputs["ids"]), 2), dtype=np.float32)]


def test_what_serves_adds_the_floor_to_the_encoder() -> None:
    texts, labels = ["my bucket is full", "the queue is slow"], np.array([0, 1])
    floor = linear.fit(texts * 4, np.tile(labels, 4)) | {"weight": 5.0}
    alone = inference.Model(Told(), Told(), ["s3", "sqs"], 1.0, 0.6)

    unsure = inference.predict_fn(texts, alone)
    sure = inference.predict_fn(texts, replace(alone, floor=floor))

    assert [each["label"] for each in unsure] == ["other", "other"] and unsure[0]["probability"] == 0.5
    assert [each["label"] for each in sure] == ["s3", "sqs"]
