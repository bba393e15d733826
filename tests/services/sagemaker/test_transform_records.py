"""Records of batch transform: how objects are cut into them, sent, and put together of the answers."""

import struct
import threading

import pytest
from services.sagemaker.transformed import LINE, bodies, read, recordio, said, tfrecord, write


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
