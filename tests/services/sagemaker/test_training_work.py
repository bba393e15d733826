"""What a job does to the world: what its program finds, and what becomes of what it leaves behind."""

import io
import json
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest
from compute.programs import until
from conftest import connect
from services.sagemaker.acted import REGION, channel, keys, request

from skylab.account import EXECUTION
from skylab.cloud import Cloud
from skylab.compute.processes import Ending
from skylab.services.sagemaker.jobs.staging import local_name

WHOLE = 6  # steps from the end of the last process to the end of the task


def described(sagemaker, name="job"):
    return sagemaker.describe_training_job(TrainingJobName=name)


def running(sagemaker, steps, **members):
    sagemaker.create_training_job(**request(**members))
    steps(3)


def statuses(doc):
    return [change["Status"] for change in doc["SecondaryStatusTransitions"]]


def archived(s3, key):
    body = s3.get_object(Bucket="sagemaker-data", Key=key)["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as archive:
        return {member.name: archive.extractfile(member).read() for member in archive if member.isfile()}


def put(s3, *names):
    for name in names:
        s3.put_object(Bucket="sagemaker-data", Key=name, Body=name.encode())


def found(processes, name="train", host="algo-1"):
    folder = processes.ml(host) / "input/data" / name
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


@pytest.mark.parametrize(
    "key, prefix, name",
    [
        ("p/x/y", "p/", "x/y"),
        ("p/x", "p", "x"),
        ("p/train.csv", "p/train.csv", "train.csv"),
        ("a/pref1.csv", "a/pref", "pref1.csv"),
        ("pref1.csv", "pref", "pref1.csv"),
        ("a/b", "", "a/b"),
    ],
)
def test_a_prefix_is_a_string_that_names_are_cut_by(key, prefix, name):
    assert local_name(key, prefix) == name


def test_a_program_finds_its_channels_and_configuration(sagemaker, s3, processes, steps):
    put(s3, "train/a.csv", "train/sub/b.csv", "train/empty/", "other.csv")
    running(
        sagemaker,
        steps,
        HyperParameters={"eta": "0.1"},
        Environment={"MINE": "1"},
        InputDataConfig=[channel(ContentType="text/csv"), channel("test", "s3://sagemaker-data/other.csv")],
    )
    assert found(processes) == ["a.csv", "sub/b.csv"] and found(processes, "test") == ["other.csv"]
    config = {p.stem: json.loads(p.read_text()) for p in (processes.ml() / "input/config").iterdir()}
    assert config["hyperparameters"] == {"eta": "0.1"}
    assert config["inputdataconfig"]["train"] == {
        "ContentType": "text/csv",
        "TrainingInputMode": "File",
        "S3DistributionType": "FullyReplicated",
        "RecordWrapperType": "None",
    }
    assert config["resourceconfig"]["hosts"] == ["algo-1"]
    assert config["resourceconfig"]["network_interface_name"] == "lo"
    assert "checkpointconfig" not in config
    launch = processes.launched[processes.one()]
    assert launch.argv[-2:] == ["skylab.images.train", "xgboost"] and launch.hostname == "algo-1"
    assert (launch.cpus, launch.memory) == (2, 8 * 2**30)
    assert launch.env["MINE"] == "1" and launch.env["TRAINING_JOB_NAME"] == "job"
    assert launch.env["AWS_REGION"] == REGION and len(launch.env["AWS_CONTAINER_AUTHORIZATION_TOKEN"]) >= 32


def test_an_isolated_program_is_told_nothing_of_aws(sagemaker, processes, steps):
    running(sagemaker, steps, EnableNetworkIsolation=True)
    launch = processes.launched[processes.one()]
    assert launch.isolated and not [name for name in launch.env if name.startswith("AWS_")]


def test_an_entrypoint_of_the_request_goes_before_the_images(sagemaker, processes, steps):
    override = {"ContainerEntrypoint": ["/bin/bash", "-c"], "ContainerArguments": ["exit 3"]}
    running(sagemaker, steps, algorithm=override)
    assert processes.launched[processes.one()].argv == ["/bin/bash", "-c", "exit 3"]


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


def test_sharded_objects_are_dealt_out_to_the_hosts(sagemaker, s3, processes, steps):
    put(s3, *(f"train/{n}" for n in range(5)))
    two = {"InstanceCount": 2, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5}
    dealt = channel(source={"S3DataDistributionType": "ShardedByS3Key"})
    running(sagemaker, steps, ResourceConfig=two, InputDataConfig=[dealt])
    assert found(processes, host="algo-1") == ["0", "2", "4"] and found(processes, host="algo-2") == ["1", "3"]
    hosts = processes.launched[processes.one()].hosts
    assert sorted(hosts) == ["algo-1", "algo-2"] and len(set(hosts.values())) == 2


def test_a_manifest_names_the_objects_of_a_channel(sagemaker, s3, processes, steps):
    put(s3, "train/a", "train/sub/b", "train/c")
    s3.put_object(
        Bucket="sagemaker-data", Key="m", Body=json.dumps([{"prefix": "s3://sagemaker-data/train/"}, "sub/b", "c"])
    )
    running(
        sagemaker, steps, InputDataConfig=[channel(uri="s3://sagemaker-data/m", source={"S3DataType": "ManifestFile"})]
    )
    assert found(processes) == ["c", "sub/b"]


def test_a_piped_channel_is_streamed_in_the_order_of_its_listing(sagemaker, s3, processes, steps):
    put(s3, "train/b", "train/a")
    piped = channel(InputMode="Pipe", RecordWrapperType="RecordIO", ShuffleConfig={"Seed": 3})
    running(sagemaker, steps, InputDataConfig=[piped])
    (pipe,) = processes.launched[processes.one()].pipes
    assert (pipe.path, pipe.recordio, pipe.shuffle_seed) == ("/opt/ml/input/data/train", True, 3)
    assert [Path(path).read_text() for path in pipe.source] == ["train/a", "train/b"]


@pytest.mark.parametrize(
    "prepare, uri, words",
    [
        (
            lambda s3: None,
            "s3://sagemaker-data/nothing/",
            'No S3 objects found under S3 URL "s3://sagemaker-data/nothing/"',
        ),
        (lambda s3: put(s3, "e/a", "e/a/b"), "s3://sagemaker-data/e/", "both a file and a folder"),
        (lambda s3: put(s3, "e/../../../x"), "s3://sagemaker-data/e/", "does not name a file of its channel"),
    ],
)
def test_data_that_cannot_be_had_fails_the_job(sagemaker, s3, processes, steps, prepare, uri, words):
    prepare(s3)
    running(sagemaker, steps, InputDataConfig=[channel(uri=uri)])
    doc = described(sagemaker)
    assert doc["TrainingJobStatus"] == "Failed" and processes.launched == {}
    assert doc["FailureReason"].startswith("ClientError: Data download failed: ") and words in doc["FailureReason"]


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


def test_uncompressed_output_is_objects_and_links_are_not_followed(sagemaker, s3, processes, steps):
    output = {"S3OutputPath": "s3://sagemaker-data/out", "CompressionType": "NONE"}
    running(sagemaker, steps, OutputDataConfig=output)
    (processes.ml() / "model/a").mkdir()
    (processes.ml() / "model/a/b").write_text("b")
    (processes.ml() / "model/passwd").symlink_to("/etc/passwd")
    processes.end(0)
    steps(WHOLE)
    assert described(sagemaker)["ModelArtifacts"]["S3ModelArtifacts"] == "s3://sagemaker-data/out/job/output/model/"
    assert keys(s3, "out/") == ["out/job/output/model/a/b"]


def test_a_folder_that_became_a_link_is_not_delivered(sagemaker, s3, processes, steps, tmp_path):
    running(sagemaker, steps)
    (tmp_path / "private").mkdir()
    (tmp_path / "private/key").write_text("secret")
    (processes.ml() / "model").rmdir()
    (processes.ml() / "model").symlink_to(tmp_path / "private")
    (processes.ml() / "output/failure").symlink_to(tmp_path / "private/key")
    processes.end(0)
    steps(WHOLE)
    assert archived(s3, "out/job/output/model.tar.gz") == {}


def test_checkpoints_are_below_opt_ml_however_their_path_is_written(sagemaker, s3, processes, steps):
    """Two slashes once made an absolute path of the machine of it."""
    config = {"S3Uri": "s3://data/kept", "LocalPath": "/opt/ml//tmp/skylab-checkpoints"}

    running(sagemaker, steps, CheckpointConfig=config)

    assert (processes.ml() / "tmp/skylab-checkpoints").is_dir() and not Path("/tmp/skylab-checkpoints").exists()


def test_what_one_job_installs_no_other_runs(cloud, sagemaker, processes, steps):
    """Its own environments are in its home; those that it shares it only reads."""
    for name in ("first", "second"):
        sagemaker.create_training_job(**request(TrainingJobName=name))
    steps(6)

    caches = {launch.env["SKYLAB_CACHE"] for launch in processes.launched.values()}
    assert len(caches) == 2
    for launch in processes.launched.values():
        assert launch.env["SKYLAB_CACHE"].startswith(launch.writes[0] + "/")
        assert launch.reads == [str(cloud.environments.ready)]
        assert not [path for path in (*launch.writes, launch.root) if cloud.environments.ready.is_relative_to(path)]


def test_a_model_that_cannot_be_uploaded_fails_the_job(sagemaker, s3, processes, steps):
    running(sagemaker, steps)
    s3.delete_bucket(Bucket="sagemaker-data")
    processes.end(0)
    steps(WHOLE)
    doc = described(sagemaker)
    assert doc["TrainingJobStatus"] == "Failed" and "ModelArtifacts" not in doc
    assert doc["FailureReason"].startswith("ClientError: Artifact upload failed: ")


def test_a_role_that_is_gone_when_the_model_is_to_be_uploaded_fails_the_job(cloud, sagemaker, processes, steps):
    running(sagemaker, steps)
    iam = connect(cloud, "iam")
    nobody = {"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}
    trust = json.dumps({"Version": "2012-10-17", "Statement": [nobody]})
    iam.update_assume_role_policy(RoleName=EXECUTION, PolicyDocument=trust)
    processes.end(0)
    steps(WHOLE)
    doc = described(sagemaker)
    assert doc["TrainingJobStatus"] == "Failed" and "Could not assume role" in doc["FailureReason"]


def test_output_is_encrypted_with_the_key_of_the_request_if_the_role_may_use_it(cloud, sagemaker, s3, processes, steps):
    key = connect(cloud, "kms").create_key()["KeyMetadata"]["Arn"]
    output = {"S3OutputPath": "s3://sagemaker-data/out", "KmsKeyId": key}
    running(sagemaker, steps, TrainingJobName="denied", OutputDataConfig=output)
    processes.end(0)
    steps(WHOLE)
    assert "not authorized to perform: kms:GenerateDataKey" in described(sagemaker, "denied")["FailureReason"]

    uses = {"Effect": "Allow", "Action": ["kms:GenerateDataKey", "kms:Decrypt"], "Resource": key}
    document = json.dumps({"Version": "2012-10-17", "Statement": [uses]})
    connect(cloud, "iam").put_role_policy(RoleName=EXECUTION, PolicyName="key", PolicyDocument=document)
    running(sagemaker, steps, OutputDataConfig=output)
    processes.end(0)
    steps(WHOLE)
    assert described(sagemaker)["TrainingJobStatus"] == "Completed"
    assert s3.head_object(Bucket="sagemaker-data", Key="out/job/output/model.tar.gz")["SSEKMSKeyId"] == key


def test_checkpoints_go_in_and_come_out_while_it_runs(sagemaker, s3, processes, steps):
    put(s3, "kept/1.pt")
    running(sagemaker, steps, CheckpointConfig={"S3Uri": "s3://sagemaker-data/kept"})
    folder = processes.ml() / "checkpoints"
    assert (folder / "1.pt").read_text() == "kept/1.pt"
    (folder / "2.pt").write_text("two")
    steps(2, seconds=6)
    assert keys(s3, "kept/") == ["kept/1.pt", "kept/2.pt"]
    (folder / "3.pt").write_text("three")
    processes.end(1)
    steps(WHOLE)
    assert keys(s3, "kept/") == ["kept/1.pt", "kept/2.pt", "kept/3.pt"]


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


def ended(cloud, **members):
    """A real job to its end; each Describe is held."""
    sagemaker = connect(cloud, "sagemaker")
    sagemaker.create_training_job(**request(**members))
    while (doc := described(sagemaker))["TrainingJobStatus"] in ("InProgress", "Stopping"):
        pass
    return doc


@pytest.fixture
def data(real_cloud):
    s3 = connect(real_cloud, "s3")
    s3.create_bucket(Bucket="sagemaker-data")
    return s3


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
