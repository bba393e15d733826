"""Measures against values known by hand, the floor, and the anomaly detector. No torch."""

import anomaly
import floor
import judge
import measures
import members
import numpy as np
import pytest
import synthetic


def test_wilson_gives_the_published_interval():
    """Agresti and Coull (1998) have 0 of 10: 0 to .278."""
    low, high = measures.wilson(0, 10)
    assert low == 0 and high == pytest.approx(0.2775, abs=5e-4)


def test_auroc_counts_ties_half():
    scores, positive = np.array([1.0, 2.0, 2.0, 3.0]), np.array([False, False, True, True])
    assert measures.auroc(scores, positive) == pytest.approx(0.875)
    low, high = measures.auroc_interval(scores, positive)
    assert low <= 0.875 <= high


def test_the_temperature_undoes_overconfidence():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(4000, 3))
    truth = np.array([rng.choice(3, p=p) for p in measures.softmax(logits)])
    assert measures.temperature(3 * logits, truth) == pytest.approx(3, rel=0.15)
    calmed = measures.softmax(3 * logits / measures.temperature(3 * logits, truth))
    assert measures.calibration_error(calmed, truth) < measures.calibration_error(measures.softmax(3 * logits), truth)


def test_a_member_that_knows_nothing_has_no_share_and_the_join_is_calibrated():
    rng = np.random.default_rng(0)
    logits = 2 * rng.normal(size=(2000, 3))
    known = measures.softmax(logits)
    truth = np.array([rng.choice(3, p=p) for p in known])
    each = np.stack([known, np.full_like(known, 1 / 3)])
    good, bad = measures.shares(each, truth)
    assert good > 0.95 and good + bad == pytest.approx(1)
    heat = measures.temperature(np.log(measures.joined(each, [0.5, 0.5], 1.0)), truth)
    assert heat < 0.8 and measures.calibration_error(measures.joined(each, [0.5, 0.5], heat), truth) < 0.08


def test_members_without_their_temperatures_are_what_they_were():
    rng = np.random.default_rng(0)
    logits, temperatures = rng.normal(size=(2, 50, 3)), [0.5, 3.0]
    settings = {"temperatures": temperatures, "shares": [0.3, 0.7]}
    raw = measures.joined(measures.softmax(logits), [0.3, 0.7], 1.0)
    assert judge.uncalibrated(measures.calibrated(list(logits), temperatures), settings) == pytest.approx(raw)


def test_the_best_member_is_that_of_the_likeliest_truth_and_scratch_keeps_its_own_settings():
    truth = np.array([0, 1] * 20)
    good = np.eye(2)[truth] * 3
    assert measures.joining([np.zeros((40, 2)), good], truth)["best"] == 1
    assert members.settings("backbone", 30, rate=0.01) == {"epochs": 60, "rate": 0.01}
    assert members.settings("scratch", 30, rate=0.01) == {"epochs": 50, **members.OWN["scratch"]}


def test_an_interval_of_a_difference_is_paired_by_picture():
    rng, positive = np.random.default_rng(0), np.arange(200) < 100
    scores = positive + rng.normal(size=200)
    low, high = measures.auroc_interval(scores, positive, scores + 1e-3 * rng.normal(size=200))
    assert low <= 0 <= high and high - low < 0.01


def test_the_interval_of_a_mean_is_students():
    mean, low, high = measures.mean_interval([1.0, 2.0, 3.0])
    assert (mean, low, high) == pytest.approx((2.0, 2 - 4.30 / 3**0.5, 2 + 4.30 / 3**0.5))


def test_the_floor_learns_what_tone_and_texture_say():
    kinds = ["none", "stain"] * 60
    made = synthetic.dataset(kinds, 1, synthetic.products(1, 5))["images"]
    labels = np.array([kind == "stain" for kind in kinds]).astype(int)
    right = floor.scores(made[:80], labels[:80], 2, made[80:]).argmax(1) == labels[80:]
    assert right.mean() > 0.7


def test_a_patch_unlike_all_known_ones_makes_its_picture_unusual():
    rng = np.random.default_rng(0)
    known = anomaly.bank(rng.normal(size=(20, 16, 8)).astype(np.float32))
    asked = rng.normal(size=(2, 16, 8)).astype(np.float32)
    asked[1, 3:6] += 6
    usual, strange = anomaly.scores(asked, known)
    assert strange > 2 * usual


def test_a_known_patch_is_at_distance_0():
    features = np.random.default_rng(0).normal(size=(3, 4, 5)).astype(np.float32)
    assert anomaly.distances(features, anomaly.bank(features)) == pytest.approx(0, abs=2e-3)


def features(rng, labels, kinds):
    """Numbers tell the kinds apart, patches and whole pictures do not."""
    told = np.eye(kinds)[labels][:, None] * 8 + rng.normal(size=(len(labels), 1, kinds))
    noise = {"patches": rng.normal(size=(len(labels), 4, 3)), "whole": rng.normal(size=(len(labels), 1, 3))}
    return {name: of.astype(np.float32) for name, of in (noise | {"numbers": told}).items()}


@pytest.mark.parametrize("good", [None, 0])
def test_the_detector_is_chosen_where_known_classes_play_the_unknown(good):
    rng, labels, truth = np.random.default_rng(0), np.repeat(np.arange(3), 20), np.repeat(np.arange(3), 10)
    tried = anomaly.choose(features(rng, labels, 3), labels, features(rng, truth, 3), truth, good)
    assert set(tried) == {"+".join(way) for way in anomaly.WAYS}
    assert next(iter(tried)) == "numbers" and tried["numbers"] > 0.99 and tried["patches"] < 0.8


def test_scores_of_several_sorts_are_summed_in_deviations_of_known_pictures():
    found = {"whole": np.array([1.0, 3.0]), "numbers": np.array([10.0, 30.0])}
    levels = {"whole": (1.0, 2.0), "numbers": (10.0, 10.0)}
    assert anomaly.summed(found, levels, ("whole", "numbers")).tolist() == [0, 3]
    assert anomaly.summed(found, levels, ("numbers",)).tolist() == [0, 2]


def test_the_difference_of_two_models_is_paired_by_picture():
    one, other = np.array([1, 1, 1, 0] * 25) == 1, np.array([1, 1, 0, 0] * 25) == 1
    mean, low, high = measures.difference(one, other)
    assert mean == 0.25 and low == pytest.approx(0.25 - 1.96 * (0.1875 / 100) ** 0.5) and low < mean < high
