import json

import abtest
import evaluate
import numpy as np
import report
import results
from baselines import FLOOR
from members import MEMBERS
from simulate import simulate

MODELS = (FLOOR, "xgboost", "lightgbm", "random forest", "ensemble", "ensemble, compressed")
MODELS += tuple(f"handbook's {name}" for name in ("logistic regression", "random forest", "XGBoost"))


def found():
    """What a run hands over, of models that guess."""
    table, random = simulate(days=8, customers=200, terminals=400, seed=1), np.random.default_rng(0)
    truth, card = table["TX_FRAUD"].to_numpy().astype(float), table["CUSTOMER_ID"].to_numpy()
    scores = {name: truth + random.normal(size=len(truth)) for name in MODELS}
    arms = [abtest.Arm(card[half], truth[half], scores["xgboost"][half]) for half in (card % 2 == 0, card % 2 == 1)]
    judged = {"start": 1, "models": evaluate.judge(table, scores, 10), "rows": len(table), "frauds": int(truth.sum())}
    sizes = {"xgboost": [100, 900], "ensemble": [100, 800]}
    times = {"libraries": (300.0, 900.0), "graph": (30.0, 90.0), "speedup": 10.0, "xgboost": "3.2.0"}
    return {
        "origin": "simulated, seed 0",
        "data": False,
        "at": "now",
        "commit": "abc1234",
        "draws": 10,
        "facts": {"rows": 9, "frauds": 1, "days": 8, "scenarios": {1: 1}, "dates": [["a", "b", "c", "d"]]},
        "judged": [judged | {"slopes": {"ensemble": 1.0, "xgboost": 0.9}, "weights": dict.fromkeys(MEMBERS, 0.25)}],
        "compressed": times | {"bytes": [4e6, 1e6], "apart": [1e-4, 1e-2], "exact": 1e-6},
        "test": abtest.compare(*arms, draws=10) | {"sizes": sizes},
        "latency": {"xgboost": (2.0, 5.0), "ensemble": (1.0, 2.0)},
        "seconds": {"xgboost": 10},
        "instance": "ml.m5.large",
    }


def test_a_part_names_commit_command_floor_intervals_and_what_noise_is():
    said = report.part(found() | {"data": True})
    for wanted in ("commit abc1234", "run.py --data FOLDER --draws 10 --results", f"| {FLOOR} | ", " to "):
        assert wanted in said
    assert "ensemble less handbook's random forest" in said and "Fisher's exact test p = " in said
    assert "lightgbm 0.25; forest 0.25" in said and "10.0 times faster" in said and "published: XGBoost" in said


def test_a_run_rewrites_its_own_part_and_leaves_the_others(tmp_path):
    path = tmp_path / "RESULTS.md"
    results.write(path, results.NAB, "of NAB\n\n### deeper\n\nmore")
    results.write(path, results.SIMULATED, "of the first run")
    before = results.parts(path)
    results.write(path, results.SIMULATED, "of the second run")
    assert results.parts(path) == before | {results.SIMULATED: "of the second run"}
    assert list(results.parts(path)) == [results.SIMULATED, results.NAB]
    assert path.read_text().startswith("# Results\n") and list(tmp_path.iterdir()) == [path]


def test_the_summary_is_one_object_with_the_figures_that_the_part_shows(tmp_path):
    run, path = found(), tmp_path / "summary.json"
    results.write_summary(path, run, None)
    said = json.loads(path.read_text())
    for one in (said["floor"], said["model"]):
        shown = f"{one['value']:.3f} ({one['low']:.3f} to {one['high']:.3f})"
        assert shown in next(line for line in report.part(run).splitlines() if line.startswith(f"| {one['name']} |"))
    assert said["measure"] == "average precision" and said["better"] == "higher" and len(said["verdict"]) <= 60
    assert said["endpoint"] is None and said["dollars"] > 0 and list(tmp_path.iterdir()) == [path]


def test_nab_is_reported_beside_the_published_detectors():
    scores = {"as scored": 2.6, "one day": 51.5, "two days": 57.1, "held out": 51.0}
    said = report.of_nab({"at": "now", "commit": "abc1234", "series": 28, "points": 100, "scores": scores})
    assert "(mean of 40) | 51.0 |" in said and "| published: randomCutForest | 50.6 |" in said
