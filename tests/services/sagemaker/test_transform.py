"""Batch transform: what containers are asked of the objects, where their answers go, and what is refused."""

import gzip
import json
import threading

from conftest import connect
from services.sagemaker.acted import keys
from services.sagemaker.test_training import refused
from services.sagemaker.trained import put
from services.sagemaker.transformed import CSV, LINE, bodies, read, request, said, upper, write


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
