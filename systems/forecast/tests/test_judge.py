"""The judgement of unlike models: on fewer series, by DeepAR, and of what repeats a series' origins."""

import lags
import numpy as np
import pandas as pd
import panel
import pareto
import pytest
import train
from combine import LEVELS, Origins, quantiles, spread, worse
from judge import Judge, deep

pytest.importorskip("rich")
import report as told


def group(count=6, judged=None):
    rng = np.random.default_rng(1)
    series = {f"s{place}": 100 + rng.normal(0, 5, 40).cumsum() for place in range(count)}
    return panel.Group("made-quarterly", 4, 4, 2, 2, series, frozenset(judged or series))


def judge(group, truth):
    rows = [{"series": name, "step": step, "y": truth} for name in group.series for step in range(group.horizon)]
    return Judge(group, pd.DataFrame(rows).query("series != 's0'"))  # s0 has no test part


def test_deepars_rows_are_those_of_the_series_that_are_judged():
    found = judge(group(), 50.0)
    rows = {str(level): [[50.0 * (place > 0)] * 4 for place in range(6)] for level in LEVELS}

    told = deep(found, {"quantiles": rows, "seconds": 12})

    assert told["series"] == 5 and told["cost"] == pytest.approx(2000)
    assert told["smape"]["value"] == told["owa"]["value"] == told["probabilistic"]["quantile_loss"] == 0
    assert told["probabilistic"]["coverage_0.95"] == 1


def test_a_model_that_saw_fewer_series_is_drawn_hollow_and_ranked_last():
    def model(series, owa, cost):
        return {"series": series, "owa": {"value": owa, "interval": [owa, owa]}, "cost": cost}

    report = {"series": 50, "models": {"few": model(10, 0.4, 0.5), "a": model(50, 0.8, 1.0), "b": model(50, 0.9, 2.0)}}

    drawn = "".join(pareto.panel("g", report))

    assert [name for name, _ in told.ordered(report)] == ["a", "b", "few"]
    assert 'class="few"><title>few' in drawn and "few, n=10" in drawn and drawn.count("circle cx") == 3
    assert drawn.count('class="best"') == 2  # a's circle and its name; without few on the front, a has no rival


def test_quantiles_do_not_cross_where_the_forecasts_were_all_too_low():
    origins = object.__new__(Origins)
    origins.truth, origins.scales = 100 + np.random.default_rng(1).uniform(1, 2, (50, 3)), np.full(50, 2.0)

    found = quantiles(spread(origins, np.full((50, 3), 100.0)), np.full((1, 3), 10.0), np.array([4.0]))

    rows = np.concatenate(list(found.values()))
    assert list(found) == [str(level) for level in LEVELS] and (np.diff(rows, axis=0) > 0).all()
    assert rows[2] == pytest.approx(np.full(3, 10 + 4 * 0.75), abs=0.2)


def test_the_origins_of_a_series_are_one_observation():
    apart = np.random.default_rng(2).normal(0, 1, 100)
    apart += 0.9 * apart.std() / 10 - apart.mean()  # .9 of a standard error
    names = [f"s{place}" for place in range(100)]

    assert not worse(apart, np.zeros(100), names)
    assert not worse(np.tile(apart, 2), np.zeros(200), names * 2)  # the same again tells nothing new
    assert worse(apart + 0.05, np.zeros(100), names)


def test_lightgbm_learns_from_all_series_at_each_origin_and_forecasts_those_judged(monkeypatch, tmp_path):
    learnt = {}

    class Learner:
        def __init__(self, series, horizon, chosen):
            learnt.update(series)

        def forecast(self, series, horizon):
            return {name: np.ones(horizon) for name in series}

    monkeypatch.setattr(lags, "Lags", Learner)
    facts = {"stood_in": 0}

    found = train.lightgbm(group(judged=["s1", "s3"]), 1, {}, tmp_path, facts)

    assert set(learnt) == {f"s{place}" for place in range(6)} and set(found) == {"s1", "s3"}
    assert all(len(y) == 36 for y in learnt.values()) and facts["stood_in"] == 0


def test_a_history_shorter_than_the_way_back_to_an_origin_is_not_cut_from_its_other_end():
    short = panel.Group("g", 1, 6, 1, 1, {"a": np.arange(5.0)}, frozenset({"a"}))
    assert short.known(1) == short.cut(1) == {}
