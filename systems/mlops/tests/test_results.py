import json

import pytest
import results


def fact(value):
    return {"value": value, "interval": [value - 0.02, value + 0.02]}


def found(gap=0.01, low=-0.01, high=0.03, verdict="pass", promote=True):
    metrics = ("auc", "average precision", "brier", "calibration error", "calibration slope")
    models = {kind: {metric: fact(auc) for metric in metrics} for kind, auc in (("logistic", 0.7), ("xgboost", 0.71))}
    difference = {"of": "auc xgboost - logistic", "value": gap, "interval": [low, high], "verdict": "so and so"}
    report = {"rows": 100, "people": 50, "positive": 0.1, "models": models, "differences": {"xgboost": difference}}
    report["gate"] = {"verdict": verdict, "reason": "because"}
    judged = {"models": {"v1": {"auc": fact(0.7)}, "v2": {"auc": fact(0.71)}}}
    difference = {"of": "auc v2 - v1", "value": 0.01, "interval": [0.0, 0.02]}
    shadow = {"requests": 9, "people": 5, "answered": {"v1": 9, "v2": 9}}
    shadow |= {"report": judged, "difference": difference, "apart": 0.1}
    return {
        "dataset": "randhie",
        "report": report,
        "shadow": shadow | {"promote": promote} if verdict == "pass" else None,
        "endpoint": "mlops-randhie",
        "deleted": False,
        "seconds": {"tune": 3600.0},
        "instance": "ml.m5.large",
        "tuned": {"eta": "0.1"},
        "seed": 7,
        "run": "abc",
        "commit": "123",
        "share": 1.0,
        "at": "2026-01-01",
    }


def splits(*pairs):
    made = [
        {"number": number, "rows": 50, "auc": {"logistic": floor, "xgboost": model}, "tuned": {"eta": "0.1"}}
        for number, (floor, model) in enumerate(pairs)
    ]
    more = {
        "seconds": {"tune": 7200.0},
        "instance": "ml.m5.large",
        "seed": 7,
        "run": "abc",
        "commit": "123",
        "at": "2026-01-01",
    }
    return {"dataset": "telco_churn", "splits": made} | more


def test_a_run_rewrites_its_own_part_and_leaves_the_others(tmp_path):
    path = tmp_path / "RESULTS.md"
    results.write("telco_churn, published protocol", ["published, once"], path)
    results.write("randhie", ["randhie, first"], path)
    results.write("randhie", ["randhie, again", "", "| a | table |"], path)
    told = path.read_text()

    assert told.startswith("# Results\n") and told.count("# Results") == 1
    assert "published, once" in told and "first" not in told
    assert told.index("## randhie\n\nrandhie, again\n\n| a | table |\n") < told.index("## telco_churn, published")
    assert [each.name for each in tmp_path.iterdir()] == ["RESULTS.md"]


def test_a_part_says_by_what_it_was_made():
    origin = results.pipeline(found())[0]

    assert origin.startswith("`python run.py --results`: seed 1974 (people), tuning 7")
    assert "run abc, commit 123, " in origin and origin.endswith("2026-01-01.")
    assert (
        "--dataset telco_churn --data FOLDER --published --results`"
        in results.published(splits((0.8, 0.8), (0.8, 0.8)))[0]
    )


def test_a_protocol_is_told_by_mean_and_deviation_beside_what_was_published():
    lines = "\n".join(results.published(splits((0.84, 0.85), (0.86, 0.87), (0.85, 0.86))))
    short = "\n".join(results.published(splits((0.84, 0.84), (0.84, 0.84))))

    assert "| mean ± sd | | **0.8500 ± 0.0100** | **0.8600 ± 0.0100** | |" in lines
    assert "0.852 ± 0.006 EBM" in lines and "$0.2300 of jobs" in lines and "reached 0.8514 of XGBoost" in lines
    assert "wanted: 0.85 of XGBoost; reached in the mean, interval 0.8249 to 0.8951" in lines
    assert "XGBoost less logistic regression, by split: +0.0100 (+0.0100 to +0.0100), above in 3 of 3" in lines
    assert "not reached: 0.0100 short" in short


def test_the_summary_has_what_the_part_shows(tmp_path):
    results.summarise(found(), tmp_path / "summary.json")

    assert json.loads((tmp_path / "summary.json").read_text()) == {
        "dataset": "randhie",
        "measure": "AUC",
        "floor": {"name": "logistic regression", "value": 0.7, "low": 0.68, "high": 0.72},
        "model": {"name": "XGBoost, tuned", "value": 0.71, "low": 0.69, "high": 0.73},
        "better": "higher",
        "verdict": "approved and promoted, within noise of the floor",
        "endpoint": "mlops-randhie",
        "dollars": 0.115,
    }
    assert [each.name for each in tmp_path.iterdir()] == ["summary.json"]


@pytest.mark.parametrize(
    ("given", "verdict"),
    [
        ({"low": 0.01}, "approved and promoted, better than the floor"),
        ({"low": 0.01, "promote": False}, "rejected as a shadow, better than the floor"),
        ({"gap": -0.1, "high": -0.01, "low": -0.2, "verdict": "fail"}, "not registered, worse than the floor"),
    ],
)
def test_the_verdict_says_what_became_of_the_candidate(given, verdict):
    told = results.summary(found(**given))["verdict"]
    assert told == verdict and len(told) <= 60


def test_without_git_the_commit_is_unknown(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert results.commit() == "unknown"


def test_a_shadow_without_answers_is_told_as_such():
    silent = found()
    silent["shadow"] = {"requests": 9, "people": 5, "answered": {"v1": 9, "v2": 0}, "promote": False}

    assert "- shadow: of 9 requests about 5 people 9 of v1 and 0 of v2 captured, too few to compare: rejected" in (
        results.pipeline(silent)
    )
