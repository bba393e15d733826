import json
import re
import subprocess

import abtest
import evaluate
import numpy as np
import report
import results
import serving
from baselines import FLOOR, STRAIGHT
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
    models = evaluate.judge(table, np.arange(len(table)), scores, 10)
    judged = {"models": models, "rows": len(table), "frauds": int(truth.sum())}
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


def test_the_summary_names_the_stronger_floor_and_says_whether_it_is_beaten():
    run, served = found(), "ensemble, compressed"
    models = run["judged"][0]["models"]
    for than, verdict in {-0.9: "better than", 0.0: "within noise of", 0.9: "worse than"}.items():
        models[STRAIGHT] = evaluate.Judged(models[served].values + than, models[served].drawn + than)
        models[FLOOR] = evaluate.Judged(models[served].values - 1, models[served].drawn - 1)
        said = results.summary(run, None)
        assert said["floor"]["name"] == STRAIGHT and said["verdict"].startswith(f"approved, {verdict} the floor")


def test_the_gate_takes_what_beats_the_amount_and_is_not_below_the_logistic_regression():
    def judged(middle):
        return evaluate.Judged(np.full(3, middle), middle + np.linspace(-0.01, 0.01, 50)[:, None] * np.ones(3))

    rivals = {FLOOR: judged(0.3), STRAIGHT: judged(0.6)}
    for middle, passes in ((0.7, True), (0.6, True), (0.5, False), (0.2, False), (np.nan, False)):
        assert serving.passes(rivals | {"ours": judged(middle)}, "ours") is passes


def test_the_commit_is_unknown_where_there_is_no_git_and_dirty_when_a_file_was_changed(tmp_path, monkeypatch):
    for argv in (["init", "-q"], ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "m", "--allow-empty"]):
        subprocess.run(["git", *argv], cwd=tmp_path, check=True)
    (tmp_path / "RESULTS.md").write_text("written by a run")
    assert re.fullmatch(r"[0-9a-f]{7,}", report.commit(tmp_path))
    (tmp_path / "hyperparameters.json").write_text("changed")
    assert report.commit(tmp_path).endswith("-dirty")
    monkeypatch.setenv("PATH", str(tmp_path))
    assert report.commit(tmp_path) == "unknown"


def test_nab_is_reported_beside_the_published_detectors():
    scores = {"as scored": [2.6, 0.1], "one day": [51.5, 1.0], "two days": [57.1, 1.0], "held out": [51.0, 6.0]}
    said = report.of_nab({"at": "now", "commit": "abc1234", "series": 28, "points": 100, "scores": scores})
    assert "(40 halves) | 51.0 | 6.0 |" in said and "| published: randomCutForest | 50.6 | |" in said
    assert "is +0.4 from the published random cut forest, which is within noise" in said
