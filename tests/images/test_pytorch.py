"""PyTorch's images, where torch is installed: a script trains, the default functions serve its TorchScript."""

import importlib.util
import json
import os

import pytest

from .test_scriptmode import scripted
from .test_serve import serving

pytestmark = pytest.mark.skipif(not importlib.util.find_spec("torch"), reason="torch is not installed")
TRAIN = """
import os, torch
torch.manual_seed(0)
model = torch.nn.Linear(2, 1)
with torch.no_grad():
    model.weight.copy_(torch.tensor([[2.0, -1.0]]))
    model.bias.zero_()
torch.jit.trace(model, torch.zeros(1, 2)).save(os.path.join(os.environ["SM_MODEL_DIR"], "model.pt"))
"""


def test_a_trained_torchscript_model_is_served_without_a_script(job):
    scripted(job, TRAIN)
    code, log = job.run("pytorch")
    assert code == 0, log

    with serving(job, "pytorch") as caller:
        status, body, _ = caller.ask(body=b"[[3, 1], [0.5, 0]]", content_type="application/json")

        assert (status, json.loads(body)) == (200, [[5.0], [1.0]])
        assert caller.ask(body=b"3,1", content_type="text/csv", accept="text/csv")[1] == b"5.0\n"
        assert caller.ask(body=b'{"a": 1}', content_type="application/json")[0] == 400


def test_torch_distributed_runs_a_rank_per_host(job):
    script = "import os\nprint('rank', os.environ['RANK'], 'of', os.environ['WORLD_SIZE'])\n"
    scripted(job, script, sagemaker_torch_distributed_enabled="true")
    job.hosts("localhost", ["localhost"])
    job.env["OMP_NUM_THREADS"] = os.environ.get("OMP_NUM_THREADS", "1")

    code, log = job.run("pytorch")

    assert code == 0, log
    assert "rank 0 of 1" in log
