"""What happens around each round: metrics in the log, checkpoints, early stopping, the model kept for a stop."""

import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from xgboost.callback import EarlyStopping, TrainingCallback

from skylab.images.boosting.metrics import HIGHER_IS_BETTER, split
from skylab.images.failures import ClientError
from skylab.images.folders import Folders

CHECKPOINT = "xgboost-checkpoint"
KEPT = 5  # checkpoints
NOT_XGBOOSTS = ("sketch_eps", "dsplit", "predictor", "deterministic_histogram", "prob_buffer_row", "lambda_bias")


@dataclass
class Plan:
    """last_round is the user's num_round, first_round what a checkpoint has done already."""

    params: dict[str, Any]
    own_metrics: list[str]
    callbacks: list[Any]
    first_round: int
    last_round: int
    resumed: Path | None
    keep_model: bool


def plan(hyperparameters: dict[str, Any], folders: Folders, first: bool, validated: bool) -> Plan:
    params = {name: value for name, value in hyperparameters.items() if name not in NOT_XGBOOSTS}
    last_round, patience = params.pop("num_round"), params.pop("early_stopping_rounds", None)
    keep = params.pop("save_model_on_termination", "false") == "true"
    undone: list[str] = [name for name in ("_kfold", "_num_cv_round") if name in params]
    undone += ["use_dask_gpu_training"] if params.pop("use_dask_gpu_training", "false") == "true" else []
    if undone:
        raise ClientError(f"The hyperparameter {undone[0]} is not supported here.")
    params = _translated(params)
    objective_metric = params.pop("_tuning_objective_metric", "").partition(":")[2].split(",")
    named = params.pop("eval_metric", [])
    native, own = split(named + [name for name in objective_metric if name and name not in named])
    if native:
        params["eval_metric"] = native
    resumed, done = resume(folders.checkpoints)
    callbacks: list[Any] = [Told(done)] if first else []
    if folders.checkpoints and first:
        callbacks.append(Checkpoints(folders.checkpoints, done))
    watched = [name for name in objective_metric if name] or named
    if patience and validated and watched:
        higher = watched[-1].partition("@")[0] in HIGHER_IS_BETTER
        callbacks.append(EarlyStopping(patience, watched[-1], "validation", higher, save_best=True))
    return Plan(params, own, callbacks, done, last_round, resumed, keep)


def _translated(params: dict[str, Any]) -> dict[str, Any]:
    """Words that XGBoost has dropped since, in today's."""
    if params.get("objective") == "reg:linear":
        params = params | {"objective": "reg:squarederror"}
    if params.get("tree_method") == "gpu_hist":
        params = params | {"tree_method": "hist", "device": "cuda"}
    if "single_precision_histogram" in params:
        params = {name: value for name, value in params.items() if name != "single_precision_histogram"}
    return params


def resume(folder: Path | None) -> tuple[Path | None, int]:
    """The newest checkpoint and how many rounds it holds."""
    found = list(folder.glob(f"{CHECKPOINT}.*")) if folder else []
    numbered = [(int(path.suffix[1:]), path) for path in found if re.fullmatch(r"\.\d+", path.suffix)]
    if not numbered:
        return None, 0
    number, path = max(numbered)
    print(f"Checkpoint loaded from {path}\nResuming from iteration {number + 1}", flush=True)
    return path, number + 1


def save(booster: Any, path: Path) -> None:
    """As a draft that is renamed: whoever reads path reads a whole model. UBJSON, whatever the name."""
    draft = _draft(path)
    draft.write_bytes(booster.save_raw("ubj"))
    os.replace(draft, path)


def stop(path: Path) -> None:
    """Ends the process at once: the model of the last round is in place."""
    _draft(path).unlink(missing_ok=True)
    os._exit(0)


def _draft(path: Path) -> Path:
    return path.with_name(f".{path.name}.draft")


class Told(TrainingCallback):
    """The line that the image's metric definitions read, with TABs: [0] train-auc:0.91 validation-auc:0.88."""

    def __init__(self, done: int) -> None:
        super().__init__()
        self.done = done

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        scores = [
            f"\t{part}-{name}:{values[-1]:.5f}" for part, named in evals_log.items() for name, values in named.items()
        ]
        print(f"[{self.done + epoch}]" + "".join(scores), flush=True)
        return False


class Checkpoints(TrainingCallback):
    """xgboost-checkpoint.N after round N; the last few are kept."""

    def __init__(self, folder: Path, done: int) -> None:
        super().__init__()
        self.folder, self.done = folder, done
        folder.mkdir(parents=True, exist_ok=True)

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        number = self.done + epoch
        save(model, self.folder / f"{CHECKPOINT}.{number}")
        (self.folder / f"{CHECKPOINT}.{number - KEPT}").unlink(missing_ok=True)
        return False


class Saved(TrainingCallback):
    """The model as it is after each round, for a job that is stopped."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        self.path = path

    def after_iteration(self, model: Any, epoch: int, evals_log: Any) -> bool:
        save(model, self.path)
        return False
