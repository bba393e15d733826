"""What goes wrong in a batch transform, and what becomes of its job and of the other objects."""

import threading

import pytest
from services.sagemaker.acted import keys
from services.sagemaker.test_training import refused
from services.sagemaker.trained import put
from services.sagemaker.transformed import LINE, WHOLE, bodies, request, said, serve, upper, write


def test_a_bad_object_fails_the_job_and_the_others_are_transformed(s3, cloud, transform):
    """Batch transform: "a transform job continues to process input files even if it fails to process one"."""
    put(s3, "in/a", "in/b", "in/c")
    doc, servers = transform(lambda body: (400, b"bad\nrow") if body == b"in/b" else upper(body))
    assert doc["TransformJobStatus"] == "Failed"
    assert doc["FailureReason"] == "ClientError: See job logs for more information"
    assert keys(s3, "out/") == ["out/a.out", "out/c.out"] and len(bodies(servers)) == 3
    lines = ["ClientError: 400", "", "Message:", "bad", "row"]
    assert said(cloud)[1:] == [f"[sagemaker logs]: sagemaker-data/in/b: {line}" for line in lines]


def test_a_record_that_fails_leaves_no_output_of_its_object(s3, transform):
    write(s3, "in/x", b"a\nb\nc\n")
    doc, _ = transform(
        lambda body: (400, b"") if body == b"c" else upper(body), source={**LINE}, BatchStrategy="SingleRecord"
    )
    assert doc["TransformJobStatus"] == "Failed" and keys(s3, "out/") == []


@pytest.mark.parametrize(
    "status, line", [(500, "Bad HTTP status received from algorithm: 500"), (None, "Unable to get")]
)
def test_what_is_the_containers_fault_is_tried_again(s3, cloud, transform, status, line):
    put(s3, "in/a")
    doc, servers = transform(lambda body: (status, b"oh"), ModelClientConfig={"InvocationsMaxRetries": 2})
    assert doc["FailureReason"] == "AlgorithmError: See job logs for more information"
    assert len(bodies(servers)) == 3 and any(line in each for each in said(cloud))
    left = [1]
    again, _ = transform(lambda body: upper(body) if not left or not left.pop() else (status, b""), name="again")
    assert again["TransformJobStatus"] == "Completed"


def test_a_container_that_takes_too_long_does_not_answer(s3, cloud, transform):
    put(s3, "in/a")
    waiting = threading.Event()

    def answer(body):
        waiting.wait(20)
        return upper(body)

    client = {"InvocationsTimeoutInSeconds": 1, "InvocationsMaxRetries": 0}
    doc, _ = transform(answer, ModelClientConfig=client)
    waiting.set()
    assert doc["TransformJobStatus"] == "Failed" and "Unable to get response from algorithm" in said(cloud)[-1]


def test_an_object_that_is_larger_than_a_payload_fails(s3, cloud, transform):
    write(s3, "in/x", b"x" * (1024 * 1024 + 1))
    doc, _ = transform(MaxPayloadInMB=1)
    assert doc["TransformJobStatus"] == "Failed" and "Too much data for max payload size" in said(cloud)[-1]


def test_a_container_that_ends_by_itself_fails_the_job(sagemaker, s3, steps, processes, model):
    put(s3, "in/a")
    sagemaker.create_transform_job(**request())
    steps(3)
    processes.end(1)
    steps(WHOLE)
    doc = sagemaker.describe_transform_job(TransformJobName="job")
    assert doc["FailureReason"] == "AlgorithmError: See job logs for more information, exit code: 1"


def test_a_container_that_is_never_well_fails_the_job(sagemaker, s3, steps, model):
    put(s3, "in/a")
    sagemaker.create_transform_job(**request())
    steps(3)
    steps(1, minutes=9)
    steps(WHOLE)
    assert "did not answer to /ping" in sagemaker.describe_transform_job(TransformJobName="job")["FailureReason"]


def test_a_job_can_be_stopped(sagemaker, s3, steps, processes, model):
    put(s3, "in/a")
    sagemaker.create_transform_job(**request())
    steps(3)
    sagemaker.stop_transform_job(TransformJobName="job")
    (server,) = serve(processes)
    steps(WHOLE)
    doc = sagemaker.describe_transform_job(TransformJobName="job")
    assert doc["TransformJobStatus"] == "Stopped" and server.asked == [] and keys(s3, "out/") == []
    assert "in status Stopped" in refused(sagemaker.stop_transform_job, TransformJobName="job")[1]
    server.shutdown()
    server.server_close()


def test_what_was_done_before_a_kill_is_not_asked_again(sagemaker, s3, cloud, steps, processes, model):
    put(s3, "in/a", "in/b")
    sagemaker.create_transform_job(**request())
    steps(3)
    job = next((cloud.root / "jobs").iterdir())
    (server,) = serve(processes, lambda body: (400, b"") if body == b"in/b" else upper(body))
    steps()
    assert len(list((job / "done").glob("*.json"))) == 2
    with cloud.store.writing() as tx:  # as if it had been killed before it wrote down that all is fed
        (task,) = [each for each in tx.tasks() if each.kind == "transform"]
        tx.move(task.id, "running", fed=None, why_fed=None, fed_at=None)
    (job / "halted").unlink(missing_ok=True)
    steps(WHOLE)
    assert len(server.asked) == 2
    assert sagemaker.describe_transform_job(TransformJobName="job")["TransformJobStatus"] == "Failed"
    server.shutdown()
    server.server_close()
