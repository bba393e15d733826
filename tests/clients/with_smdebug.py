"""AWS's own reader, on a folder of tensors: prints what it finds, as JSON."""

import json
import sys

from smdebug.core.modes import ModeKeys
from smdebug.trials import create_trial

trial = create_trial(sys.argv[1])
found = {
    "steps": {mode.name: trial.steps(mode=mode) for mode in ModeKeys},
    "collections": {name: sorted(each.tensor_names) for name, each in trial.collections().items()},
    "loaded": trial.loaded_all_steps,
    "tensors": {},
}
for name in trial.tensor_names():
    tensor = trial.tensor(name)
    if not tensor.steps():  # reductions alone
        continue
    value = tensor.value(tensor.steps()[0])
    found["tensors"][name] = [
        value.dtype.name,
        list(value.shape),
        float(value.mean()) if value.dtype.kind in "fi" else 0,
    ]
reduced = sys.argv[2] if len(sys.argv) > 2 else ""
if reduced:
    found["abs_max"] = float(trial.tensor(reduced).reduction_value(0, "max", abs=True))
print("FOUND" + json.dumps(found))
