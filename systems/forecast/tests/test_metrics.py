"""The competition's measures, against figures worked by hand and, where the data are at hand, the published ones."""

import os
from pathlib import Path

import metrics
import numpy as np
import pandas as pd
import pytest


def shared(name):
    """A file of shared/data/forecasting: SKYLAB_SHARED names shared/, or it lies beside the repository or above it."""
    named = [Path(os.environ["SKYLAB_SHARED"])] if "SKYLAB_SHARED" in os.environ else []
    for place in [*named, *(parent / "shared" for parent in Path(__file__).resolve().parents)]:
        if (found := place / "data" / "forecasting" / name).is_file():
            return pd.read_parquet(found)
    pytest.skip(f"shared/data/forecasting/{name} is not here: set SKYLAB_SHARED")


def naive2(table, season):
    """(sMAPE, MASE) of Naive2, means over the series."""
    smape, mase = [], []
    for _, rows in table.groupby("unique_id"):
        history, after = (rows.y[rows.split == part].to_numpy(float) for part in ("train", "test"))
        forecast = metrics.naive2(history, season, len(after))[None]
        smape.append(metrics.smape(after[None], forecast)[0])
        mase.append(metrics.mase(after[None], forecast, np.array([metrics.scale(history, season)]))[0])
    return np.mean(smape), np.mean(mase)


def test_naive2_on_m4_weekly_has_the_official_scores():
    """9.161 and 2.777: "Evaluation and Ranks.xlsx" of the competition."""
    assert naive2(shared("m4_weekly.parquet"), 1) == pytest.approx((9.161, 2.777), abs=0.0006)


def test_naive2_on_m3_yearly_has_the_published_scores_and_on_quarterly_m4s_rule_gives_others():
    """Recomputed from the competition's forecasts: 17.880, 3.172 yearly; 9.951, 1.238 quarterly, where M3's own Naive2
    took its season by another rule."""
    table = shared("m3_yearly_quarterly.parquet")
    assert naive2(table[table.period == "YEARLY"], 1) == pytest.approx((17.880, 3.172), abs=0.0006)
    assert naive2(table[table.period == "QUARTERLY"], 4) == pytest.approx((10.029, 1.252), abs=0.0006)


def test_smape_is_symmetric_and_knows_nothing_of_missing_periods():
    y, forecast = np.array([[100.0, np.nan, 50.0]]), np.array([[50.0, 7.0, 100.0]])
    assert metrics.smape(y, forecast)[0] == pytest.approx(200 * 50 / 150)
    assert metrics.smape(forecast[:, ::2], y[:, ::2])[0] == pytest.approx(200 * 50 / 150)
    assert metrics.smape(np.zeros((1, 2)), np.zeros((1, 2)))[0] == 0


def test_mase_is_in_units_of_the_seasonal_naive_error():
    assert metrics.scale(np.array([1.0, 5.0, 3.0, 9.0]), 2) == 3
    assert metrics.mase(np.array([[10.0, 10.0]]), np.array([[13.0, 4.0]]), np.array([3.0]))[0] == 1.5
    assert metrics.scale(np.array([2.0, 2.0]), 1) == 1


def test_owa_of_the_reference_is_one():
    assert metrics.owa((9.161, 2.777), (9.161, 2.777)) == 1
    assert metrics.owa((7.817, 2.356), (9.161, 2.777)) == pytest.approx(0.8508, abs=1e-4)  # the winner's, as published


def test_quantile_loss_and_coverage_worked_by_hand():
    y = np.array([[10.0, 20.0]])
    assert metrics.quantile_loss(y, {0.9: np.array([[12.0, 15.0]])}) == pytest.approx(2 * (0.2 + 4.5) / 30)
    assert metrics.coverage(y, np.array([[9.0, 21.0]]), np.array([[11.0, 22.0]])) == 0.5


def test_a_season_is_found_removed_and_put_back():
    y = np.tile([50.0, 100.0, 150.0, 100.0], 6)

    assert metrics.is_seasonal(y, 4) and not metrics.is_seasonal(np.arange(1.0, 25.0), 1)
    assert metrics.naive2(y, 4, 6) == pytest.approx([50, 100, 150, 100, 50, 100])
    assert metrics.naive2(y[:8], 4, 2) == pytest.approx([100, 100])  # too short to tell
