"""What the hook writes is read by smdebug 1.0.34, AWS's reader, which lives in an environment of its own."""

import json
import subprocess
from pathlib import Path

import numpy as np
import pytest

from skylab.images.debugging.configuration import Collection, HookConfig, Saving
from skylab.images.debugging.steps import Steps

HERE = Path(__file__).resolve().parent
MODES = ("TRAIN", "EVAL", "PREDICT", "GLOBAL")


@pytest.mark.slow
def test_smdebug_reads_steps_modes_collections_tensors_and_reductions(tmp_path, tool):
    saving = {mode: Saving(5, (3,)) for mode in MODES}
    losses, weights = Collection("losses", ["loss"], saving), Collection("weights", ["w"], saving, ("abs_max",))
    steps = Steps(HookConfig(tmp_path / "tensors", [losses, weights]))
    for step in range(4):
        steps.open(step, "EVAL" if step == 3 else "TRAIN", 0 if step == 3 else step)
        steps.put("loss_output_0", np.asarray(1.5 - step, dtype="float32"))
        steps.put("weight", np.full((2, 3), step, dtype="float64"))
        steps.put("text", np.array(["a", "b"]))
        steps.put("smdebug/reductions/abs_max/weight", np.asarray(7.0))
        losses.names.add("loss_output_0")
        steps.close()
    (tmp_path / "tensors/training_job_end.ts").touch()

    argv = [tool("smdebug"), HERE / "with_smdebug.py", tmp_path / "tensors", "weight"]
    done = subprocess.run(list(map(str, argv)), capture_output=True, text=True, timeout=100, cwd=tmp_path)

    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout.rpartition("FOUND")[2])
    assert found["steps"] == {"TRAIN": [0, 1, 2], "EVAL": [0], "PREDICT": [], "GLOBAL": [0, 1, 2, 3]}
    assert found["collections"]["losses"] == ["loss_output_0"] and found["loaded"]
    assert found["tensors"]["loss_output_0"] == ["float32", [], 1.5]
    assert found["tensors"]["weight"] == ["float64", [2, 3], 0.0]
    assert found["tensors"]["text"][1] == [2] and found["abs_max"] == 7.0
