"""Batch transform: what containers are asked, and what is put together of their answers."""

import gzip
import http.server
import json
import re
import socketserver
import struct
import threading

import pytest
from conftest import connect
from endpoint_steps import Hosting, until
from services.sagemaker.acted import ROLE, keys
from services.sagemaker.test_training import refused
from services.sagemaker.trained import put

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


def test_objects_are_transformed_whole_each_into_one_beside_its_name(s3, cloud, transform, processes):
    put(s3, "in/a.csv", "in/sub/b.csv")
    doc, servers = transform(source=CSV | {}, target={"Accept": "text/plain"}, MaxPayloadInMB=2)

    assert doc["TransformJobStatus"] == "Completed", said(cloud)
    assert keys(s3, "out/") == ["out/a.csv.out", "out/sub/b.csv.out"]
    assert read(s3, "out/sub/b.csv.out") == b"IN/SUB/B.CSV"
    headers = servers[0].asked[0][1]
    assert (headers["Content-Type"], headers["Accept"]) == ("text/csv", "text/plain")
    assert doc["CreationTime"] < doc["TransformStartTime"] < doc["TransformEndTime"]
    assert doc["TransformInput"]["SplitType"] == doc["TransformOutput"]["AssembleWith"] == "None"
    assert said(cloud) == ["[sagemaker logs]: MaxConcurrentTransforms=1, MaxPayloadInMB=2, BatchStrategy=MULTI_RECORD"]
    assert not list((cloud.root / "jobs").iterdir()) and processes.launched == {}
    assert not list(cloud.world.sockets.glob("*algo*"))


def test_a_container_is_told_what_the_request_says_and_nothing_else(sagemaker, s3, steps, processes, model):
    put(s3, "in/a")
    sagemaker.create_transform_job(**request(Environment={"BOTH": "job"}))
    sagemaker.create_transform_job(
        **request("told", source={**LINE}, MaxPayloadInMB=5, MaxConcurrentTransforms=2, BatchStrategy="SingleRecord")
    )
    steps(3)
    launches = processes.launched.values()
    plain, told = sorted(launches, key=lambda launch: "SAGEMAKER_BATCH_STRATEGY" in launch.env)
    assert plain.env["SAGEMAKER_BATCH"] == "true" and "SAGEMAKER_BATCH_STRATEGY" not in plain.env
    assert (plain.env["OF_THE_MODEL"], plain.env["BOTH"]) == ("1", "job")
    assert told.env["SAGEMAKER_MAX_PAYLOAD_IN_MB"] == "5" and told.env["SAGEMAKER_BATCH_STRATEGY"] == "SINGLE_RECORD"
    assert told.env["SAGEMAKER_MAX_CONCURRENT_TRANSFORMS"] == "2"
    assert plain.frozen == ["/opt/ml/model"] and plain.argv[-2:] == ["skylab.images.serve", "sklearn"]


@pytest.mark.parametrize(
    "strategy, assembled, asked, made",
    [
        ("SingleRecord", "None", [b"a", b"b", b"c"], b"ABC"),
        ("SingleRecord", "Line", [b"a", b"b", b"c"], b"A\nB\nC\n"),
        ("MultiRecord", "None", [b"a\nb\nc"], b"A\nB\nC"),
        ("MultiRecord", "Line", [b"a\nb\nc"], b"A\nB\nC\n"),
    ],
)
def test_lines_go_alone_or_together_and_come_back_in_order(s3, transform, strategy, assembled, asked, made):
    write(s3, "in/x", b"a\nb\nc")
    doc, servers = transform(source={**LINE}, target={"AssembleWith": assembled}, BatchStrategy=strategy)
    assert doc["TransformJobStatus"] == "Completed"
    assert bodies(servers) == asked and read(s3, "out/x.out") == made


def test_a_payload_has_as_many_records_as_fit(s3, transform):
    line = b"x" * (400 * 1024 - 1) + b"\n"
    write(s3, "in/x", line * 5)
    doc, servers = transform(source={**LINE}, MaxPayloadInMB=1)
    assert [len(body) for body in bodies(servers)] == [2 * len(line), 2 * len(line), len(line)]
    assert read(s3, "out/x.out") == line.upper() * 5


def test_many_requests_at_a_time_and_the_order_stays(s3, transform):
    together, most = threading.Barrier(4, timeout=20), []

    def answer(body):
        most.append(together.wait())
        return 200, body + b";"

    write(s3, "in/x", b"".join(b"%d\n" % n for n in range(8)))
    transform(answer, source={**LINE}, BatchStrategy="SingleRecord", MaxConcurrentTransforms=4)
    assert read(s3, "out/x.out") == b"0;1;2;3;4;5;6;7;" and len(most) == 8


def test_objects_that_are_not_split_go_beside_each_other(s3, transform):
    together = threading.Barrier(3, timeout=20)

    def answer(body):
        together.wait()
        return upper(body)

    put(s3, "in/a", "in/b", "in/c")
    assert transform(answer, MaxConcurrentTransforms=3)[0]["TransformJobStatus"] == "Completed"


def test_the_container_may_say_how_it_wants_to_be_asked(s3, cloud, transform):
    write(s3, "in/x", b"a\nb\n")
    wishes = {"MaxConcurrentTransforms": 8, "BatchStrategy": "SINGLE_RECORD", "MaxPayloadInMB": 3}
    _, servers = transform(parameters=wishes, source={**LINE}, MaxPayloadInMB=2)
    assert sorted(bodies(servers)) == [b"a", b"b"]
    assert "MaxConcurrentTransforms=8, MaxPayloadInMB=2, BatchStrategy=SINGLE_RECORD" in said(cloud)[0]


def test_what_makes_no_sense_of_the_containers_wishes_is_passed_over(s3, cloud, transform):
    put(s3, "in/a")
    wishes = {"MaxConcurrentTransforms": "many", "BatchStrategy": 7, "MaxPayloadInMB": 1e300}
    assert transform(parameters=wishes)[0]["TransformJobStatus"] == "Completed"
    assert "MaxConcurrentTransforms=1, MaxPayloadInMB=100, BatchStrategy=SINGLE_RECORD" in said(cloud)[0]


def recordio(*contents, magic=0xCED7230A):
    frames = [struct.pack("<II", magic, len(each)) + each + b"\0" * (-len(each) % 4) for each in contents]
    return b"".join(frames)


def tfrecord(*contents):
    return b"".join(struct.pack("<QI", len(each), 0) + each + b"\0" * 4 for each in contents)


@pytest.mark.parametrize("split, wrapped", [("RecordIO", recordio), ("TFRecord", tfrecord)])
def test_binary_records_lose_their_wrapping_only_where_they_go_alone(s3, transform, split, wrapped):
    """CreateTransformJob: "padding is removed if the value of BatchStrategy is set to SingleRecord"."""
    write(s3, "in/x", wrapped(b"one", b"three"))
    _, alone = transform(source={"SplitType": split}, BatchStrategy="SingleRecord")
    _, together = transform(source={"SplitType": split}, BatchStrategy="MultiRecord", name="together")
    assert bodies(alone) == [b"one", b"three"] and bodies(together) == [wrapped(b"one", b"three")]


@pytest.mark.parametrize("split", ["RecordIO", "TFRecord"])
def test_data_of_another_format_fails(s3, cloud, transform, split):
    write(s3, "in/x", b"what is this?")
    doc, _ = transform(source={"SplitType": split})
    assert doc["FailureReason"] == "ClientError: See job logs for more information"
    assert said(cloud)[-1].endswith(f"sagemaker-data/in/x: ClientError: {FORMATS[split]}")


FORMATS = {"RecordIO": "The data is not in RecordIO format", "TFRecord": "Too much data for max payload size"}


def test_a_record_that_was_cut_at_the_magic_number_is_put_together(s3, transform):
    magic = struct.pack("<I", 0xCED7230A)
    parts = [struct.pack("<II", 0xCED7230A, flag << 29 | 4) + part for flag, part in ((1, b"abcd"), (3, b"efgh"))]
    write(s3, "in/x", b"".join(parts))
    _, servers = transform(source={"SplitType": "RecordIO"}, BatchStrategy="SingleRecord")
    assert bodies(servers) == [b"abcd" + magic + b"efgh"]


def test_compressed_objects_are_unpacked(s3, transform):
    write(s3, "in/x.gz", gzip.compress(b"a\nb\n"))
    _, servers = transform(source=LINE | {"CompressionType": "Gzip"})
    assert bodies(servers) == [b"a\nb\n"] and keys(s3, "out/") == ["out/x.gz.out"]


def test_a_payload_without_limit_is_streamed(s3, transform):
    write(s3, "in/x", b"a\nb\n" * 1_000_000)
    doc, servers = transform(MaxPayloadInMB=0)
    ((body, headers),) = servers[0].asked
    assert headers["Transfer-Encoding"] == "chunked" and len(body) == 4_000_000
    assert doc["TransformJobStatus"] == "Completed" and read(s3, "out/x.out") == body.upper()


def test_instances_share_the_objects(s3, transform):
    put(s3, "in/a", "in/b", "in/c")
    doc, servers = transform(count=2)
    assert [bodies([server]) for server in servers] == [[b"in/a", b"in/c"], [b"in/b"]]
    assert doc["TransformJobStatus"] == "Completed" and len(keys(s3, "out/")) == 3


def test_a_manifest_names_the_objects(s3, transform):
    put(s3, "in/a", "in/b")
    write(s3, "m.json", b'[{"prefix": "s3://sagemaker-data/in/"}, "b"]')
    transform(source={"uri": "s3://sagemaker-data/m.json", "where": {"S3DataType": "ManifestFile"}})
    assert keys(s3, "out/") == ["out/b.out"]


def test_outputs_are_encrypted_with_the_key_that_is_named(s3, cloud, transform):
    anybody = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "kms:*", "Resource": "*"}
    key = connect(cloud, "kms").create_key(Policy=json.dumps({"Statement": [anybody]}))["KeyMetadata"]["Arn"]
    put(s3, "in/a")
    doc, _ = transform(target={"KmsKeyId": key})
    assert doc["TransformJobStatus"] == "Completed", said(cloud)
    assert s3.head_object(Bucket="sagemaker-data", Key="out/a.out")["SSEKMSKeyId"] == key


# what goes wrong


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


# data processing


def rows(answer):
    """A container that answers each line, or each element, by a function."""
    return lambda body: (200, b"\n".join(answer(line) for line in body.splitlines()))


@pytest.mark.parametrize(
    "given, sent, kept",
    [
        ({"InputFilter": "$[1:]"}, b"2,3\n5,6", b"5\n11\n"),
        ({"InputFilter": "$[1:]", "JoinSource": "Input", "OutputFilter": "$[0,-1]"}, b"2,3\n5,6", b"1,5\n4,11\n"),
        ({"OutputFilter": "$[0]"}, b"1,2,3\n4,5,6", b"6\n15\n"),
    ],
)
def test_rows_are_filtered_joined_and_filtered_again(s3, transform, given, sent, kept):
    write(s3, "in/x", b"1,2,3\n4,5,6\n")
    total = rows(lambda line: b"%d" % sum(map(int, line.split(b","))))
    doc, servers = transform(total, source={**LINE}, target={"AssembleWith": "Line"}, DataProcessing=given)
    assert doc["TransformJobStatus"] == "Completed"
    assert bodies(servers) == [sent] and read(s3, "out/x.out") == kept


@pytest.mark.parametrize(
    "given, kept",
    [
        ({"JoinSource": "Input"}, {"id": 7, "features": [1, 2], "SageMakerOutput": {"sum": 3}}),
        (
            {"JoinSource": "Input", "OutputFilter": "$['id','SageMakerOutput']"},
            {"id": 7, "SageMakerOutput": {"sum": 3}},
        ),
    ],
)
def test_objects_of_json_lines_get_the_answer_as_a_member(s3, transform, given, kept):
    write(s3, "in/x", b'{"id": 7, "features": [1, 2]}\n' * 2)
    total = rows(lambda line: json.dumps({"sum": sum(json.loads(line))}).encode())
    source = {"SplitType": "Line", "ContentType": "application/jsonlines"}
    processing = {"InputFilter": "$.features"} | given
    _, servers = transform(total, source=source, target={"AssembleWith": "Line"}, DataProcessing=processing)
    assert bodies(servers) == [b"[1,2]\n[1,2]"]
    assert [json.loads(line) for line in read(s3, "out/x.out").splitlines()] == [kept, kept]


def test_what_is_no_object_goes_with_its_answer_into_one(s3, transform):
    write(s3, "in/x", b"[1,\n 2]")
    answer = {"DataProcessing": {"JoinSource": "Input"}, "source": {"ContentType": "application/json"}}
    transform(lambda body: (200, b'{"sum":\n 3}'), **answer)
    assert json.loads(read(s3, "out/x.out")) == {"SageMakerInput": [1, 2], "SageMakerOutput": {"sum": 3}}


@pytest.mark.parametrize(
    "processing, answer, line",
    [
        ({"JoinSource": "Input", "OutputFilter": "$[9]"}, b"1", "$[9] is not in the record"),
        ({"InputFilter": "$[0,9]"}, b"1", "$[0, 9] is not in the record"),
        ({"JoinSource": "Input"}, b"1\n2", "The algorithm gave 2 records for 1"),
        ({"JoinSource": "Input"}, b"\xff", "Failed to parse output from the algorithm as CSV"),
    ],
)
def test_what_does_not_fit_fails_the_object(s3, cloud, transform, processing, answer, line):
    write(s3, "in/x", b"1,2\n")
    doc, _ = transform(lambda body: (200, answer), source={**LINE}, DataProcessing=processing)
    assert doc["FailureReason"].startswith("ClientError: ") and said(cloud)[-1].endswith(f"ClientError: {line}")


# what is refused, and what is listed


REFUSED = [
    ({"DataCaptureConfig": {"DestinationS3Uri": "s3://b/"}}, "DataCaptureConfig is not offered"),
    ({"source": {"where": {"S3DataType": "AugmentedManifestFile"}}}, "S3DataType AugmentedManifestFile"),
    ({"MaxPayloadInMB": 101}, "cannot be greater than 100"),
    ({"MaxPayloadInMB": 51, "MaxConcurrentTransforms": 2}, "cannot exceed 100 MB"),
    ({"BatchStrategy": "MultiRecord"}, "needs a SplitType"),
    ({"DataProcessing": {"InputFilter": "$[1:]"}}, "DataProcessing needs CSV or JSON"),
    ({"source": LINE, "DataProcessing": {"InputFilter": "$..a"}}, "Invalid InputFilter"),
    ({"source": LINE, "DataProcessing": {"OutputFilter": "$[?@.a]"}}, "Invalid OutputFilter"),
    ({"source": LINE, "DataProcessing": {"InputFilter": "$["}}, "Invalid InputFilter"),
    (
        {"source": LINE, "target": {"Accept": "application/json"}, "DataProcessing": {"JoinSource": "Input"}},
        "of one format",
    ),
    ({"source": LINE, "MaxPayloadInMB": 0, "DataProcessing": {"JoinSource": "Input"}}, "other than 0"),
    ({"ModelName": "none"}, "Could not find model"),
    ({"target": {"S3OutputPath": "s3://nowhere-sagemaker/"}}, "nowhere-sagemaker does not exist"),
]


def test_what_has_no_effect_here_is_refused_by_name(sagemaker, model):
    for given, words in REFUSED:
        members = {name: dict(value) if isinstance(value, dict) else value for name, value in given.items()}
        code, text = refused(sagemaker.create_transform_job, **request(**members))
        assert code == "ValidationException" and words in text, (given, text)


def test_jobs_are_listed_and_tagged(sagemaker, s3, model):
    put(s3, "in/a")
    arn = sagemaker.create_transform_job(**request(Tags=[{"Key": "a", "Value": "b"}]))["TransformJobArn"]
    assert arn.endswith(":transform-job/job")
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "b"}]
    (line,) = sagemaker.list_transform_jobs()["TransformJobSummaries"]
    assert (line["TransformJobName"], line["TransformJobStatus"]) == ("job", "InProgress")
    assert refused(sagemaker.create_transform_job, **request())[0] == "ResourceInUse"
    assert refused(sagemaker.describe_transform_job, TransformJobName="x") == (
        "ValidationException",
        "Could not find requested job with name: x",
    )


# real containers

COUNTING = """
def model_fn(folder):
    return 1

def input_fn(body, content_type):
    return body.splitlines()

def predict_fn(lines, model):
    print("asked for", len(lines), flush=True)
    return lines

def output_fn(lines, accept):
    return "\\n".join(line.decode() if isinstance(line, bytes) else line for line in lines)
"""


def test_two_real_containers_share_the_objects(real_cloud):
    hosting = Hosting(real_cloud)
    hosting.model("m", COUNTING)
    s3, sagemaker = connect(real_cloud, "s3"), connect(real_cloud, "sagemaker")
    s3.create_bucket(Bucket="sagemaker-data")
    for name in ("a", "b", "c"):
        write(s3, f"in/{name}", f"{name}1\n{name}2\n".encode())
    sagemaker.create_transform_job(**request(count=2, source={**LINE}, target={"AssembleWith": "Line"}))
    while (doc := sagemaker.describe_transform_job(TransformJobName="job"))["TransformJobStatus"] == "InProgress":
        pass
    assert doc["TransformJobStatus"] == "Completed", doc.get("FailureReason")
    assert [read(s3, f"out/{name}.out") for name in ("a", "b", "c")] == [b"a1\na2\n", b"b1\nb2\n", b"c1\nc2\n"]
    logs = connect(real_cloud, "logs").filter_log_events(logGroupName="/aws/sagemaker/TransformJobs")["events"]
    assert sum("asked for 2" in event["message"] for event in logs) == 3


SLOW = """
import time

def model_fn(folder):
    return 1

def input_fn(body, content_type):
    return body

def predict_fn(body, model):
    print("asked", flush=True)
    time.sleep(0.1)
    return body

def output_fn(body, accept):
    return body
"""


def test_a_job_that_is_stopped_in_the_middle_asks_no_more(real_cloud):
    hosting = Hosting(real_cloud)
    hosting.model("m", SLOW)
    s3, sagemaker, logs = (connect(real_cloud, name) for name in ("s3", "sagemaker", "logs"))
    s3.create_bucket(Bucket="sagemaker-data")
    write(s3, "in/x", b"1\n" * 10_000)
    sagemaker.create_transform_job(**request(source={**LINE}, BatchStrategy="SingleRecord", MaxConcurrentTransforms=3))

    def asked():
        groups = [group["logGroupName"] for group in logs.describe_log_groups()["logGroups"]]
        return groups and logs.filter_log_events(logGroupName=groups[0], filterPattern="asked")["events"]

    until(asked)
    sagemaker.stop_transform_job(TransformJobName="job")
    while (doc := sagemaker.describe_transform_job(TransformJobName="job"))["TransformJobStatus"] == "Stopping":
        pass
    assert doc["TransformJobStatus"] == "Stopped" and keys(s3, "out/") == [] and len(asked()) < 5_000
