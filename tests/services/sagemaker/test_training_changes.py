"""What may be changed of a training job, and what is kept of it: pools, updates, deletions."""

from services.sagemaker.acted import keys, request
from services.sagemaker.test_training import described, refused
from services.sagemaker.trained import WHOLE, running


def test_a_warm_pool_is_in_use_and_then_gone_and_costs_nothing(sagemaker, processes, steps):
    warm = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5, "KeepAlivePeriodInSeconds": 60}
    running(sagemaker, steps, ResourceConfig=warm)
    assert described(sagemaker)["WarmPoolStatus"] == {"Status": "InUse"}
    sagemaker.update_training_job(TrainingJobName="job", ResourceConfig={"KeepAlivePeriodInSeconds": 90})
    assert described(sagemaker)["ResourceConfig"] == warm | {"KeepAlivePeriodInSeconds": 90}
    listed = sagemaker.list_training_jobs(WarmPoolStatusEquals="InUse")["TrainingJobSummaries"]
    assert [job["WarmPoolStatus"]["Status"] for job in listed] == ["InUse"]
    processes.end(0)
    steps(WHOLE)
    gone = {"Status": "Terminated", "ResourceRetainedBillableTimeInSeconds": 0}
    assert described(sagemaker)["WarmPoolStatus"] == gone
    assert sagemaker.list_training_jobs(WarmPoolStatusEquals="InUse")["TrainingJobSummaries"] == []


def test_an_update_is_for_jobs_in_progress_and_for_what_is_offered(sagemaker, processes, steps):
    running(sagemaker, steps)
    remote = {"TrainingJobName": "job", "RemoteDebugConfig": {"EnableRemoteDebug": True}}
    assert "EnableRemoteDebug is not offered yet" in refused(sagemaker.update_training_job, **remote)[1]
    profiler = {"S3OutputPath": "s3://sagemaker-data/p", "ProfilingIntervalInMilliseconds": 500}
    sagemaker.update_training_job(TrainingJobName="job", ProfilerConfig=profiler)
    assert described(sagemaker)["ProfilerConfig"] == profiler | {"DisableProfiler": False}
    processes.end(0)
    steps(WHOLE)
    late = {"TrainingJobName": "job", "ProfilerConfig": profiler}
    assert "is in status Completed" in refused(sagemaker.update_training_job, **late)[1]


def test_a_job_that_has_ended_can_be_deleted_and_its_name_taken_again(sagemaker, s3, processes, steps):
    running(sagemaker, steps)
    assert refused(sagemaker.delete_training_job, TrainingJobName="job")[0] == "ResourceInUse"
    processes.end(0)
    steps(2)
    assert described(sagemaker)["TrainingJobStatus"] == "Completed" and processes.launched, "not cleaned up yet"
    sagemaker.delete_training_job(TrainingJobName="job")
    steps(2)
    assert processes.launched == {}
    assert refused(sagemaker.describe_training_job, TrainingJobName="job")[1] == "Requested resource not found."
    assert keys(s3, "out/") == ["out/job/output/model.tar.gz"]
    sagemaker.create_training_job(**request())


def test_a_vpc_is_kept_and_shown(sagemaker):
    vpc = {"SecurityGroupIds": ["sg-1"], "Subnets": ["subnet-1"]}
    sagemaker.create_training_job(**request(VpcConfig=vpc))
    assert described(sagemaker)["VpcConfig"] == vpc
