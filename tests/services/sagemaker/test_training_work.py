"""What becomes of a training job whose program ends, fails, is stopped or is lost."""

import pytest
from services.sagemaker.acted import channel, keys
from services.sagemaker.trained import WHOLE, archived, described, put, running, statuses

from skylab.compute.processes import Ending


def test_a_completed_job_has_its_model_output_and_metrics(sagemaker, cloud, s3, processes, steps):
    running(sagemaker, steps)
    processes.say("[0]\ttrain-auc:0.5\tvalidation-auc:0.4\n[1]\ttrain-auc:0.7\tvalidation-auc:0.6\n")
    (processes.ml() / "model/model.bin").write_text("weights")
    (processes.ml() / "output/data/report.txt").write_text("fine")
    folder = processes.ml().parent
    processes.end(0)
    steps(WHOLE)
    doc = described(sagemaker)
    assert statuses(doc) == ["Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert doc["TrainingJobStatus"] == doc["SecondaryStatus"] == "Completed"
    assert doc["ModelArtifacts"]["S3ModelArtifacts"] == "s3://sagemaker-data/out/job/output/model.tar.gz"
    assert archived(s3, "out/job/output/model.tar.gz") == {"model.bin": b"weights"}
    assert archived(s3, "out/job/output/output.tar.gz") == {"report.txt": b"fine"}
    values = {metric["MetricName"]: metric["Value"] for metric in doc["FinalMetricDataList"]}
    assert values == pytest.approx({"train:auc": 0.7, "validation:auc": 0.6})
    seconds = (doc["TrainingEndTime"] - doc["TrainingStartTime"]).total_seconds()
    assert doc["TrainingTimeInSeconds"] == doc["BillableTimeInSeconds"] == seconds
    assert not folder.exists() and processes.launched == {}
    with cloud.store.reading() as tx:
        assert not [task for task in tx.tasks() if task.kind == "training"]


def test_a_failure_is_told_in_the_programs_own_words_and_its_output_kept(sagemaker, s3, processes, steps):
    running(sagemaker, steps)
    (processes.ml() / "output/failure").write_text("x" * 2000)
    (processes.ml() / "output/data/partial").write_text("kept")
    (processes.ml() / "model/half").write_text("not wanted")
    processes.end(2)
    steps(WHOLE)
    doc = described(sagemaker)
    assert doc["TrainingJobStatus"] == "Failed" and "ModelArtifacts" not in doc
    assert doc["FailureReason"].startswith("AlgorithmError: xxx") and doc["FailureReason"].endswith(", exit code: 2")
    assert len(doc["FailureReason"]) == 1024
    assert keys(s3, "out/") == ["out/job/output/output.tar.gz"]


def test_without_a_failure_file_the_last_lines_of_the_log_are_told(sagemaker, processes, steps):
    running(sagemaker, steps)
    processes.say("Traceback\nKeyError: 'x'\n")
    processes.end(-9)
    steps(WHOLE)
    assert described(sagemaker)["FailureReason"] == "AlgorithmError: Traceback\nKeyError: 'x', exit code: 137"


def test_the_host_that_fails_first_ends_the_others_and_is_the_reason(sagemaker, processes, steps):
    two = {"InstanceCount": 2, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5}
    running(sagemaker, steps, ResourceConfig=two)
    processes.say("out of tune\n", "algo-2")
    processes.end(1, processes.one("algo-2"))
    steps(WHOLE)
    assert processes.signals == [("algo-1", "KILL")]
    assert described(sagemaker)["FailureReason"] == "AlgorithmError: out of tune, exit code: 1"


def test_a_stopped_job_is_asked_first_then_killed_and_keeps_its_model(sagemaker, s3, processes, steps):
    processes.stubborn = True
    running(sagemaker, steps)
    (processes.ml() / "model/half").write_text("way")
    sagemaker.stop_training_job(TrainingJobName="job")
    steps(1)
    assert described(sagemaker)["SecondaryStatus"] == "Stopping" and set(processes.signals) == {("algo-1", "TERM")}
    steps(1, seconds=119)
    assert ("algo-1", "KILL") not in processes.signals
    steps(WHOLE, seconds=2)
    assert processes.signals[-1] == ("algo-1", "KILL")
    doc = described(sagemaker)
    assert (doc["TrainingJobStatus"], doc["SecondaryStatus"]) == ("Stopped", "Stopped")
    assert archived(s3, "out/job/output/model.tar.gz") == {"half": b"way"} and doc["ModelArtifacts"]


def test_a_job_that_runs_too_long_is_stopped(sagemaker, processes, steps):
    running(sagemaker, steps, StoppingCondition={"MaxRuntimeInSeconds": 60})
    steps(1, seconds=58)
    assert processes.signals == []
    steps(WHOLE)
    doc = described(sagemaker)
    assert (doc["TrainingJobStatus"], doc["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert "FailureReason" not in doc


def test_a_lost_process_is_an_internal_error(sagemaker, processes, steps):
    running(sagemaker, steps)
    processes.endings[processes.one()] = Ending(None)
    steps(WHOLE)
    assert described(sagemaker)["FailureReason"].startswith("InternalServerError: ")


def test_a_kill_between_the_start_and_its_record_starts_nothing_twice(sagemaker, cloud, s3, processes, steps):
    put(s3, "train/a")
    running(sagemaker, steps, InputDataConfig=[channel()])
    (processes.ml() / "model/made").write_text("meanwhile")
    with cloud.store.writing() as tx:
        (task,) = [task for task in tx.tasks() if task.kind == "training"]
        tx.move(task.id, "downloading")
    steps()
    assert (processes.ml() / "model/made").exists() and len(processes.launched) == 1
    processes.end(0)
    steps(WHOLE)
    assert archived(s3, "out/job/output/model.tar.gz") == {"made": b"meanwhile"}
