"""The HyperparameterTuner of the SageMaker SDK, of both generations."""

from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_sdk_v2_tunes_a_script_and_the_built_in_xgboost(run, tool):
    done = run(tool("sdk2"), HERE / "v2_tuner.py")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "accuracy=" in done.stdout and "error=" in done.stdout


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_sdk_v3_tunes_a_model_trainer(run, tool):
    done = run(tool("sdk3"), HERE / "v3_tuner.py")
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "status=Completed" in done.stdout
