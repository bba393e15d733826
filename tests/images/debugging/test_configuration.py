"""Which tensors at which steps."""

import pytest

from skylab.images.debugging.configuration import asked, read, split
from skylab.images.folders import Folders

KNOWN = {"losses": "loss", "gradients": "^gradient", "weights": "weight"}


def config(job, *collections, **hook):
    listed = [{"CollectionName": name, "CollectionParameters": parameters} for name, parameters in collections]
    told = {"S3OutputPath": "s3://b", "CollectionConfigurations": listed, "HookParameters": hook}
    job.config("debughookconfig", told)
    found = read(Folders(job.base), KNOWN, 500)
    return {each.name: each for each in found.collections}


def test_what_sdks_send_with_every_job_asks_for_nothing(job):
    assert not asked({"S3OutputPath": "s3://b", "CollectionConfigurations": []})
    assert read(Folders(job.base), KNOWN, 500) is None


def test_losses_are_saved_with_whatever_else_is(job):
    assert set(config(job, ("gradients", {}))) == {"gradients", "losses"}


def test_the_nearer_word_counts(job):
    found = config(
        job, ("gradients", {"train.save_interval": "5", "save_steps": "3,7"}), save_interval="50", start_step="10"
    )
    train, evaluated = found["gradients"].saving["TRAIN"], found["gradients"].saving["EVAL"]
    assert [step for step in range(26) if train.at(step)] == [3, 7, 10, 15, 20, 25]
    assert [step for step in range(101) if evaluated.at(step)] == [3, 7, 50, 100]


def test_after_the_end_step_nothing_is_saved(job):
    saving = config(job, ("losses", {"save_interval": "1", "end_step": "2"}))["losses"].saving["TRAIN"]
    assert [step for step in range(9) if saving.at(step)] == [0, 1]


def test_a_collection_of_ones_own_is_a_pattern(job):
    found = config(job, ("mine", {"include_regex": "relu, fc[1,2]", "reductions": "mean,abs_max"}))["mine"]
    assert found.takes("a_relu_output_0") and found.takes("fc2") and not found.takes("fc3")
    assert found.reductions == ("mean", "abs_max") and not found.whole
    with pytest.raises(KeyError, match="include_regex"):
        config(job, ("mine", {}))
    with pytest.raises(ValueError, match="median"):
        config(job, ("weights", {"reductions": "median"}))


def test_lists_are_split_at_commas_that_are_no_patterns():
    assert split("a.*, b{1,2},c[,]") == ["a.*", "b{1,2}", "c[,]"]
