"""What is delivered of what a training job leaves behind: its model, its output and its checkpoints."""

import json
from pathlib import Path

from conftest import connect
from services.sagemaker.acted import keys
from services.sagemaker.trained import WHOLE, archived, described, put, running

from skylab.account import EXECUTION


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
