"""Kill -9 while a job ends: its trial component is completed exactly once, with its metrics and its lineage."""

import pytest
from conftest import connect
from services.sagemaker.acted import channel, request

from crash.kills import killed, prepared

STEPS = [  # (what, its name, before or after it)
    ("any_work", "record", "before"),  # within the transaction that ends the job
    ("any_work", "record", "after"),  # the same: nothing of it is written yet
    ("work.Training", "_end", "after"),
    ("job.Job", "results", "before"),
]


@pytest.mark.parametrize("step", STEPS, ids=lambda step: f"{step[2]}-{step[1]}")
def test_a_job_that_ends_while_the_cloud_is_killed_completes_its_component_once(tmp_path, step):
    cloud = prepared(tmp_path)
    sagemaker, s3 = connect(cloud, "sagemaker"), connect(cloud, "s3")
    s3.create_bucket(Bucket="sagemaker-data")
    s3.put_object(Bucket="sagemaker-data", Key="train/a", Body=b"1")
    sagemaker.create_experiment(ExperimentName="exp")
    sagemaker.create_trial(TrialName="try", ExperimentName="exp")
    cloud.stop()
    algorithm = {
        "ContainerEntrypoint": ["/bin/bash", "-c", "echo auc=0.5; echo made > ${SAGEMAKER_BASE_DIR:-/opt/ml}/model/m"],
        "MetricDefinitions": [{"Name": "auc", "Regex": "auc=([0-9.]+)"}],
    }
    config = {"ExperimentName": "exp", "TrialName": "try"}
    job = request(algorithm=algorithm, InputDataConfig=[channel()], ExperimentConfig=config)

    cloud = killed(tmp_path, "kill", "create_training_job", job, step)
    cloud.start()
    try:
        sagemaker = connect(cloud, "sagemaker")
        doc = sagemaker.describe_training_job(TrainingJobName="job")
        assert doc["TrainingJobStatus"] == "Completed", doc.get("FailureReason")
        (summary,) = sagemaker.list_trial_components(TrialName="try")["TrialComponentSummaries"]
        found = sagemaker.describe_trial_component(TrialComponentName=summary["TrialComponentName"])
        assert found["Status"]["PrimaryStatus"] == "Completed" and found["EndTime"] == doc["TrainingEndTime"]
        assert [(metric["MetricName"], metric["Count"], metric["Last"]) for metric in found["Metrics"]] == [
            ("auc", 1, 0.5)
        ]
        assert len(found["Sources"]) == 1
        made = sagemaker.list_associations(SourceArn=found["TrialComponentArn"])["AssociationSummaries"]
        assert [each["AssociationType"] for each in made] == ["Produced"]
        used = sagemaker.list_associations(DestinationArn=found["TrialComponentArn"])["AssociationSummaries"]
        assert sorted(each["SourceType"] for each in used) == ["DataSet", "Image"]
    finally:
        cloud.stop()
