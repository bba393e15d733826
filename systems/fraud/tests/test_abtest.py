import numpy as np
from abtest import EACH, POWER, Arm, Pool, chance, compare, detectable
from evaluate import average_precision
from scipy.stats import fisher_exact, kstest


def arm(seed, cards=800, sharp=1.0):
    random = np.random.default_rng(seed)
    card = np.repeat(np.arange(cards), 10)
    truth = ((random.random(len(card)) < 0.25) & (random.random(cards) < 0.15)[card]).astype(float)
    return Arm(card + seed * cards, truth, truth * sharp + random.normal(size=len(card)))


def test_a_variant_that_is_clearly_better_is_found_by_both_tests():
    found = compare(arm(1, sharp=1.0), arm(2, sharp=4.0), draws=200)
    assert found["verdict"] == "the difference is beyond noise"
    assert found["difference"][1] > 0.2 and max(found["chance"].values()) < 0.01


def chances(worlds, cards, draws):
    """The randomisation test's chances where both variants are the same model."""
    found = []
    for number in range(worlds):
        a, b = arm(2 * number, cards), arm(2 * number + 1, cards)
        value = average_precision(b.truth, b.score) - average_precision(a.truth, a.score)
        found.append(chance(value, Pool.of(a, b).dealt_anew(np.random.default_rng(number), draws)))
    return np.array(found)


def test_without_a_difference_the_chances_of_average_precision_are_uniform_even_of_few_cards():
    """Some ten defrauded cards to each arm, where resampling was far too sure."""
    found = chances(200, 80, 99)
    assert kstest(found, "uniform").pvalue > 0.05
    assert 0.02 <= np.mean(found <= 0.05) <= 0.09  # two standard errors around 0.05 are 0.02 to 0.08


def test_a_variant_with_another_scale_is_no_other_variant():
    a, b = arm(1, 200), arm(2, 200)
    told = [compare(a, Arm(b.card, b.truth, score), draws=99)["chance"] for score in (b.score, np.exp(b.score) / 1e3)]
    assert told[0] == told[1]


def test_two_arms_of_the_same_model_differ_about_as_often_as_the_level_says():
    said = [compare(arm(2 * n, 300), arm(2 * n + 1, 300), draws=60)["verdict"].startswith("the") for n in range(25)]
    assert sum(said) <= 4  # one or two are expected; 5 or more have a chance of about one in a hundred


def test_few_cards_can_show_only_large_differences():
    few, many = (compare(arm(1, n), arm(2, n), draws=20)["detectable"] for n in (100, 1600))
    assert 3 < few / many < 5.5


def test_what_is_said_to_be_detectable_is_found_as_often_as_is_said():
    """By the very test and level of the verdict, on as many defrauded cards as a run has."""
    hits, all_ = (115, 99), (154, 147)
    random, middle, apart = np.random.default_rng(0), sum(hits) / sum(all_), detectable(hits, all_)
    drawn = [random.binomial(n, middle + sign * apart / 2, 600) for n, sign in zip(all_, (1, -1), strict=True)]
    tables = ([[a, all_[0] - a], [b, all_[1] - b]] for a, b in zip(*drawn, strict=True))
    found = np.mean([fisher_exact(table).pvalue < EACH for table in tables])
    assert found == np.clip(found, POWER - 0.06, POWER + 0.05)  # Fisher's test is a little cautious
