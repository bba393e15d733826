"""Members, rolling origins, the ensemble, what is served, and the judgement of it, on a few short series."""

import json
import subprocess
import sys
from pathlib import Path

import combine
import inference
import members
import numpy as np
import pandas as pd
import panel
import pareto
import pytest
import train
from judge import judge

SYSTEM = Path(__file__).resolve().parents[1]


def prepared(folder, count=12, length=40):
    """Quarterly series with trend and season, a horizon of 4, their test part."""
    rng = np.random.default_rng(1)
    for part in ("train", "test"):
        (folder / part).mkdir(parents=True)
    t = np.arange(length + 4)
    rows = []
    for place in range(count):
        y = (100 + place * t / 4) * np.resize([0.8, 1.1, 1.3, 0.8], len(t)) * np.exp(rng.normal(0, 0.02, len(t)))
        rows.append(pd.DataFrame({"series": f"s{place:02d}", "t": t, "y": y}))
    table = pd.concat(rows)
    table[table.t < length].to_parquet(folder / "train" / "made-quarterly.parquet")
    table[table.t >= length].assign(step=lambda part: part.t - length).to_parquet(
        folder / "test" / "made-quarterly.parquet"
    )
    groups = {"made-quarterly": {"season": 4, "horizon": 4, "origins": 2, "step": 2}}
    (folder / "train" / "groups.json").write_text(json.dumps(groups))
    return folder


def job(folder, member, *more):
    """A training job's script, as a job runs it."""
    to = folder / "models" / f"{member}{''.join(map(str, more))}"
    argv = [SYSTEM / "model" / "train.py", "--train", folder / "train", "--member", member, "--model-dir", to, *more]
    done = subprocess.run([sys.executable, *map(str, argv)], capture_output=True, text=True, timeout=100)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture
def served(monkeypatch):
    """The floors as members: they need no library."""
    monkeypatch.setattr(combine, "SERVED", ("naive2", "snaive"))


def test_an_origin_lies_a_whole_horizon_before_the_end(tmp_path):
    (group,) = panel.read(prepared(tmp_path) / "train")
    y = group.series["s01"]

    assert (group.cut(0)["s01"] == y).all()
    assert (group.cut(1)["s01"] == y[:-4]).all() and (group.truth(1)["s01"] == y[-4:]).all()
    assert (group.cut(2)["s01"] == y[:-6]).all() and (group.truth(2)["s01"] == y[-6:-2]).all()


def test_a_series_too_short_for_an_origin_is_forecast_but_not_judged():
    group = panel.Group("g", 4, 4, 1, 1, {"short": np.ones(9), "long": np.ones(30)}, frozenset({"short", "long"}))
    assert set(group.cut(0)) == {"short", "long"} and set(group.cut(1)) == {"long"}


def test_what_is_drawn_is_part_of_what_is_drawn_of_more():
    names = [f"s{place}" for place in range(50)]
    assert set(panel.drawn(names, 5)) < set(panel.drawn(names, 20)) and panel.drawn(names, 0) == names


def test_a_member_that_fails_or_explodes_becomes_naive2_and_is_counted(monkeypatch):
    y = np.arange(1.0, 20.0)

    def fails(y, season, horizon):
        raise ValueError("no")

    monkeypatch.setitem(members.MEMBERS, "ces", fails)
    monkeypatch.setitem(members.MEMBERS, "ets", lambda y, season, horizon: np.full(horizon, 1e9))

    for name in ("ces", "ets"):
        found, stood_in = members.forecast(name, y, 1, 3)
        assert found.tolist() == [19, 19, 19] and stood_in


def test_a_jobs_score_is_that_of_the_origins_and_naive2_has_one(tmp_path):
    folder = prepared(tmp_path)
    assert "cv-owa:1.00000" in job(folder, "naive2")
    facts = json.loads((folder / "models" / "naive2" / "facts.json").read_text())
    assert facts["fits"] == {"made-quarterly": 36} and facts["series"] == {"made-quarterly": 12}


def test_two_parts_of_a_member_are_the_whole(tmp_path):
    folder = prepared(tmp_path)
    job(folder, "naive2")
    for part in (0, 1):
        job(folder, "snaive", "--parts", 2, "--part", part)

    table, facts, _ = combine.opened(folder / "models")

    assert facts["snaive"]["series"] == facts["naive2"]["series"] and facts["snaive"]["fits"] == facts["naive2"]["fits"]
    assert (table.groupby("member").size() == 36 * 4).all()


def test_two_equals_are_better_together_and_what_is_worse_hardly_counts():
    rng = np.random.default_rng(1)
    origins = object.__new__(combine.Origins)
    origins.truth, origins.scales, origins.season = np.full((200, 4), 100.0), np.ones(200), 1
    origins.naive2, origins.names = np.array([1.0, 1.0]), [f"s{place}" for place in range(200)]
    noise = [rng.normal(0, 1, (200, 4)) for _ in range(3)]
    origins.members = {"a": 100 + noise[0], "b": 100 + noise[1], "bad": 130 + noise[2]}

    found = combine.choose(origins)

    assert {"a", "b"} <= set(found["weights"]) and found["owa"] < min(found["members"].values())
    assert found["weights"].get("bad", 0) < 0.01
    assert sum(found["weights"].values()) == pytest.approx(1)


def test_the_artefact_serves_what_was_judged(tmp_path, served):
    folder = prepared(tmp_path)
    for member in ("naive2", "snaive"):
        job(folder, member)
    combine.combine(folder / "train", folder / "models", folder / "ensemble")
    judged = pd.read_parquet(folder / "ensemble" / "forecasts.parquet")
    histories = panel.histories(folder / "train" / "made-quarterly.parquet")

    model = inference.model_fn(str(folder / "ensemble"))
    lines = [json.dumps({"group": "made-quarterly", "id": name, "y": y.tolist()}) for name, y in histories.items()]
    body, kind = inference.output_fn(
        inference.predict_fn(inference.input_fn("\n".join(lines), inference.LINES), model), inference.LINES
    )

    answers = [json.loads(line) for line in body.splitlines()]
    assert kind == inference.LINES and [answer["id"] for answer in answers] == list(histories)
    for answer in answers:
        own = judged[judged.series == answer["id"]]
        assert answer["value"] == pytest.approx(own["value"].tolist())
        assert answer["quantiles"]["0.9"] == pytest.approx(own["0.9"].tolist())
        levels = np.array([answer["quantiles"][str(level)] for level in combine.LEVELS])
        assert (np.diff(levels, axis=0) >= 0).all()


@pytest.mark.parametrize(
    "asked", [{}, {"group": "other", "y": [1]}, {"group": "g", "y": []}, {"group": "g", "y": [None]}]
)
def test_a_request_without_sense_is_refused(asked):
    with pytest.raises(ValueError):
        inference.one(asked, {"groups": {"g": {}}, "lightgbm": {}})


def test_the_judgement_has_every_model_intervals_and_the_floor(tmp_path, served):
    folder = prepared(tmp_path)
    for member in ("naive2", "snaive"):
        job(folder, member)
    combine.combine(folder / "train", folder / "models", folder / "ensemble")

    report = judge(folder, folder / "models", folder / "ensemble", {})["made-quarterly"]

    assert set(report["models"]) == {"naive2", "snaive", "ensemble"}
    assert report["models"]["naive2"]["owa"]["value"] == pytest.approx(1)
    low, high = report["models"]["ensemble"]["smape"]["interval"]
    assert low <= report["models"]["ensemble"]["smape"]["value"] <= high
    assert 0 <= report["probabilistic"]["coverage_0.80"] <= report["probabilistic"]["coverage_0.95"] <= 1
    assert pareto.picture({"made-quarterly": report}).count("<circle") == 3


def test_the_front_is_of_those_that_none_beats_at_both():
    points = {"cheap": (1, 0.9), "dear": (10, 0.7), "waste": (11, 0.8), "worse": (2, 0.95)}
    assert pareto.front(points) == ["cheap", "dear"]


@pytest.mark.parametrize("member", ["ets", "theta", "ces", "arima"])
def test_statistical_members_beat_the_floor_on_a_series_with_trend_and_season(tmp_path, member):
    pytest.importorskip("statsforecast")
    (group,) = panel.read(prepared(tmp_path) / "train")
    facts = {"stood_in": 0}

    scores = {}
    for name in (member, "snaive"):
        own = train.score(group, 1, train.local(group, 1, name, facts))
        scores[name] = own[0]

    assert scores[member] < scores["snaive"] and facts["stood_in"] == 0


def test_lightgbm_forecasts_series_that_it_has_not_seen_at_a_level_it_has_not_seen(tmp_path):
    pytest.importorskip("lightgbm")
    import lags

    (group,) = panel.read(prepared(tmp_path) / "train")
    model = lags.Lags(group.series, group.horizon, {"rounds": 30, "min_child_samples": 5})
    lags.save(model, tmp_path / "x.joblib")

    found = lags.load(tmp_path / "x.joblib").forecast({"new": group.series["s05"] * 1000}, 4)["new"]

    own = model.forecast({"s05": group.series["s05"]}, 4)["s05"]
    assert found == pytest.approx(own * 1000, rel=1e-6)
