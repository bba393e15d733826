"""What tests of endpoints have in common: a small model, and the steps to serve it."""

import io
import json
import tarfile
import threading
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

    def config(self, name, *variants, **more):
        """variants: (name, model, instances, weight)"""
        given = [variant_of(*each) for each in variants]
        self.sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=given, **more)

    def endpoint(self, name, config):
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=config)
        return self.settled(name)

    def settled(self, name):
        def look():
            found = self.sagemaker.describe_endpoint(EndpointName=name)
            return found if found["EndpointStatus"] not in ("Creating", "Updating", "RollingBack") else None

        return until(look)

    def ask(self, name, request=None, **more):
        answer = self.runtime.invoke_endpoint(
            EndpointName=name, ContentType="application/json", Body=json.dumps(request or {}), **more
        )
        return json.loads(answer["Body"].read())

    def doc(self, name):
        """What Describe would say at once: it holds its answer while something is under way."""
        key = self.cloud.account.credentials()
        with self.cloud.store.reading() as tx:
            (doc,) = [each for each in tx.all("000000000000", key["Region"], "sagemaker", "endpoint", name)]
        return doc


def variant_of(name, model, count=1, weight=1, **more):
    return {
        "VariantName": name,
        "ModelName": model,
        "InitialInstanceCount": count,
        "InstanceType": "ml.m5.large",
        "InitialVariantWeight": weight,
    } | more


class Load:
    """Callers that ask without a pause; what they were answered, and what failed."""

    def __init__(self, ask, callers=3):
        self.answers, self.failures, self._ending = [], [], False
        self._threads = [threading.Thread(target=self._run, args=(ask,), daemon=True) for _ in range(callers)]

    def _run(self, ask):
        while not self._ending:
            try:
                self.answers.append(ask())
            except Exception as failure:
                self.failures.append(failure)

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        until(lambda: self.answers or self.failures)
        return self

    def __exit__(self, *_):
        self._ending = True
        for thread in self._threads:
            thread.join(30)


@pytest.fixture
def hosting(real_cloud):
    """Endpoints of one real cloud, all deleted in the end: their processes would outlive it."""
    hosting = Hosting(real_cloud)
    yield hosting
    for endpoint in hosting.sagemaker.list_endpoints()["Endpoints"]:
        if hosting.settled(endpoint["EndpointName"])["EndpointStatus"] != "Deleting":
            hosting.sagemaker.delete_endpoint(EndpointName=endpoint["EndpointName"])
    until(lambda: not hosting.sagemaker.list_endpoints()["Endpoints"])
