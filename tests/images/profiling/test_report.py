"""The report that a person reads, and how it comes to be while the training goes on."""

import json
from html.parser import HTMLParser

import numpy as np
import pytest

from images.profiling.profiles import profile, steps, used
from skylab.images.debugging.timeline import Timeline
from skylab.images.profiling import sampler
from skylab.images.profiling.advice import advise
from skylab.images.profiling.findings import RULES
from skylab.images.profiling.report import report
from skylab.images.profiling.watching import evaluated
from skylab.images.rules import catalog
from skylab.images.rules.trial import Folder


class Reader(HTMLParser):
    """Whether every element is closed, and what it names from elsewhere."""

    def __init__(self, text):
        super().__init__()
        self.open, self.foreign, self.tags = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.foreign += [value for name, value in attrs if name in ("src", "href")]
        if tag not in ("meta",):
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append(tag)

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


def test_a_report_is_one_whole_file_with_charts_and_advice():
    waves = 50 + 45 * np.sin(np.arange(1200) / 50)
    told = profile(used(cpu=waves, gpu={"gpu0": waves}), used(cpu=10.0, node="algo-2"), steps=steps(*[0.1, 0.2] * 50))
    text = report("my <job>", told, advise(told), [(name, {}, rule(told)) for name, rule in RULES.items()])

    page = Reader(text)
    assert not page.open and not page.foreign and page.tags.count("svg") >= 5
    assert "my &lt;job&gt;" in text and "<job>" not in text
    assert "Instances are not used alike" in text and "100 steps" in text and "LowGPUUtilization" in text
    assert len(text) < 300_000


def test_a_profile_of_nothing_is_a_report_too():
    text = report("job", profile(), advise(profile()), [])
    assert not Reader(text).open and "Nothing stands out" in text


def test_the_report_is_written_again_and_again_and_whole_at_the_end(tmp_path):
    place, output = tmp_path / "profiler-output", tmp_path / "rule"
    sizes = []

    def sample(at):
        for number in range(40):
            values = [("cpu", "cpu0", "CPUUtilization", 95.0), ("memory", "memory", "MemoryUsedPercent", 10.0)]
            sampler.write(place, "algo-1", values, at + number)

    def wait(seconds):
        sizes.append((output / "profiler-output/profiler-report.html").stat().st_size)
        sample(1000.0 + 60 * len(sizes))
        times = Timeline(place, "algo-1")
        for number in range(30):
            times.add("TRAIN", number, 1000.0 + number, 1000.5 + number)
        times.close()
        if len(sizes) == 2:
            (place / "training_job_end.ts").touch()

    sample(1000.0)
    given = catalog.parameters(
        "ProfilerReport", {"StepOutlier_n_outliers": "3", "MaxInitializationTime_threshold": "1"}
    )
    found = evaluated("ProfilerReport", given, Folder(place), output, "job", wait)

    text = (output / "profiler-output/profiler-report.html").read_text()
    assert found is None and "30 steps" in text and "The processors are the limit" in text
    told = json.loads((output / "profiler-output/profiler-reports/StepOutlier.json").read_text())
    assert told == {"RuleTriggered": 0, "Details": "", "Parameters": {"n_outliers": 3}}


def test_a_rule_ends_with_what_it_has_found(tmp_path):
    sampler.write(tmp_path, "algo-1", [("cpu", "cpu0", "CPUUtilization", 1.0)], 1000.0)
    sampler.write(tmp_path, "algo-1", [("cpu", "cpu0", "CPUUtilization", 1.0)], 3000.0)
    assert evaluated("MaxInitializationTime", {}, Folder(tmp_path), tmp_path, "job").why.startswith("The first step")


@pytest.mark.parametrize("name", ["Unheard_threshold", "CPUBottleneck_treshold"])
def test_parameters_of_the_reports_rules_are_checked(name):
    with pytest.raises(ValueError):
        catalog.parameters("ProfilerReport", {name: "1"})
