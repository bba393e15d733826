"""Jobs of images of one's own, built here and pulled from ECR as the execution role."""

import io
import json
import os
import shutil
import tarfile

import pytest
from botocore.exceptions import ClientError
from conftest import connect
from services.sagemaker import transformed as transform
from services.sagemaker.acted import REGION, ROLE, channel

from skylab.compute.processes import LocalProcesses
from skylab.containers.builder import Builder, Terms
from skylab.containers.image import BASE, Image
from skylab.containers.layers import Layers

TRAIN = """#!/bin/sh
echo "from $PWD as $NAME: $(cat /opt/ml/code/hello) $(cat /opt/ml/input/data/train/x)"
cp /opt/ml/input/data/train/x /opt/ml/model/x
"""


class Site:
    """A real cloud, its registry, and where images are built."""

    def __init__(self, cloud, folder, based):
        self.cloud, self.folder = cloud, folder
        shutil.copytree(
            based / "layers", cloud.root / "images" / "layers", symlinks=True, dirs_exist_ok=True, copy_function=os.link
        )
        self.layers, self.ecr = Layers(cloud.root / "images"), connect(cloud, "ecr")
        self.s3, self.sagemaker = connect(cloud, "s3"), connect(cloud, "sagemaker")
        self.s3.create_bucket(Bucket="sagemaker-data")
        self.s3.put_object(Bucket="sagemaker-data", Key="train/x", Body=b"data")

    def build(self, dockerfile, known=lambda name: None, name="mine"):
        (self.folder / "Dockerfile").write_text(dockerfile)
        runs = LocalProcesses(self.cloud.root / "images" / "builds")
        terms = Terms(known, lambda line: None, {})
        image = Builder(self.layers, runs, terms).build(self.folder, self.folder / "Dockerfile")
        self.ecr.create_repository(repositoryName=name)
        manifest = image.manifest({layer: self.layers.size(layer) for layer in image.layers})
        self.ecr.put_image(repositoryName=name, imageManifest=manifest, imageTag="1")
        return f"000000000000.dkr.ecr.{REGION}.amazonaws.com/{name}:1"

    def train(self, image, **more):
        self.sagemaker.create_training_job(
            TrainingJobName="job",
            AlgorithmSpecification={"TrainingImage": image, "TrainingInputMode": "File"},
            RoleArn=ROLE,
            InputDataConfig=[channel()],
            OutputDataConfig={"S3OutputPath": "s3://sagemaker-data/out"},
            ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            StoppingCondition={"MaxRuntimeInSeconds": 60},
            **more,
        )
        while (doc := self.sagemaker.describe_training_job(TrainingJobName="job"))["TrainingJobStatus"] == "InProgress":
            pass
        assert doc["TrainingJobStatus"] == "Completed", doc.get("FailureReason")
        events = connect(self.cloud, "logs").filter_log_events(logGroupName="/aws/sagemaker/TrainingJobs")["events"]
        return [event["message"] for event in events]


@pytest.fixture
def site(real_cloud, tmp_path, based):
    folder = tmp_path / "context"
    folder.mkdir()
    return Site(real_cloud, folder, based)


def test_its_own_train_program_trains(site):
    (site.folder / "train").write_text(TRAIN)
    image = site.build(
        "FROM python:3.11\nENV NAME=mine PATH=/opt/program:$PATH\nWORKDIR /opt/program\nCOPY --chmod=755 train .\n"
        "RUN mkdir -p /opt/ml/code && echo hello > /opt/ml/code/hello"
    )

    assert site.train(image) == ["from /opt/program as mine: hello data"]

    body = site.s3.get_object(Bucket="sagemaker-data", Key="out/job/output/model.tar.gz")["Body"].read()
    with tarfile.open(fileobj=io.BytesIO(body)) as archive:
        assert archive.extractfile("x").read() == b"data"


def test_its_entrypoint_is_given_the_word_train(site):
    image = site.build('FROM python\nENTRYPOINT ["echo", "called with"]')

    assert site.train(image) == ["called with train"]


def test_one_that_begins_from_an_image_of_sagemakers_keeps_its_programs(site):
    """https://github.com/aws/sagemaker-training-toolkit: SAGEMAKER_PROGRAM names a script in /opt/ml/code."""
    (site.folder / "script.py").write_text("import sklearn, marker; print('trained with', sklearn.__name__, marker.X)")
    base = f"1.dkr.ecr.{REGION}.amazonaws.com/sagemaker-scikit-learn:1.2-1"
    below = Image(env={"PATH": "/usr/bin:/bin"}, labels={BASE: base})

    image = site.build(
        f"FROM {base}\nCOPY script.py /opt/ml/code/\nRUN echo X = 7 > /opt/ml/code/marker.py\n"
        "ENV SAGEMAKER_PROGRAM=script.py",
        known={base: below}.get,
    )

    assert "trained with sklearn 7" in site.train(image)


def test_an_image_that_nobody_built_is_refused_and_so_is_one_that_the_role_may_not_pull(site):
    with pytest.raises(ClientError, match="is not known here.*skylab image build"):
        site.train(f"000000000000.dkr.ecr.{REGION}.amazonaws.com/nothing:1")

    image = site.build("FROM python\nCMD train")
    iam = connect(site.cloud, "iam")
    deny = {"Effect": "Deny", "Action": "ecr:BatchGetImage", "Resource": "*"}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [deny]})
    iam.put_role_policy(RoleName=ROLE.rpartition("/")[2], PolicyName="no", PolicyDocument=policy)
    with pytest.raises(ClientError, match="Cannot access ECR image .*not authorized to perform: ecr:BatchGetImage"):
        site.train(image)


def test_a_processing_job_runs_its_entrypoint_and_command(site):
    image = site.build(
        'FROM python\nENTRYPOINT ["sh", "-c"]\nCMD ["cat /opt/ml/processing/in/x > /opt/ml/output/message"]'
    )
    where = {"S3Uri": "s3://sagemaker-data/train/", "LocalPath": "/opt/ml/processing/in", "S3DataType": "S3Prefix"}
    site.sagemaker.create_processing_job(
        ProcessingJobName="job",
        AppSpecification={"ImageUri": image},
        RoleArn=ROLE,
        ProcessingInputs=[{"InputName": "in", "S3Input": where | {"S3InputMode": "File"}}],
        ProcessingResources={"ClusterConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1}},
    )

    def doc():
        return site.sagemaker.describe_processing_job(ProcessingJobName="job")

    while (found := doc())["ProcessingJobStatus"] == "InProgress":
        pass
    assert (found["ProcessingJobStatus"], found.get("ExitMessage")) == ("Completed", "data"), found.get("FailureReason")


SERVE = """#!/usr/bin/env python3
import http.server, os

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.say(b"")

    def do_POST(self):
        self.say(self.rfile.read(int(self.headers["Content-Length"])) + os.environ["SAGEMAKER_BATCH"].encode())

    def say(self, body):
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

http.server.ThreadingHTTPServer(("0.0.0.0", 8080), Handler).serve_forever()
"""


def test_its_serve_program_is_asked_by_batch_transform(site):
    (site.folder / "serve").write_text(SERVE)
    image = site.build("FROM python:3.11\nENV PATH=/opt/program:$PATH\nCOPY --chmod=755 serve /opt/program/")
    site.sagemaker.create_model(ModelName="m", PrimaryContainer={"Image": image}, ExecutionRoleArn=ROLE)
    site.sagemaker.create_transform_job(**transform.request(source={"uri": "s3://sagemaker-data/train/"}))

    def doc():
        return site.sagemaker.describe_transform_job(TransformJobName="job")

    while (found := doc())["TransformJobStatus"] == "InProgress":
        pass
    assert found["TransformJobStatus"] == "Completed", found.get("FailureReason")
    assert transform.read(site.s3, "out/x.out") == b"datatrue"


ANSWER = """#!/usr/bin/env python
import http.server, os, urllib.request
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200); self.end_headers()
    def do_POST(self):
        asked = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.send_response(200); self.end_headers()
        self.wfile.write(f"{open('/opt/ml/model/x').read()} {asked}".encode())
http.server.ThreadingHTTPServer(("0.0.0.0", 8080), Handler).serve_forever()
"""


def test_its_own_serve_program_serves_on_port_8080_of_every_instance(site):
    (site.folder / "serve").write_text(ANSWER)
    (site.folder / "train").write_text(TRAIN)
    image = site.build(
        "FROM python\nENV PATH=/p:$PATH\nCOPY --chmod=755 serve train /p/\n"
        "RUN mkdir -p /opt/ml/code && touch /opt/ml/code/hello"
    )
    site.train(image)
    container = {"Image": image, "ModelDataUrl": "s3://sagemaker-data/out/job/output/model.tar.gz"}
    site.sagemaker.create_model(ModelName="m", PrimaryContainer=container, ExecutionRoleArn=ROLE)
    variant = {"VariantName": "v", "ModelName": "m", "InstanceType": "ml.m5.large", "InitialInstanceCount": 2}
    site.sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])

    site.sagemaker.create_endpoint(EndpointName="e", EndpointConfigName="c")

    while (doc := site.sagemaker.describe_endpoint(EndpointName="e"))["EndpointStatus"] == "Creating":
        pass
    assert doc["EndpointStatus"] == "InService", doc.get("FailureReason")
    runtime = connect(site.cloud, "sagemaker-runtime")
    for n in range(4):
        answer = runtime.invoke_endpoint(EndpointName="e", Body=f"asked {n}")
        assert answer["Body"].read() == f"data asked {n}".encode()
    site.sagemaker.delete_endpoint(EndpointName="e")
