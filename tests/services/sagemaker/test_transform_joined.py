"""Data processing of batch transform: what is sent of a record, and what its answer is joined with."""

import json

import pytest
from services.sagemaker.transformed import LINE, bodies, read, said, write


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
