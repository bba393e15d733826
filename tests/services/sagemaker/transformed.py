"""Batch transform whose model containers are the test's: what they answer, what they were asked, what is made of it."""

import http.server
import json
import re
import socketserver
import struct
import threading

import pytest
from conftest import connect
from services.sagemaker.acted import ROLE

SKLEARN = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.2-1-cpu-py3"
WHOLE = 6


class Server(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
    """A model container: answers with what a function makes of a body, and remembers what it was asked."""

    daemon_threads = True

    def __init__(self, path, answer, parameters):
        self.answer, self.parameters, self.asked = answer, parameters, []
        super().__init__(str(path), Handler)
        threading.Thread(target=self.serve_forever, args=(0.01,), daemon=True).start()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version, wbufsize = "HTTP/1.1", -1

    def do_GET(self):
        if self.path == "/ping":
            return self._say(200, b"")
        parameters = self.server.parameters
        self._say(200 if parameters else 404, json.dumps(parameters).encode())

    def do_POST(self):
        body = self._body()
        self.server.asked.append((body, dict(self.headers)))
        self._say(*self.server.answer(body))

    def _body(self):
        if "Content-Length" in self.headers:
            return self.rfile.read(int(self.headers["Content-Length"]))
        parts = []
        while size := int(self.rfile.readline(), 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _say(self, status, body):
        if status is None:
            self.close_connection = True
            return
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def upper(body):
    return 200, body.upper()


@pytest.fixture
def model(sagemaker):
    container = {"Image": SKLEARN, "Environment": {"OF_THE_MODEL": "1", "BOTH": "model"}}
    sagemaker.create_model(ModelName="m", PrimaryContainer=container, ExecutionRoleArn=ROLE)


@pytest.fixture
def transform(sagemaker, processes, steps, model):
    """Makes a job, serves it until it has ended: its description, and its containers."""
    servers = []

    def transform(answer=upper, parameters=None, name="job", **members):
        sagemaker.create_transform_job(**request(name=name, **members))
        steps(3)
        made = serve(processes, answer, parameters)
        servers.extend(made)
        steps(WHOLE)
        return sagemaker.describe_transform_job(TransformJobName=name), made

    yield transform
    for server in servers:
        server.shutdown()
        server.server_close()


def serve(processes, answer=upper, parameters=None):
    hosts = sorted(processes.launched.items())
    return [Server(launch.env["SKYLAB_SERVE_SOCKET"], answer, parameters) for _, launch in hosts]


def request(name="job", count=1, source=None, target=None, **members):
    uri = (source or {}).pop("uri", "s3://sagemaker-data/in/")
    where = {"S3DataType": "S3Prefix", "S3Uri": uri} | (source or {}).pop("where", {})
    return {
        "TransformJobName": name,
        "ModelName": "m",
        "TransformInput": {"DataSource": {"S3DataSource": where}} | (source or {}),
        "TransformOutput": {"S3OutputPath": "s3://sagemaker-data/out"} | (target or {}),
        "TransformResources": {"InstanceType": "ml.m5.large", "InstanceCount": count},
    } | members


def read(s3, key):
    return s3.get_object(Bucket="sagemaker-data", Key=key)["Body"].read()


def write(s3, key, body):
    s3.put_object(Bucket="sagemaker-data", Key=key, Body=body)


def bodies(servers):
    return [body for server in servers for body, _ in server.asked]


def said(cloud):
    logs = connect(cloud, "logs")
    streams = logs.describe_log_streams(logGroupName="/aws/sagemaker/TransformJobs")["logStreams"]
    (name,) = [each["logStreamName"] for each in streams if each["logStreamName"].endswith("/data-log")]
    assert re.fullmatch(r"job/algo-1-\d+/data-log", name)
    events = logs.get_log_events(logGroupName="/aws/sagemaker/TransformJobs", logStreamName=name, startFromHead=True)
    return [event["message"] for event in events["events"]]


LINE, CSV = {"SplitType": "Line", "ContentType": "text/csv"}, {"ContentType": "text/csv"}


def recordio(*contents, magic=0xCED7230A):
    frames = [struct.pack("<II", magic, len(each)) + each + b"\0" * (-len(each) % 4) for each in contents]
    return b"".join(frames)


def tfrecord(*contents):
    return b"".join(struct.pack("<QI", len(each), 0) + each + b"\0" * 4 for each in contents)
