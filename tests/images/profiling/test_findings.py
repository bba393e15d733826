"""Each rule of the profiler, on a profile on which it fires and on one on which it does not."""

import numpy as np
import pytest

from images.profiling.profiles import profile, steps, used
from skylab.images.profiling.advice import advise
from skylab.images.profiling.findings import RULES
from skylab.images.rules import catalog

HALF = np.where(np.arange(1200) % 10 < 6, 0.0, 95.0)
GROWING = np.minimum(90, np.arange(1200) / 10)
CASES = [
    ("LowGPUUtilization", {}, used(gpu={"gpu0": 40.0}), used(gpu={"gpu0": 95.0})),
    ("LowGPUUtilization", {}, used(gpu={"gpu0": HALF}), used(gpu={"gpu0": 10.0}, count=900)),
    ("CPUBottleneck", {}, used(cpu=95.0, gpu={"gpu0": HALF}), used(cpu=80.0, gpu={"gpu0": HALF})),
    ("IOBottleneck", {"io_threshold": "30"}, used(wait=40.0, gpu={"gpu0": HALF}), used(wait=20.0, gpu={"gpu0": HALF})),
    ("LoadBalancing", {}, used(gpu={"gpu0": 90.0, "gpu1": 20.0}), used(gpu={"gpu0": 90.0, "gpu1": 92.0})),
    ("BatchSize", {}, used(cpu=20.0, gpu={"gpu0": 30.0}), used(cpu=20.0, gpu={"gpu0": 90.0})),
    ("MaxInitializationTime", {"threshold": "5"}, used(), used(count=300)),
]


def found(rule, told, samples, events=()):
    return RULES[rule](profile(samples, steps=events), **catalog.parameters(rule, told))


@pytest.mark.parametrize("rule, told, fires, quiet", CASES, ids=lambda value: str(value)[:30])
def test_a_rule_fires_where_it_should_and_not_where_it_should_not(rule, told, fires, quiet):
    assert found(rule, told, fires).why
    assert found(rule, told, quiet) is None


def test_memory_of_a_gpu_that_fills_up_is_seen():
    samples = used(gpu={"gpu0": 9.0})
    assert found("GPUMemoryIncrease", {}, samples) is None
    key = ("algo-1", "gpu", "gpu0", "GPUMemoryUtilization")
    samples[key] = samples[key]._replace(values=GROWING)
    assert found("GPUMemoryIncrease", {"increase": "0.5"}, samples)


def test_steps_that_take_much_longer_are_outliers():
    usual = [0.1] * 200
    assert found("StepOutlier", {}, used(), steps(*usual, *[3.0] * 5)) is None
    assert found("StepOutlier", {"n_outliers": "4"}, used(), steps(*usual, *[3.0] * 5)).step == 204
    assert found("StepOutlier", {"mode": "EVAL", "n_outliers": "1"}, used(), steps(*usual, *[3.0] * 5)) is None


def test_the_overall_usage_is_only_reported():
    assert found("OverallSystemUsage", {}, used(cpu=1.0)) is None


@pytest.mark.parametrize(
    "samples, events, title",
    [
        (used(cpu=95.0), (), "The processors are the limit"),
        (used(cpu=5.0), (), "The instance has little to do"),
        (used(wait=40.0), (), "Disks are the limit"),
        (used(memory=92.0), (), "Memory is nearly full"),
        (used(gpu={"gpu0": 20.0}), (), "The GPUs have little to do"),
        (used() | used(cpu=5.0, node="algo-2"), (), "Instances are not used alike"),
        (used(), steps(*[0.1] * 20, gap=0.3), "Steps wait for data"),
        (used(), steps(0.1, start=1400.0), "A slow start"),
        (used(), steps(*[0.1] * 20), "Nothing stands out"),
    ],
)
def test_advice_names_what_holds_the_training_back(samples, events, title):
    assert title in [each.title for each in advise(profile(samples, steps=events))]


def test_one_core_that_does_all_the_work_is_named():
    samples = used(cpu=3.0, cores=4)
    key = ("algo-1", "cpu", "cpu1", "CPUUtilization")
    samples[key] = samples[key]._replace(values=np.full(1200, 97.0))
    assert advise(profile(samples))[0].title == "One core does all the work"
