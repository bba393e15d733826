"""RESULTS.md in parts, and the run's figures as one object."""

import json

import pytest
import report
import results
import summary

WILSON = {"log loss": 0.5, "calibration error": 0.03}


def model(right, low, high):
    return {"right": right, "of": 1000, "accuracy": right / 1000, "interval": [low, high]} | WILSON


@pytest.fixture
def found():
    """Of a run, what report and summary look at."""
    parity = {"pictures": 10, "onnx: largest difference": 1e-6, "int8: mean difference": 0.01}
    parity |= {f"{kind}: same decision": 1.0 for kind in ("onnx", "int8")}
    parity |= {"int8: largest difference": 0.1, "fp32: ms": 4.0, "int8: ms": 2.0}
    alone = {"batch": 32, "curve": [[1.5, 0.3]], "seconds": 3.0, "steps": 30}
    ensemble = {"calibrated ensemble": model(800, 0.77, 0.82), "calibrated ensemble, int8": model(790, 0.76, 0.81)}
    settings = {"members": ["vision-scratch-20260101-000000"], "shares": [1.0], "precision": "int8", "parity": parity}
    settings |= {"unusual by": {"whole": 0.97, "patches": 0.95}}
    return {
        "at": "20260101-000000", "commit": "abc", "data": "simulated", "classes": ["a", "b"], "took": 300.0,
        "models": {"floor: ridge on 38 numbers": model(480, 0.44, 0.51)} | ensemble, "gain": [0.31, 0.27, 0.35],
        "best": "scratch", "over best": [0.0, -0.01, 0.01], "uncalibrated error": 0.2, "options": "",
        "settings": settings, "int8 decides as fp32": 0.99, "tuning": {"trials": 4, "rate": 0.005},
        "distributed": {"alone": alone, "both": alone}, "transform": {"pictures": 1000, "seconds": 45.0},
        "steps": {"prepare": 5.0}, "seconds": {"scratch": 3600}, "instance": "ml.m5.large", "deleted": False,
        "name": "vision-ensemble-20260101-000000",
    }  # fmt: skip


def test_a_run_replaces_its_own_part_and_no_other(tmp_path, found):
    results.put("Benchmark: surfaces", ["kept", "", "### as it is", "", "| a |"], tmp_path)
    results.put(*report.part(found), tmp_path)
    results.put(*report.part(found | {"data": "surfaces"}), tmp_path)
    before = results.parts((tmp_path / "RESULTS.md").read_text())
    assert list(before) == [
        "The default run: a simulated factory", "Real pictures through the cloud: surfaces", "Benchmark: surfaces"
    ]  # fmt: skip
    assert before["Benchmark: surfaces"] == "kept\n\n### as it is\n\n| a |"

    results.put(*report.part(found | {"at": "20270101-000000"}), tmp_path)
    after = results.parts((tmp_path / "RESULTS.md").read_text())
    changed = [name for name in before if before[name] != after[name]]
    assert changed == ["The default run: a simulated factory"] and "20270101" in after[changed[0]]


def test_a_part_names_the_command_that_made_it(found):
    lines = report.part(found | {"options": " --epochs 2"})[1]
    assert lines[0].startswith("`python run.py --epochs 2 --results`: run 20260101-000000")
    said = "\n".join(report.part(found)[1])
    assert "`python run.py --results`" in said and "within noise of that member" in said


def test_an_interval_without_width_is_said():
    assert report.paired((0.0, 0.0, 0.0)) == "+0.000 (right on the same pictures)"
    assert report.width(0.9, 1.0) == "0.900 to 1.000" and "no width" in report.width(1.0, 1.0)


def test_without_git_the_commit_is_unknown(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert results.commit() == "unknown"


def test_the_summary_is_of_the_model_that_is_served(tmp_path, found):
    summary.write(found, tmp_path / "vision.json")
    said = json.loads((tmp_path / "vision.json").read_text())
    assert said == {
        "dataset": "1,000 pictures, simulated",
        "measure": "accuracy",
        "floor": {"name": "ridge on 38 numbers", "value": 0.48, "low": 0.44, "high": 0.51},
        "model": {"name": "calibrated ensemble, int8", "value": 0.79, "low": 0.76, "high": 0.81},
        "better": "higher",
        "verdict": "approved, better than the floor beyond noise",
        "endpoint": "vision-ensemble-20260101-000000",
        "dollars": 0.115,
    }
    assert len(said["verdict"]) <= 60 and [file.name for file in tmp_path.iterdir()] == ["vision.json"]


def test_the_verdict_says_when_the_floor_is_not_beaten(found):
    assert report.verdict((0.01, -0.01, 0.03), "the floor") == "within noise of the floor"
    assert report.verdict((-0.05, -0.08, -0.02), "the floor") == "worse than the floor beyond noise"
    assert summary.summary(found | {"deleted": True, "instance": "ml.x"})["endpoint"] is None
