import numpy as np
import pytest
from nab import Series, best, normalised, scored

QUIET = np.zeros(1000)
ONE = Series("one.csv", QUIET, [(500, 599)])


def alarms(*rows):
    found = np.zeros(1000)
    found[list(rows)] = 1
    return found > 0


def test_silence_costs_one_for_each_window_and_the_first_row_of_it_is_worth_one():
    assert scored(ONE, alarms()) == -1
    assert scored(ONE, alarms(500)) == pytest.approx(1.0)
    assert 0 < scored(ONE, alarms(598)) < 0.2


def test_only_the_best_alarm_of_a_window_counts_and_those_of_the_probation_do_not():
    assert scored(ONE, alarms(500, 550, 599, 0, 149)) == pytest.approx(1.0)


def test_a_false_alarm_costs_more_the_further_behind_a_window_it_is():
    before, just, far = (scored(ONE, alarms(500, row)) - 1 for row in (300, 602, 999))
    assert before == pytest.approx(-0.11) and far == pytest.approx(-0.11, abs=1e-3)
    assert -0.02 < just < 0


def test_silence_is_0_a_perfect_detector_100_and_the_threshold_is_found():
    score = np.random.default_rng(0).random(1000) / 2
    score[500] = 1.0
    assert normalised([ONE], [score], 2.0) == 0
    threshold, found = best([ONE], [score])
    assert found == pytest.approx(100, abs=1e-6) and 0.5 < threshold <= 1
