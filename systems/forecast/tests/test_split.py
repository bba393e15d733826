"""The split: where a value is missing at it, or the last one is, forecasts are still judged on their own periods."""

import json

import numpy as np
import pandas as pd
import panel
import pytest
from judge import Judge
from prepare import prepare


def judged(folder):
    """The one group's, with its only series' history."""
    prepare(folder, folder / "out")
    (group,) = panel.read(folder / "out" / "train")
    found = Judge(group, pd.read_parquet(folder / "out" / "test" / f"{group.name}.parquet"))
    return group.series["a"], found.y[0]


@pytest.mark.parametrize("gone", [[45], [44, 45], [45, 46], []])
def test_a_gap_at_the_split_moves_no_forecast(tmp_path, gone):
    days = [str(day) for day in pd.period_range("2025-01-01", periods=60, freq="D")]
    values = ["" if place in gone else str(100 + place) for place in range(60)]
    (tmp_path / "shops.csv").write_text("\n".join([",".join(["shop", *days]), ",".join(["a", *values])]))

    history, truth = judged(tmp_path)

    assert len(history) == 46 and history[43] == 143 and np.isfinite(history).all()
    wanted = [np.nan if place in gone else 100.0 + place for place in range(46, 60)]
    assert truth == pytest.approx(wanted, nan_ok=True)


def test_a_last_observation_that_is_null_is_a_period_all_the_same(tmp_path):
    months = pd.period_range("2015-01", periods=60, freq="M")
    lines = [
        {"meter": "a", "at": f"{month}-15T12:00:00+00:00", "kwh": 100 + place if place < 59 else None}
        for place, month in enumerate(months)
    ]
    (tmp_path / "meters.jsonl").write_text("\n".join(map(json.dumps, lines)))

    history, truth = judged(tmp_path)

    assert history.tolist() == [100 + place for place in range(42)]
    assert truth[:-1].tolist() == [100 + place for place in range(42, 59)] and np.isnan(truth[-1])


def test_a_history_that_lacks_its_end_is_filled_up_to_the_split_and_the_gap_is_counted(tmp_path):
    days = [str(day) for day in pd.period_range("2025-01-01", periods=60, freq="D")]
    (tmp_path / "shops.csv").write_text(
        "\n".join([",".join(["shop", *days]), ",".join(["a", *("" if at == 45 else "7" for at in range(60))])])
    )

    history, _ = judged(tmp_path)

    assert history.tolist() == [7.0] * 46
    report = json.loads((tmp_path / "out" / "report" / "cleaning.json").read_text())
    assert report["shops-daily"]["summary"]["gaps"] == 1
