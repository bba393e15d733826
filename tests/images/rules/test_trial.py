"""A training's tensors, read while they come."""

import numpy as np

from skylab.images.debugging.configuration import Collection, HookConfig, Saving
from skylab.images.debugging.steps import Steps
from skylab.images.rules.actions import read, stop_training
from skylab.images.rules.trial import Folder, steps


def test_steps_are_read_as_they_come_and_once_until_the_training_has_ended(tmp_path):
    saving = {mode: Saving(1) for mode in ("TRAIN", "EVAL", "PREDICT", "GLOBAL")}
    written = Steps(HookConfig(tmp_path, [Collection("losses", ["loss"], saving)]))
    later = iter([2, 1004, None])

    def save(number):
        written.open(number, "TRAIN", number)
        written.put("loss_output_0", np.asarray(float(number)))
        written.close()

    def wait(seconds):
        if (number := next(later)) is None:
            (tmp_path / "training_job_end.ts").touch()
        else:
            save(number)

    save(0)
    save(1)
    found = [(step.number, step.mode, step.value("loss_output_0")) for step in steps(Folder(tmp_path), wait=wait)]

    assert found == [(number, "TRAIN", float(number)) for number in (0, 1, 2, 1004)]
    step = next(steps(Folder(tmp_path)))
    assert step.select(("losses",)) == ["loss_output_0"] and not step.select(("weights",))


def test_actions_are_read_as_sdks_send_them():
    assert read({"action_json": r"[{\"name\": \"stoptraining\", \"training_job_prefix\": \"job\"}]"}) == [
        {"name": "stoptraining", "training_job_prefix": "job"}
    ]
    assert read({}) == []


def test_only_one_job_is_ever_stopped():
    class SageMaker:
        stopped = []

        def __init__(self, *jobs):
            self.jobs = jobs

        def get_paginator(self, name):
            return self

        def paginate(self, **asked):
            return [{"TrainingJobSummaries": [{"TrainingJobName": job} for job in self.jobs]}]

        def stop_training_job(self, TrainingJobName):
            self.stopped.append(TrainingJobName)

    assert "none was stopped" in stop_training(SageMaker("job-1", "job-2"), "job")
    assert stop_training(SageMaker("job-1", "other-job-1"), "job") and SageMaker.stopped == ["job-1"]
