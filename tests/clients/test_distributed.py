"""Training on several instances with the SageMaker SDK, of both generations: PyTorch's DDP over gloo."""

from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent


@pytest.mark.slow
@pytest.mark.timeout(300)
@pytest.mark.parametrize("environment, program", [("sdk2", "v2_distributed.py"), ("sdk3", "v3_distributed.py")])
def test_two_instances_learn_as_one_does_with_the_same_global_batch(run, tool, environment, program):
    pytest.importorskip("torch")
    done = run(tool(environment), HERE / program)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr[-3000:]
    assert "apart=" in done.stdout
