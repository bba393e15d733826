"""Training jobs whose programs are real processes."""

from dataclasses import replace

import pytest
from compute.programs import until
from conftest import connect
from services.sagemaker.acted import channel, request
from services.sagemaker.trained import archived, described, put

from skylab.cloud import Cloud


def ended(cloud, **members):
    """A real job to its end; each Describe is held."""
    sagemaker = connect(cloud, "sagemaker")
    sagemaker.create_training_job(**request(**members))
    while (doc := described(sagemaker))["TrainingJobStatus"] in ("InProgress", "Stopping"):
        pass
    return doc


def test_a_real_program_trains_on_real_data(real_cloud, data):
    rows = b"\n".join(b"%d,%d,%d" % (i % 2, i, i % 2 * 3) for i in range(100))
    data.put_object(Bucket="sagemaker-data", Key="train/a.csv", Body=rows)
    parameters = {"num_round": "2", "objective": "binary:logistic"}
    doc = ended(real_cloud, HyperParameters=parameters, InputDataConfig=[channel(ContentType="text/csv")])
    assert doc["SecondaryStatus"] == "Completed", doc.get("FailureReason")
    assert "xgboost-model" in archived(data, "out/job/output/model.tar.gz")
    assert 0 < doc["FinalMetricDataList"][0]["Value"] < 0.7


TALK = """
import pathlib, socket, time
me = socket.gethostname()
pathlib.Path("/opt/ml/model", me).write_bytes(open("/opt/ml/input/data/train_0", "rb").read())
if me == "algo-1":
    assert socket.create_server((me, 7777)).accept()[0].recv(9) == b"hello"
else:
    for _ in range(1000):
        try:
            socket.create_connection(("algo-1", 7777)).sendall(b"hello")
            break
        except ConnectionRefusedError:
            time.sleep(0.01)
"""


def test_two_real_hosts_talk_to_each_other_and_read_a_pipe(real_cloud, data):
    if reason := real_cloud.world.processes.unsandboxed:
        pytest.skip(reason)
    put(data, "train/a", "train/b")
    data.put_object(Bucket="sagemaker-data", Key="code/talk.py", Body=TALK)
    doc = ended(
        real_cloud,
        algorithm={"ContainerEntrypoint": ["python3", "/opt/ml/input/data/code/talk.py"]},
        EnableNetworkIsolation=True,
        InputDataConfig=[channel(InputMode="Pipe"), channel("code", "s3://sagemaker-data/code/talk.py")],
        ResourceConfig={"InstanceCount": 2, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5},
    )
    assert doc["SecondaryStatus"] == "Completed", doc.get("FailureReason")
    whole = b"train/atrain/b"
    assert archived(data, "out/job/output/model.tar.gz") == {"algo-1": whole, "algo-2": whole}


def test_a_real_program_that_takes_too_long_is_ended(real_cloud, data):
    script = "trap 'echo late > ${SAGEMAKER_BASE_DIR:-/opt/ml}/model/m; exit 0' TERM; while :; do sleep 0.1; done"
    doc = ended(
        real_cloud,
        algorithm={"ContainerEntrypoint": ["/bin/bash", "-c", script]},
        StoppingCondition={"MaxRuntimeInSeconds": 1},
    )
    assert (doc["TrainingJobStatus"], doc["SecondaryStatus"]) == ("Stopped", "MaxRuntimeExceeded")
    assert archived(data, "out/job/output/model.tar.gz") == {"m": b"late\n"}


def test_a_job_outlives_its_cloud_and_is_adopted_by_the_next(tmp_path, settings):
    script = "cd ${SAGEMAKER_BASE_DIR:-/opt/ml}; echo once >> model/m; while [ ! -e go ]; do sleep 0.05; done"
    first = Cloud(tmp_path / "root", settings)
    connect(first, "s3").create_bucket(Bucket="sagemaker-data")
    first.start()
    sagemaker = connect(first, "sagemaker")
    sagemaker.create_training_job(**request(algorithm={"ContainerEntrypoint": ["/bin/bash", "-c", script]}))
    (ml,) = until(lambda: [path.parents[1] for path in (tmp_path / "root/jobs").glob("*/algo-1/model/m")])
    first.stop()

    (ml / "go").touch()
    second = Cloud(tmp_path / "root", replace(settings, describe_hold_seconds=60))
    second.start()
    doc = described(connect(second, "sagemaker"))
    made = archived(connect(second, "s3"), "out/job/output/model.tar.gz")
    until(lambda: not ml.exists())
    second.stop()
    assert doc["TrainingJobStatus"] == "Completed" and made == {"m": b"once\n"}
