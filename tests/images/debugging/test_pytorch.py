"""An ordinary script, unchanged: what the hook saves of it."""

import importlib.util
import json
from pathlib import Path

import pytest

import skylab.images.debugging
from images.debugging.reading import values
from images.test_scriptmode import scripted
from skylab.images.profiling.profile import events

pytestmark = pytest.mark.skipif(not importlib.util.find_spec("torch"), reason="torch is not installed")
FIRST = Path(skylab.images.debugging.__file__).parent / "first"
SCRIPT = """
import torch
from torch import nn
import torch.nn.functional as F
torch.manual_seed(0)

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1, self.act, self.fc2 = nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 1)
    def forward(self, x):
        return self.fc2(self.act(self.fc1(x)))

model, x = Net(), torch.randn(16, 4)
y = x.sum(1, keepdim=True)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
for epoch in range(2):
    model.train()
    for step in range(5):
        optimizer.zero_grad()
        nn.MSELoss()(model(x), y).backward()
        optimizer.step()
    model.eval()
    with torch.no_grad():
        F.l1_loss(model(x), y)
%s
"""

WEIGHTS = {"reductions": "mean,abs_max,l2_norm", "save_interval": "100"}
FORKS = """
import os
if os.fork() == 0:
    model.train(); model(x); os._exit(0)
os.wait()
"""


def hooked(job, *collections, more="", **parameters):
    scripted(job, SCRIPT % more)
    listed = [{"CollectionName": name, "CollectionParameters": own} for name, own in collections]
    job.config("debughookconfig", {"CollectionConfigurations": listed, "HookParameters": parameters})
    job.env["PYTHONPATH"] = f"{FIRST}:{job.environment['PYTHONPATH']}"
    code, log = job.run("pytorch")
    assert code == 0, log
    return job.base / "output/tensors", log


def test_a_script_is_hooked_without_a_change(job):
    job.config("profilerconfig", {"DisableProfiler": False})
    collections = ("gradients", {"save_interval": "2"}), ("weights", WEIGHTS), ("biases", {"eval.save_interval": "1"})
    saved = {"save_interval": "5", "eval.save_interval": "1"}
    folder, _ = hooked(job, *collections, ("relu_output", {}), more=FORKS, **saved)
    found = values(folder)

    gradients = {(step, name) for step, mode, name in found if name.startswith("gradient/")}
    assert {step for step, _ in gradients} == {0, 2, 4, 7, 9}  # steps 0 2 4 6 8 of training: 5 was an evaluation
    assert {name for _, name in gradients} == {
        f"gradient/Net_{name}" for name in ("fc1.weight", "fc1.bias", "fc2.weight", "fc2.bias")
    }
    assert (0, "TRAIN", "MSELoss_output_0") in found and (5, "EVAL", "L1Loss_output_0") in found
    assert (6, "TRAIN", "act_output_0") in found, "what a ReLU gives, whatever it is called"
    assert found[6, "TRAIN", "act_output_0"].shape == (16, 8)
    assert found[6, "TRAIN", "MSELoss_output_0"] < found[0, "TRAIN", "MSELoss_output_0"]
    assert (11, "EVAL", "Net_fc1.bias") in found and not list(folder.rglob("*.tmp"))

    assert max(step for step, _, _ in found) == 11, "a process that it forks saves nothing"
    reduced = {name: value for (step, _, name), value in found.items() if step == 0 and name.endswith("fc1.weight")}
    prefix = "smdebug/reductions"
    assert set(reduced) - {"gradient/Net_fc1.weight"} == {
        f"{prefix}/{word}/Net_fc1.weight" for word in ("mean", "abs_max", "l2")
    }, "reductions instead of the tensor"
    assert 0 < reduced[f"{prefix}/abs_max/Net_fc1.weight"] <= 0.5

    told = json.loads((folder / "collections/000000000/worker_0_collections.json").read_text())["collections"]
    assert told["losses"]["tensor_names"] == ["L1Loss_output_0", "MSELoss_output_0"]
    assert told["relu_output"]["tensor_names"] == ["act_output_0"]

    (path,) = (job.base / "output/profiler/framework/pevents").rglob("*_algo-1_pythontimeline.json")
    times = list(events(json.loads(path.read_text()), "algo-1"))
    assert [event.mode for event in times] == [*["TRAIN"] * 5, "EVAL"] * 2
    assert all(0 <= event.end - event.start < 5 for event in times)
    assert [event.start for event in times] == sorted(event.start for event in times)


@pytest.mark.slow
def test_a_hook_that_fails_says_so_and_lets_the_training_be(job):
    _, log = hooked(job, ("mine", {}), more="print('to the end')")
    assert "Debugger's hook saves nothing from here on" in log and "to the end" in log
