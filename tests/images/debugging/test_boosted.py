"""The built-in XGBoost with a hook."""

import numpy as np
import pytest

from images.conftest import csv, table
from images.debugging.reading import values
from skylab.images.debugging import boosted
from skylab.images.folders import Folders

pytest.importorskip("xgboost")


def trained(job, *collections, **parameters):
    rows = csv(table())
    job.channels("text/csv", train=rows, validation=rows)
    told = {"objective": "binary:logistic", "num_round": "6", "max_depth": "3", "eval_metric": "auc,logloss"}
    job.config("hyperparameters", told)
    listed = [{"CollectionName": name, "CollectionParameters": own} for name, own in collections]
    job.config("debughookconfig", {"CollectionConfigurations": listed, "HookParameters": parameters})
    code, log = job.run("xgboost")
    assert code == 0, log
    return values(job.base / "output/tensors"), log


def test_what_the_rounds_give_is_saved(job):
    names = ("metrics", "predictions", "labels", "feature_importance", "average_shap", "trees", "hyperparameters")
    found, log = trained(job, *((name, {}) for name in names), save_interval="3")

    assert {step for step, _, _ in found} == {0, 3}, log
    assert found[3, "GLOBAL", "train-logloss"] < found[0, "GLOBAL", "train-logloss"]
    assert found[3, "GLOBAL", "predictions"].shape == found[3, "GLOBAL", "labels"].shape == (400,)
    importance = [float(v) for (step, _, name), v in found.items() if step == 3 and "importance/weight" in name]
    assert np.isclose(sum(importance), 1)
    assert (3, "GLOBAL", "average_shap/f0") in found and (3, "GLOBAL", "average_shap/bias") not in found
    assert found[3, "GLOBAL", "trees/Node"].max() <= 14 and set(found[3, "GLOBAL", "trees/Tree"]) == {0}
    assert found[0, "GLOBAL", "hyperparameters/objective"] == ["binary:logistic"]


@pytest.mark.slow
def test_losses_alone_are_no_auc(job):
    found, _ = trained(job, ("losses", {"save_interval": "5"}))
    assert {name for _, _, name in found} == {"train-logloss", "validation-logloss"}
    assert {step for step, _, _ in found} == {0, 5}


def test_what_cannot_be_saved_is_said(job, capsys):
    job.config("debughookconfig", {"CollectionConfigurations": [{"CollectionName": "mine"}]})
    assert boosted.hook(Folders(job.base), None, None, 0) is None
    assert "Debugger's hook saves nothing" in capsys.readouterr().err
