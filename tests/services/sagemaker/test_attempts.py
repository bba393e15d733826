"""A job that takes more than one attempt: Spot instances that are taken back, hosts that are lost."""

import json
import os
import signal

import pytest
from compute.programs import until
from conftest import connect
from services.sagemaker.acted import ACCOUNT, REGION, channel, keys, request
from services.sagemaker.test_training import described, refused
from services.sagemaker.trained import WHOLE, archived, put, running, statuses

from skylab.commands.interrupt import interrupt
from skylab.compute.processes import Ending
from skylab.kernel.key import Key
from skylab.root import Refused, Root, Server
from skylab.services.sagemaker.training import spot
from skylab.wire.errors import AwsError

JOB = Key(ACCOUNT, REGION, "sagemaker", "training-job", "job")
SPOT = {
    "EnableManagedSpotTraining": True,
    "StoppingCondition": {"MaxRuntimeInSeconds": 600, "MaxWaitTimeInSeconds": 1200},
}
KEPT = {"CheckpointConfig": {"S3Uri": "s3://sagemaker-data/kept"}}
AGAIN = 5  # steps from the end of an attempt to the program of the next one


def test_an_interrupted_job_saves_its_checkpoints_and_starts_again_with_them(sagemaker, cloud, s3, processes, steps):
    put(s3, "train/a")
    running(sagemaker, steps, InputDataConfig=[channel()], **SPOT, **KEPT)
    (processes.ml() / "checkpoints/1.pt").write_text("one")
    (processes.ml() / "model/half").write_text("of the first instance")

    spot.interrupt(cloud.store, JOB)
    steps()
    assert described(sagemaker)["SecondaryStatus"] == "Interrupted" and processes.signals == [("algo-1", "TERM")]
    steps(AGAIN)

    assert keys(s3, "kept/") == ["kept/1.pt"]
    assert (processes.ml() / "checkpoints/1.pt").read_text() == "one"
    assert not (processes.ml() / "model/half").exists() and (processes.ml() / "input/data/train/a").exists()
    processes.say("[0]\ttrain-auc:0.5\n")
    processes.end(0)
    steps(WHOLE)
    doc = described(sagemaker)
    first = ["Starting", "Downloading", "Training", "Interrupted"]
    assert statuses(doc) == [*first, "Starting", "Downloading", "Training", "Uploading", "Completed"]
    assert doc["TrainingJobStatus"] == "Completed" and "FailureReason" not in doc


def test_spot_is_billed_less_than_it_trains_and_waiting_is_neither(sagemaker, cloud, processes, steps):
    """DescribeTrainingJob: "(1 - BillableTimeInSeconds / TrainingTimeInSeconds) * 100" is what was saved."""
    running(sagemaker, steps, **SPOT)
    steps(1, seconds=100)
    spot.interrupt(cloud.store, JOB, away=300)
    steps(4)
    assert described(sagemaker)["SecondaryStatus"] == "Starting"
    steps(1, seconds=200)
    assert processes.launched == {}, "there is no capacity yet"
    steps(1, seconds=101)
    steps(3)
    steps(1, seconds=100)
    processes.end(0)
    steps(WHOLE)

    doc = described(sagemaker)
    assert 200 <= doc["TrainingTimeInSeconds"] <= 320
    assert doc["BillableTimeInSeconds"] == pytest.approx(0.3 * doc["TrainingTimeInSeconds"], abs=1)


def test_a_job_whose_capacity_does_not_come_back_in_time_is_stopped(sagemaker, cloud, processes, steps):
    running(sagemaker, steps, **SPOT)
    spot.interrupt(cloud.store, JOB, away=10_000)
    steps(5)
    steps(2, seconds=1200)
    doc = described(sagemaker)
    assert (doc["TrainingJobStatus"], doc["SecondaryStatus"]) == ("Stopped", "MaxWaitTimeExceeded")


def test_a_job_that_waits_for_capacity_can_be_stopped(sagemaker, cloud, processes, steps):
    running(sagemaker, steps, **SPOT)
    spot.interrupt(cloud.store, JOB, away=10_000)
    steps(5)
    sagemaker.stop_training_job(TrainingJobName="job")
    steps(3)
    assert described(sagemaker)["SecondaryStatus"] == "Stopped"


def test_the_time_of_all_attempts_together_is_limited(sagemaker, cloud, processes, steps):
    running(sagemaker, steps, **SPOT)
    steps(1, seconds=400)
    spot.interrupt(cloud.store, JOB)
    steps(1 + AGAIN)
    assert described(sagemaker)["SecondaryStatus"] == "Training"
    steps(WHOLE, seconds=100)
    assert described(sagemaker)["SecondaryStatus"] == "MaxRuntimeExceeded"


def test_a_program_that_had_ended_before_it_was_interrupted_has_ended(sagemaker, cloud, processes, steps):
    running(sagemaker, steps, **SPOT)
    processes.end(0)
    spot.interrupt(cloud.store, JOB)
    steps(WHOLE)
    assert "Interrupted" not in statuses(described(sagemaker))


def test_all_hosts_of_an_interrupted_job_have_their_two_minutes(sagemaker, cloud, processes, steps):
    processes.stubborn = True
    two = {"InstanceCount": 2, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5}
    running(sagemaker, steps, ResourceConfig=two, **SPOT)
    spot.interrupt(cloud.store, JOB)
    steps()
    processes.end(-15)
    steps(1, seconds=118)
    assert "KILL" not in {signal for _, signal in processes.signals}
    steps(1, seconds=3)
    assert processes.signals[-1] == ("algo-2", "KILL")


def test_a_kill_before_the_record_of_a_cleared_attempt_only_repeats_it(sagemaker, cloud, s3, processes, steps):
    running(sagemaker, steps, **SPOT, **KEPT)
    (processes.ml() / "checkpoints/1.pt").write_text("one")
    spot.interrupt(cloud.store, JOB)
    steps()
    while task(cloud).state != "clearing":
        steps()
    steps()
    assert task(cloud).state == "waiting" and processes.launched == {}
    with cloud.store.writing() as tx:
        tx.move(task(cloud).id, "clearing")
    steps(AGAIN)
    assert (processes.ml() / "checkpoints/1.pt").read_text() == "one"


def task(cloud):
    with cloud.store.reading() as tx:
        (found,) = tx.tasks(target=JOB)
    return found


@pytest.mark.parametrize("wait", [{}, {"MaxWaitTimeInSeconds": 59}])
def test_spot_without_time_to_wait_is_refused(sagemaker, wait):
    members = {"EnableManagedSpotTraining": True, "StoppingCondition": {"MaxRuntimeInSeconds": 60} | wait}
    assert refused(sagemaker.create_training_job, **request(**members)) == (
        "ValidationException",
        "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds",
    )


def test_only_a_spot_job_that_trains_can_be_interrupted(sagemaker, cloud, steps):
    sagemaker.create_training_job(**request(**SPOT))
    with pytest.raises(AwsError, match="is not training now"):
        spot.interrupt(cloud.store, JOB)
    sagemaker.create_training_job(**request("other"))
    with pytest.raises(AwsError, match="does not use managed spot"):
        spot.interrupt(cloud.store, JOB._replace(name="other"))


def test_the_command_line_interrupts_the_job_of_a_running_server(sagemaker, cloud, processes, steps):
    running(sagemaker, steps, **SPOT)
    root = Root(cloud.root)
    lock = root.lock()
    root.announce(Server(os.getpid(), 4566, 4567, "2025-01-01T00:00:00Z", "127.0.0.1"))

    assert interrupt(root, "job", 60) == (
        "job is interrupted: it starts anew 60 s after its programs have ended, from its last checkpoint."
    )
    steps()

    assert described(sagemaker)["SecondaryStatus"] == "Interrupted"
    with pytest.raises(Refused, match="is not training now: its status is Interrupted"):
        interrupt(root, "job", 0)
    os.close(lock)


RESUMING = """
cd ${SAGEMAKER_BASE_DIR:-/opt/ml}/checkpoints
trap 'exit 0' TERM
n=$(cat step 2>/dev/null || echo 0); echo "starts at $n"
while [ $n -lt 6 ]; do
    n=$((n+1)); echo $n > step.draft; mv step.draft step; echo "step $n"
    [ $n -eq 3 ] && [ ! -e interrupted ] && { touch interrupted; while :; do sleep 0.05; done; }
done
cp step ../model/
"""


def test_a_real_program_resumes_from_its_checkpoint(real_cloud, data):
    sagemaker = connect(real_cloud, "sagemaker")
    data.put_object(Bucket="sagemaker-data", Key="code/run.sh", Body=RESUMING)
    sagemaker.create_training_job(
        **request(
            algorithm={"ContainerEntrypoint": ["/bin/bash", "/opt/ml/input/data/code/run.sh"]},
            InputDataConfig=[channel("code", "s3://sagemaker-data/code/")],
            **SPOT,
            **KEPT,
        )
    )
    until(lambda: "step 3" in said(real_cloud))

    spot.interrupt(real_cloud.store, JOB)

    while (doc := described(sagemaker))["TrainingJobStatus"] == "InProgress":
        pass
    assert doc["SecondaryStatus"] == "Completed", doc.get("FailureReason")
    assert statuses(doc).count("Training") == 2
    before, after = [f"step {n}" for n in (1, 2, 3)], [f"step {n}" for n in (4, 5, 6)]
    assert said(real_cloud) == ["starts at 0", *before, "starts at 3", *after]
    assert archived(data, "out/job/output/model.tar.gz") == {"step": b"6\n"}


def said(cloud):
    logs = connect(cloud, "logs")
    try:
        events = logs.filter_log_events(logGroupName="/aws/sagemaker/TrainingJobs")["events"]
    except logs.exceptions.ResourceNotFoundException:
        return []
    return [event["message"] for event in events if event["message"].startswith(("step ", "starts "))]


# retries


def test_a_lost_host_is_tried_again_as_often_as_is_allowed(sagemaker, s3, processes, steps):
    running(sagemaker, steps, RetryStrategy={"MaximumRetryAttempts": 1}, **KEPT)
    (processes.ml() / "checkpoints/1.pt").write_text("one")
    processes.endings[processes.one()] = Ending(None)
    steps(AGAIN)
    assert (processes.ml() / "checkpoints/1.pt").read_text() == "one"
    assert described(sagemaker)["SecondaryStatus"] == "Training"
    processes.endings[processes.one()] = Ending(None)
    steps(WHOLE)
    doc = described(sagemaker)
    assert doc["FailureReason"].startswith("InternalServerError: ")
    assert [status for status in statuses(doc) if status in ("Starting", "Training")] == ["Starting", "Training"] * 2


def test_what_the_program_does_wrong_is_not_tried_again(sagemaker, processes, steps):
    running(sagemaker, steps, RetryStrategy={"MaximumRetryAttempts": 3})
    processes.end(1)
    steps(WHOLE)
    assert described(sagemaker)["FailureReason"].startswith("AlgorithmError:")


def test_of_several_hosts_the_lost_one_is_the_reason(sagemaker, processes, steps):
    two = {"InstanceCount": 2, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5}
    running(sagemaker, steps, ResourceConfig=two)
    processes.endings[processes.one("algo-2")] = Ending(None)
    steps(WHOLE)
    assert processes.signals == [("algo-1", "KILL")]
    assert described(sagemaker)["FailureReason"].startswith("InternalServerError: ")


def test_a_real_host_that_is_killed_is_tried_again(real_cloud, data):
    script = "cd ${SAGEMAKER_BASE_DIR:-/opt/ml}; echo step 1; while [ ! -e checkpoints/go ]; do sleep 0.05; done"
    sagemaker = connect(real_cloud, "sagemaker")
    sagemaker.create_training_job(
        **request(
            algorithm={"ContainerEntrypoint": ["/bin/bash", "-c", script]},
            RetryStrategy={"MaximumRetryAttempts": 1},
            **KEPT,
        )
    )
    until(lambda: said(real_cloud))
    data.put_object(Bucket="sagemaker-data", Key="kept/go", Body=b"")
    (pid,) = real_cloud.world.processes.root.glob("*/algo-1/pid")
    os.kill(json.loads(pid.read_text())["runner"], signal.SIGKILL)
    while (doc := described(sagemaker))["TrainingJobStatus"] == "InProgress":
        pass
    assert doc["SecondaryStatus"] == "Completed", doc.get("FailureReason")
    assert said(real_cloud) == ["step 1", "step 1"]
