"""Kill -9 of the cloud at each effect of a training job, of its rules and of a processing job: what was acknowledged
happens, its processes run once, its logs are there once, its model is whole."""

import io
import tarfile

import pytest
from conftest import connect
from endpoint_steps import until
from services.sagemaker import processed as processing
from services.sagemaker.acted import XGBOOST, request
from services.sagemaker.debugged import debugged, rule

from crash.kills import killed, named, prepared

TRAINING = [  # (what, its name, before or after it); "": as soon as it is acknowledged
    ("", "", ""),
    ("job.Job", "stage", "before"),
    ("job.Job", "stage", "after"),
    ("processes.LocalProcesses", "start", "before"),
    ("processes.LocalProcesses", "start", "after"),
    ("joblogs", "ship", "after"),
    ("delivery", "deliver", "before"),
    ("delivery", "deliver", "after"),
    ("job.Job", "results", "after"),
    ("work.Training", "_remove", "before"),
    ("work.Training", "_remove", "after"),
]
RULE = [
    ("rules.Rules", "_tell", "after"),  # within the transaction that makes its processing job
    pytest.param(("rules.Rules", "_begin", "before"), marks=pytest.mark.slow),
    pytest.param(("rules.Rules", "_begin", "after"), marks=pytest.mark.slow),
]
PROCESSING = [
    pytest.param(("", "", ""), marks=pytest.mark.slow),
    pytest.param(("processing_job.Job", "prepare", "after"), marks=pytest.mark.slow),
    ("processes.LocalProcesses", "start", "after"),
    pytest.param(("processing_job.Job", "deliver", "before"), marks=pytest.mark.slow),
    ("processing_job.Job", "deliver", "after"),
    pytest.param(("any_work.Jobs", "_remove", "after"), marks=pytest.mark.slow),
]


@pytest.mark.parametrize("step", TRAINING, ids=named)
def test_a_training_job_that_was_acknowledged_runs_once_whatever_kills_the_cloud(tmp_path, counter, step):
    trained_once(tmp_path, counter, "kill", step)


@pytest.mark.parametrize("step", [TRAINING[0], TRAINING[4], TRAINING[7]], ids=named)
def test_so_it_does_where_a_power_cut_is_reckoned_with(tmp_path, counter, step):
    trained_once(tmp_path, counter, "power", step)


def trained_once(tmp_path, counter, durability, step):
    cloud = prepared(tmp_path, durability)
    connect(cloud, "s3").create_bucket(Bucket="sagemaker-data")
    cloud.stop()
    script = (
        f"exec 3<>/dev/tcp/127.0.0.1/{counter.port}; echo said; echo made > ${{SAGEMAKER_BASE_DIR:-/opt/ml}}/model/m"
    )
    job = request(algorithm={"ContainerEntrypoint": ["/bin/bash", "-c", script]})

    cloud = killed(tmp_path, durability, "create_training_job", job, step)
    cloud.start()
    try:
        doc = connect(cloud, "sagemaker").describe_training_job(TrainingJobName="job")
        assert doc["TrainingJobStatus"] == "Completed", doc.get("FailureReason")
        assert counter.count == 1
        logs = connect(cloud, "logs").filter_log_events(logGroupName="/aws/sagemaker/TrainingJobs")["events"]
        assert [event["message"] for event in logs].count("said") == 1
        body = (
            connect(cloud, "s3").get_object(Bucket="sagemaker-data", Key="out/job/output/model.tar.gz")["Body"].read()
        )
        with tarfile.open(fileobj=io.BytesIO(body)) as archive:
            assert archive.extractfile("m").read() == b"made\n"
        until(lambda: not list((tmp_path / "root/jobs").iterdir()))
        assert not list((tmp_path / "root/runs").glob("*/*"))
    finally:
        cloud.stop()


@pytest.mark.parametrize("step", RULE, ids=str)
def test_a_rule_of_a_training_job_is_evaluated_once_whatever_kills_the_cloud(tmp_path, step):
    """Without a socket it gets no credentials, and ends with an error: once."""
    cloud = prepared(tmp_path)
    connect(cloud, "s3").create_bucket(Bucket="sagemaker-data")
    cloud.stop()
    job = debugged(rule()) | {"AlgorithmSpecification": {"TrainingImage": XGBOOST, "TrainingInputMode": "File"}}
    job["AlgorithmSpecification"]["ContainerEntrypoint"] = ["/bin/bash", "-c", "sleep 1"]

    cloud = killed(tmp_path, "kill", "create_training_job", job, step)
    cloud.start()
    try:
        sagemaker = connect(cloud, "sagemaker")
        until(lambda: _rule(sagemaker)["RuleEvaluationStatus"] != "InProgress")
        assert _rule(sagemaker)["RuleEvaluationStatus"] == "Error"
        (one,) = sagemaker.list_processing_jobs()["ProcessingJobSummaries"]
        assert one["ProcessingJobArn"] == _rule(sagemaker)["RuleEvaluationJobArn"]
        logs = connect(cloud, "logs").filter_log_events(logGroupName="/aws/sagemaker/ProcessingJobs")["events"]
        assert [event["message"][:9] for event in logs].count("Traceback") >= 1
        assert len({event["logStreamName"] for event in logs}) == 1
        until(lambda: not list((tmp_path / "root/jobs").iterdir()))
    finally:
        cloud.stop()


def _rule(sagemaker):
    (told,) = sagemaker.describe_training_job(TrainingJobName="job")["DebugRuleEvaluationStatuses"]
    return told


def test_a_training_job_that_was_not_acknowledged_is_not_there(tmp_path):
    cloud = prepared(tmp_path)
    connect(cloud, "s3").create_bucket(Bucket="sagemaker-data")
    cloud.stop()
    step = ("store.Transaction", "start", "after")  # within the transaction that makes it
    cloud = killed(tmp_path, "kill", "create_training_job", request(), step)
    assert connect(cloud, "sagemaker").list_training_jobs()["TrainingJobSummaries"] == []
    with cloud.store.reading() as tx:
        assert [task for task in tx.tasks() if task.kind == "training"] == []
    cloud.stop()


@pytest.mark.parametrize("step", PROCESSING, ids=named)
def test_a_processing_job_that_was_acknowledged_runs_once_whatever_kills_the_cloud(tmp_path, counter, step):
    cloud = prepared(tmp_path)
    s3 = connect(cloud, "s3")
    s3.create_bucket(Bucket="sagemaker-data")
    s3.put_object(Bucket="sagemaker-data", Key="in/a", Body=b"brought")
    cloud.stop()
    folder = "${SAGEMAKER_BASE_DIR:-/opt/ml}/processing"
    script = f"exec 3<>/dev/tcp/127.0.0.1/{counter.port}; echo said; cp {folder}/input/data/a {folder}/output/"
    application = {"ContainerEntrypoint": ["/bin/bash", "-c", script]}
    job = processing.request(
        application=application,
        ProcessingInputs=[processing.brought()],
        **processing.outputs(processing.taken(), processing.taken("same", mode="Continuous", uri=processing.MORE)),
    )

    cloud = killed(tmp_path, "kill", "create_processing_job", job, step)
    cloud.start()
    try:
        doc = connect(cloud, "sagemaker").describe_processing_job(ProcessingJobName="job")
        assert doc["ProcessingJobStatus"] == "Completed", doc.get("FailureReason")
        assert counter.count == 1
        logs = connect(cloud, "logs").filter_log_events(logGroupName="/aws/sagemaker/ProcessingJobs")["events"]
        assert [event["message"] for event in logs].count("said") == 1
        for key in ("made/a", "more/a"):
            body = connect(cloud, "s3").get_object(Bucket="sagemaker-data", Key=key)["Body"].read()
            assert body == b"brought"
        until(lambda: not list((tmp_path / "root/jobs").iterdir()))
        assert not list((tmp_path / "root/runs").glob("*/*"))
    finally:
        cloud.stop()
