import json

import pytest
from botocore.exceptions import ClientError
from endpoint_steps import SKLEARN, archive, until

from skylab.services.sagemaker.jobs import runtimes

STEP = """
import time

BORN = time.time()

def model_fn(folder):
    print("here", flush=True)
    return open(folder + "/name").read()

def transform_fn(model, body, content_type, accept, context):
    if "fail " + model in str(body):
        raise ValueError("no")
    said = f"{body if isinstance(body, str) else body.decode()}>{model}({content_type},{accept},{BORN})"
    return said, "text/" + model
"""


def chained(hosting, *names, mode=None, count=1, **more):
    for name in names:
        hosting.s3.put_object(Bucket="models", Key=f"{name}.tar.gz", Body=archive(name, STEP))
    containers = [
        {"Image": SKLEARN, "ModelDataUrl": f"s3://models/{name}.tar.gz", "ContainerHostname": name} for name in names
    ]
    how = {"InferenceExecutionConfig": {"Mode": mode}} if mode else {}
    hosting.sagemaker.create_model(ModelName="chain", Containers=containers, ExecutionRoleArn=hosting.role, **how)
    hosting.config("chain", ("A", "chain", count, 1))
    described = hosting.endpoint("chain", "chain")
    assert described["EndpointStatus"] == "InService", described
    return described


def ask(hosting, body="x", **more):
    answer = hosting.runtime.invoke_endpoint(
        EndpointName="chain", ContentType="text/plain", Accept="text/c", Body=body, **more
    )
    return answer["Body"].read().decode(), answer["ContentType"]


def test_each_answer_is_the_next_ones_request(hosting):
    described = chained(hosting, "a", "b", "c")
    assert len(described["ProductionVariants"][0]["DeployedImages"]) == 3

    said, content_type = ask(hosting)

    assert [part.partition(",")[0] for part in said.split(">")] == ["x", "a(text/plain", "b(text/a", "c(text/b"]
    assert content_type == "text/c"
    steps = [part.rstrip(")").split(",") for part in said.split(">")[1:]]
    assert [accept for _, accept, _ in steps] == ["application/json", "application/json", "text/c"]
    until(lambda: len(streams(hosting)) == 3)
    assert len({name.rpartition("/")[0] for name in streams(hosting)}) == 1, "of one instance"
    assert [name[-2:] for name in sorted(streams(hosting))] == ["/a", "/b", "/c"]


def streams(hosting):
    if not hosting.logs.describe_log_groups()["logGroups"]:
        return []
    found = hosting.logs.describe_log_streams(logGroupName="/aws/sagemaker/Endpoints/chain")["logStreams"]
    return [each["logStreamName"] for each in found]


def test_a_failure_names_its_container(hosting):
    chained(hosting, "a", "b")
    for name in ("a", "b"):
        with pytest.raises(ClientError) as failed:
            ask(hosting, f"fail {name}")
        assert f'Received server error (500) from {name} with message "ValueError: no"' in str(failed.value)
    with pytest.raises(ClientError, match="is not invoked directly"):
        ask(hosting, TargetContainerHostname="a")


def test_the_last_ones_answer_is_streamed(hosting):
    chained(hosting, "a", "b")
    answer = hosting.runtime.invoke_endpoint_with_response_stream(
        EndpointName="chain", Body=b"x", ContentType="text/plain"
    )
    said = b"".join(event["PayloadPart"]["Bytes"] for event in answer["Body"])
    assert said.startswith(b"x>a(text/plain,") and b">b(text/a," in said


def test_in_direct_mode_the_caller_names_the_container(hosting):
    chained(hosting, "a", "b", mode="Direct", count=2)
    assert ask(hosting, TargetContainerHostname="b")[0].startswith("x>b(text/plain,text/c,")
    assert len({ask(hosting, TargetContainerHostname="a")[0] for _ in range(4)}) == 2, "both instances"
    with pytest.raises(ClientError, match="TargetContainerHostname header is required"):
        ask(hosting)
    with pytest.raises(ClientError, match="Container c of endpoint chain not found"):
        ask(hosting, TargetContainerHostname="c")


def test_a_container_that_dies_takes_its_instance_out_of_the_way(hosting):
    chained(hosting, "a", "b", mode="Direct", count=2)
    processes = hosting.cloud.world.processes
    (victim,) = [f"{path.parent.name}/{path.name}" for path in processes.root.glob("*/0-1-1-0")]
    processes.stop(victim, hard=True)
    until(lambda: not processes.alive(victim))
    for _ in range(20):
        ask(hosting, TargetContainerHostname="a")
    until(lambda: len({ask(hosting, TargetContainerHostname="b")[0] for _ in range(4)}) == 2)


def test_containers_that_do_not_go_together_are_refused(hosting):
    one = {"Image": SKLEARN, "ModelDataUrl": "s3://models/a.tar.gz"}
    for containers, mode, words in (
        ([one | {"ContainerHostname": "a"}] * 2, "Serial", "a ContainerHostname of its own"),
        ([one], "Direct", "needs more than one container"),
        ([one, one], "Direct", "ContainerHostname must be given"),
        ([one, {"Image": SKLEARN, "Mode": "MultiModel"}], "Serial", "beside other containers is not offered"),
    ):
        with pytest.raises(ClientError, match=words):
            hosting.sagemaker.create_model(
                ModelName="m",
                Containers=containers,
                ExecutionRoleArn=hosting.role,
                InferenceExecutionConfig={"Mode": mode},
            )
    with pytest.raises(ClientError, match="less than or equal to 15"):
        hosting.sagemaker.create_model(ModelName="m", Containers=[one] * 16, ExecutionRoleArn=hosting.role)


OWN = '''
"""A container of somebody else: two models at most, and it says so as the contract does."""
import http.server, json, os, socketserver

MODELS = {}

class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def address_string(self):
        return "platform"

    def say(self, status, value=b""):
        self.send_response(status)
        self.send_header("Content-Length", str(len(value)))
        self.end_headers()
        self.wfile.write(value)

    def do_GET(self):
        shown = [{"modelName": name, "modelUrl": url} for name, url in MODELS.items()]
        self.say(200, json.dumps({"models": shown}).encode() if self.path == "/models" else b"")

    def do_DELETE(self):
        self.say(200 if MODELS.pop(self.path.split("/")[2], None) else 404)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/models":
            asked = json.loads(body)
            if asked["model_name"] in MODELS:
                return self.say(409)
            if len(MODELS) == 2:
                return self.say(507, b"full")
            MODELS[asked["model_name"]] = asked["url"]
            return self.say(200)
        url = MODELS[self.path.split("/")[2]]
        told = self.headers["X-Amzn-SageMaker-Target-Model"]
        self.say(200, json.dumps({"name": open(url + "/name").read(), "told": told, "held": len(MODELS)}).encode())

class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    daemon_threads = True

path = os.environ["SKYLAB_SERVE_SOCKET"]
assert os.environ["SAGEMAKER_MULTI_MODEL"] == "true"
server = Server(path + ".draft", Handler)
os.rename(path + ".draft", path)
server.serve_forever()
'''


def test_a_custom_container_keeps_the_multi_model_contract(hosting, monkeypatch):
    real = runtimes.resolve

    def resolve(uri, pull=None):
        found = real(SKLEARN)
        return runtimes.Runtime("own", "", "", found.train, [found.serve[0], "-c", OWN], env=found.env)

    monkeypatch.setattr(runtimes, "resolve", resolve)
    for name in ("a", "b", "c"):
        hosting.s3.put_object(Bucket="models", Key=f"own/{name}", Body=archive(name, STEP))
    container = {"Image": "mine:1", "Mode": "MultiModel", "ModelDataUrl": "s3://models/own"}
    hosting.sagemaker.create_model(ModelName="own", PrimaryContainer=container, ExecutionRoleArn=hosting.role)
    hosting.config("own", ("A", "own", 1, 1))
    assert hosting.endpoint("own", "own")["EndpointStatus"] == "InService"

    asked = [hosting.ask("own", {}, TargetModel=name) for name in ("a", "b", "c", "a")]

    assert asked == [
        {"name": "a", "told": "a", "held": 1},
        {"name": "b", "told": "b", "held": 2},
        {"name": "c", "told": "c", "held": 2},
        {"name": "a", "told": "a", "held": 2},
    ]
    hosting.cloud.services[-1].part["shelves"]._instances.clear()  # as after a restart of the cloud
    assert json.loads(json.dumps(hosting.ask("own", {}, TargetModel="c")))["held"] == 2
