import abtest
import evaluate
import numpy as np
import report
from baselines import FLOOR
from simulate import simulate

MODELS = (FLOOR, "xgboost", "lightgbm", "ensemble", "ensemble, compressed")
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
        "at": "now",
        "commit": "abc1234",
        "draws": 10,
        "facts": {"rows": 9, "frauds": 1, "days": 8, "scenarios": {1: 1}, "dates": [["a", "b", "c", "d"]]},
        "judged": [judged | {"slopes": {"ensemble": 1.0, "xgboost": 0.9}}],
        "compressed": times | {"bytes": [4e6, 1e6], "apart": [1e-4, 1e-2], "exact": 1e-6},
        "test": abtest.compare(*arms, draws=10) | {"sizes": sizes},
        "latency": {"xgboost": (2.0, 5.0), "ensemble": (1.0, 2.0)},
        "seconds": {"xgboost": 10},
        "instance": "ml.m5.large",
    }


def test_results_name_commit_command_floor_intervals_and_what_noise_is():
    said = report.results(found(), ["--data", "/some/where", "--results"])
    for wanted in ("commit abc1234", "run.py --data FOLDER --results", f"| {FLOOR} | ", " to ", "published: XGBoost"):
        assert wanted in said
    assert "ensemble less handbook's random forest" in said and "Fisher's exact test p = " in said
    assert "10.0 times faster" in said and "1.00" in said


def test_nab_is_reported_beside_the_published_detectors():
    scores = {"as scored": 2.6, "one day": 51.5, "two days": 57.1, "held out": 51.0}
    said = report.of_nab({"at": "now", "commit": "abc1234", "series": 28, "points": 100, "scores": scores})
    assert "(mean of 40) | 51.0 |" in said and "| published: randomCutForest | 50.6 |" in said
