"""Pipelines as the SageMaker SDK writes them, of both generations, unmodified."""

from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("generation", ["v2", "v3"])
def test_the_sdk_defines_runs_caches_and_selects_a_pipeline(run, tool, generation):
    done = run(tool(f"sdk{generation[1:]}"), HERE / f"{generation}_pipeline.py")

    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "pipeline=" in done.stdout
