"""What is dirty is found, treated and counted; what is clean stays as it is."""

import json

import numpy as np
import pandas as pd
import pytest
from clean import clean, filled, outliers, runs, summary
from prepare import prepare
from report import quality
from simulate import simulate


def table(t, y, series="a"):
    return pd.DataFrame({"series": series, "t": t, "y": y})


def cleaned(t, y, season=1, treat=True):
    regular, found = clean(table(t, y), season, treat, {"a": max(t)})
    return regular.y.tolist(), found[0]


def wave(length=60, season=12):
    return 100 + 0.5 * np.arange(length) + 20 * np.sin(2 * np.pi * np.arange(length) / season)


def test_the_later_of_two_stays_and_a_correction_is_told_from_a_repetition():
    y, found = cleaned([0, 1, 1, 2, 2], [1.0, 2.0, 2.0, 3.0, 4.0])

    assert y == [1, 2, 4]
    assert (found.observations, found.duplicates, found.corrections) == (5, 1, 1)


def test_rows_that_come_late_are_put_in_order():
    assert cleaned([2, 0, 1], [3.0, 1.0, 2.0])[0] == [1, 2, 3]


def test_a_gap_is_filled_and_so_is_what_is_no_number():
    y, found = cleaned([0, 1, 3, 4, 5], [1.0, 2.0, 4.0, np.inf, 6.0])

    assert y == [1, 2, 3, 4, 5, 6]
    assert (found.gaps, found.invalid) == (2, 1)


def test_a_gap_in_a_season_is_filled_by_the_season():
    y = wave()
    gone = y.copy()
    gone[27] = np.nan  # a top: a line between its neighbours would cut it off

    line = (y[26] + y[28]) / 2
    assert abs(filled(gone, 12)[27] - y[27]) < abs(line - y[27]) / 2


@pytest.mark.parametrize("factor", [0.1, 4.0])
def test_an_outlier_is_replaced_or_only_reported(factor):
    y = wave() + np.random.default_rng(1).normal(0, 1, 60)
    spoilt = y.copy()
    spoilt[30] *= factor

    treated, found = cleaned(np.arange(60), spoilt, 12)
    left, same = cleaned(np.arange(60), spoilt, 12, treat=False)

    assert found.at == same.at == (30,)
    assert abs(treated[30] - y[30]) < 10 and left[30] == spoilt[30]


def test_a_new_level_is_no_outlier():
    y = np.r_[np.full(30, 100.0), np.full(30, 200.0)] + np.random.default_rng(1).normal(0, 1, 60)
    assert not outliers(y, 1).any()


def test_a_clean_series_is_not_touched():
    y, found = cleaned(np.arange(60), wave(), 12)
    assert y == wave().tolist() and found.outliers == found.gaps == 0


def test_a_series_without_a_number_is_counted_and_left_out():
    regular, found = clean(pd.concat([table([0], [np.nan]), table([0, 1], [1.0, 2.0], "b")]), 1, True, {"a": 0, "b": 1})
    assert set(regular.series) == {"b"} and summary(found) | {"invalid": 1, "series": 2} == summary(found)


def test_runs_are_measured():
    assert runs(np.array([True, True, False, True])).tolist() == [2, 2, 1, 1]


def test_most_of_what_the_simulator_spoils_is_found_and_little_else(tmp_path):
    truth = simulate(tmp_path / "raw", 90, 3)

    prepare(tmp_path / "raw", tmp_path / "out")
    report = json.loads((tmp_path / "out" / "report" / "cleaning.json").read_text())

    for group, found in quality(report, truth).items():
        assert found["recall"] >= 0.7 and found["precision"] >= 0.7, (group, found)
