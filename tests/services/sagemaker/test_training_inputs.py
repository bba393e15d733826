"""What the program of a training job finds: its channels, its configuration and its environment."""

import json
from pathlib import Path

import pytest
from services.sagemaker.acted import REGION, channel, request
from services.sagemaker.trained import described, put, running

from skylab.services.sagemaker.jobs.staging import local_name


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
