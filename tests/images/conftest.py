"""A job's folder as the platform lays it out, and its program run as the platform runs it: a process, an exit code."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import numpy
import pytest

SRC = Path(__file__).parents[2] / "src"


@dataclass
class Job:
    base: Path
    cache: Path
    env: dict[str, str] = field(default_factory=dict)

    def config(self, name, value):
        folder = self.base / "input" / "config"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.json").write_text(json.dumps(value))

    def hosts(self, current="algo-1", hosts=("algo-1",)):
        self.config(
            "resourceconfig",
            {
                "current_host": current,
                "hosts": list(hosts),
                "current_instance_type": "ml.m5.large",
                "current_group_name": "homogeneousCluster",
                "network_interface_name": "lo",
                "instance_groups": [
                    {
                        "instance_group_name": "homogeneousCluster",
                        "instance_type": "ml.m5.large",
                        "hosts": list(hosts),
                    }
                ],
                "topology": {},
            },
        )

    def channels(self, content_type=None, **files):
        """files: channel=bytes of its only file."""
        each = {"TrainingInputMode": "File", "S3DistributionType": "FullyReplicated", "RecordWrapperType": "None"}
        each |= {"ContentType": content_type} if content_type else {}
        self.config("inputdataconfig", {name: each for name in files})
        for name, body in files.items():
            folder = self.base / "input" / "data" / name
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "part-0").write_bytes(body)

    def code(self, **files):
        """files: train=source of train.py; requirements=text of requirements.txt."""
        folder = self.base / "source"
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / (f"{name}.txt" if name == "requirements" else f"{name}.py")).write_text(text)
        return folder

    @property
    def environment(self):
        return {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(SRC),
            "PYTHONUNBUFFERED": "1",
            "SAGEMAKER_BASE_DIR": str(self.base),
            "SKYLAB_CACHE": str(self.cache),
            "TRAINING_JOB_NAME": "job",
            "PIP_NO_INDEX": "1",
            "OMP_NUM_THREADS": "1",
            **self.env,
        }

    def start(self, *family, **options):
        argv = [sys.executable, "-m", "skylab.images.train", *family]
        return subprocess.Popen(
            argv, env=self.environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options
        )

    def run(self, *family):
        """(exit code, log)"""
        process = self.start(*family)
        log, _ = process.communicate(timeout=100)
        return process.returncode, log

    @property
    def failure(self):
        return (self.base / "output" / "failure").read_text()


@pytest.fixture
def job(tmp_path):
    made = Job(tmp_path / "ml", tmp_path / "cache")
    made.hosts()
    return made


def table(rows=400, seed=3):
    """Label first, five features, a signal in them."""
    drawn = numpy.random.default_rng(seed)
    features = drawn.normal(size=(rows, 5)).astype("float32")
    noise = drawn.normal(size=rows)
    labels = (features[:, 0] + features[:, 1] * features[:, 2] + 0.3 * noise > 0).astype("float32")
    return numpy.column_stack([labels, features])


def csv(rows):
    return "".join(",".join(repr(float(value)) for value in row) + "\n" for row in rows).encode()
