import numpy as np
import pytest
from nab import Series, best, held_out, load, normalised, report, rises, rows, scored
from tables import BadInput

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


def test_series_are_far_apart_and_values_are_in_deviations_of_the_probation():
    steady = np.tile([1.0, 3.0], 500)
    first, second = rows([Series("a", steady, []), Series("b", steady * 100, [])])
    assert np.allclose(first[:, 1], second[:, 1]) and np.allclose(np.abs(first[:, 1]), np.log(2))
    assert set(second[:, 0] - first[:, 0]) == {1000.0}


def test_an_alarm_is_a_rise_above_all_of_the_points_before_it():
    assert rises(np.array([1.0, 1, 3, 2, 4, 1, 1, 1, 2]), 3)[1:].tolist() == [0, 2, -1, 1, -3, -3, -3, 1]


def test_held_out_halves_score_what_the_threshold_of_the_others_finds():
    random = np.random.default_rng(0)
    every, anomaly = [], []
    for number in range(6):
        score = random.random(1000) / 2
        score[500 + number] = 1.0
        every.append(Series(str(number), QUIET, [(500, 599)]))
        anomaly.append(score)
    assert np.mean(held_out(every, [anomaly])) > 95


def test_the_report_gives_the_spread_over_forests_and_over_halves():
    random = np.random.default_rng(0)
    every = [Series(str(number), QUIET, [(500, 599)]) for number in range(4)]
    forests = [[random.random(1000) for _ in every] for _ in range(3)]
    assert all(spread > 0 for _, spread in report(every, forests).values())


def test_a_folder_that_is_not_nabs_is_told_so(tmp_path):
    with pytest.raises(BadInput, match="is not NAB's folder"):
        load(tmp_path)
