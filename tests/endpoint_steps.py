"""What tests of endpoints have in common: a small model, and the steps to serve it."""

import io
import json
import tarfile
import time

import pytest
from conftest import connect

SKLEARN = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
ECHO = """
import json, os, time

BORN = time.time()

def model_fn(folder):
    if os.environ.get("BROKEN"):
        raise RuntimeError("this model cannot be loaded")
    return open(folder + "/name").read()

def input_fn(body, content_type):
    return json.loads(body)

def predict_fn(data, model):
    if data.get("die"):
        os._exit(3)
    if data.get("sleep"):
        time.sleep(data["sleep"])
    if data.get("fail"):
        raise ValueError(data["fail"])
    return {"model": model, "pid": os.getpid(), "born": BORN, "sent": data, "secret": os.environ.get("SECRET"),
            "aws": [name for name in os.environ if name.startswith("AWS_")]}

def output_fn(prediction, accept):
    return json.dumps(prediction)
"""


def until(condition, seconds=30):
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, "it did not happen"
        time.sleep(0.02)
    return found


def archive(name, code=ECHO):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for path, text in {"name": name, "code/inference.py": code}.items():
            info = tarfile.TarInfo(path)
            info.size = len(text)
            tar.addfile(info, io.BytesIO(text.encode()))
    return out.getvalue()


class Hosting:
    """Clients of one cloud, and the few steps that every test takes."""

    def __init__(self, cloud):
        self.cloud = cloud
        self.sagemaker, self.runtime = connect(cloud, "sagemaker"), connect(cloud, "sagemaker-runtime")
        self.s3, self.logs = connect(cloud, "s3"), connect(cloud, "logs")
        trust = {"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}
        iam = connect(cloud, "iam")
        made = iam.create_role(
            RoleName="Hosting", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trust]})
        )
        self.role = made["Role"]["Arn"]
        iam.attach_role_policy(RoleName="Hosting", PolicyArn="arn:aws:iam::aws:policy/AmazonS3FullAccess")
        self.s3.create_bucket(Bucket="models")

    def model(self, name, code=ECHO, image=SKLEARN, **environment):
        self.s3.put_object(Bucket="models", Key=f"{name}.tar.gz", Body=archive(name, code))
        return self.bare_model(name, f"s3://models/{name}.tar.gz", image, **environment)

    def bare_model(self, name, url, image=SKLEARN, **environment):
        container = {"Image": image, "ModelDataUrl": url, "Environment": environment}
        self.sagemaker.create_model(ModelName=name, PrimaryContainer=container, ExecutionRoleArn=self.role)

    def config(self, name, *variants):
        """variants: (name, model, instances, weight)"""
        self.sagemaker.create_endpoint_config(
            EndpointConfigName=name,
            ProductionVariants=[
                {
                    "VariantName": variant,
                    "ModelName": model,
                    "InitialInstanceCount": count,
                    "InstanceType": "ml.m5.large",
                    "InitialVariantWeight": weight,
                }
                for variant, model, count, weight in variants
            ],
        )

    def endpoint(self, name, config):
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
        return self.settled(name)

    def settled(self, name):
        def look():
            found = self.sagemaker.describe_endpoint(EndpointName=name)
            return found if found["EndpointStatus"] not in ("Creating", "Updating") else None

        return until(look)

    def ask(self, name, request=None, **more):
        answer = self.runtime.invoke_endpoint(
            EndpointName=name, ContentType="application/json", Body=json.dumps(request or {}), **more
        )
        return json.loads(answer["Body"].read())


@pytest.fixture
def hosting(real_cloud):
    """Endpoints of one real cloud, all deleted in the end: their processes would outlive it."""
    hosting = Hosting(real_cloud)
    yield hosting
    for endpoint in hosting.sagemaker.list_endpoints()["Endpoints"]:
        if hosting.settled(endpoint["EndpointName"])["EndpointStatus"] != "Deleting":
            hosting.sagemaker.delete_endpoint(EndpointName=endpoint["EndpointName"])
    until(lambda: not hosting.sagemaker.list_endpoints()["Endpoints"])
