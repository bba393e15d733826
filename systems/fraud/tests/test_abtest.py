import numpy as np
from abtest import Arm, compare


def arm(seed, cards=800, sharp=1.0):
    random = np.random.default_rng(seed)
    card = np.repeat(np.arange(cards), 10)
    truth = ((random.random(len(card)) < 0.25) & (random.random(cards) < 0.15)[card]).astype(float)
    return Arm(card + seed * cards, truth, truth * sharp + random.normal(size=len(card)))


def test_a_variant_that_is_clearly_better_is_found_by_both_tests():
    found = compare(arm(1, sharp=1.0), arm(2, sharp=4.0), draws=200)
    assert found["verdict"] == "the difference is beyond noise"
    assert found["difference"][1] > 0.2 and max(found["chance"].values()) < 0.01


def test_two_arms_of_the_same_model_differ_about_as_often_as_the_level_says():
    said = [compare(arm(2 * n, 300), arm(2 * n + 1, 300), draws=60)["verdict"].startswith("the") for n in range(25)]
    assert sum(said) <= 4  # one or two are expected; 5 or more have a chance of about one in a hundred


def test_few_cards_can_show_only_large_differences():
    few, many = (compare(arm(1, n), arm(2, n), draws=20)["detectable"] for n in (100, 1600))
    assert 3 < few / many < 5.5
