"""Channels as rows, in both modes, and the shards of several hosts put together."""

import json
import struct
import threading

import numpy
import pytest
from scipy.sparse import csr_matrix

from skylab.images.algorithms import channels, gathering
from skylab.images.algorithms.channels import Rows
from skylab.images.failures import ClientError
from skylab.images.folders import Folders

from .steps import records_of

ROWS = numpy.array([[1.0, 2.0], [3.0, 4.0]], dtype="float32")


def read(job, width=2, **members):
    config = json.loads((job.base / "input" / "config" / "inputdataconfig.json").read_text())
    config["train"] |= members
    job.config("inputdataconfig", config)
    return channels.read(Folders(job.base), "train", width)


def test_without_a_content_type_it_is_recordio(job):
    job.channels(train=records_of(ROWS, [0, 1]))

    rows = read(job)

    assert rows.features.tolist() == ROWS.tolist() and rows.labels.tolist() == [0, 1]


@pytest.mark.parametrize("content_type, labels", [("text/csv", [9, 8]), ("text/csv; label_size=0", None)])
def test_the_first_column_of_csv_is_the_label_unless_there_is_none(job, content_type, labels):
    first = ["9,", "8,"] if labels else ["", ""]
    job.channels(content_type, train=f"{first[0]}1,2\n{first[1]}3,4\n".encode())

    rows = read(job)

    assert rows.features.tolist() == ROWS.tolist()
    assert (None if rows.labels is None else rows.labels.tolist()) == labels


def test_a_pipe_is_read_as_a_file_is(job):
    job.channels("text/csv;label_size=0", train=b"")
    (job.base / "input" / "data" / "train_0").write_bytes(b"1,2\n3,4\n")
    assert read(job, TrainingInputMode="Pipe").features.tolist() == ROWS.tolist()

    wrapped = b"".join(struct.pack("<II", 0xCED7230A, 3) + part + b"\0" for part in (b"1,2", b"3,4"))
    (job.base / "input" / "data" / "train_0").write_bytes(wrapped)
    assert read(job, TrainingInputMode="Pipe", RecordWrapperType="RecordIO").features.tolist() == ROWS.tolist()


@pytest.mark.parametrize(
    "content_type, body, text",
    [
        ("text/csv", b"a,b,c\n", "Unable to read data channel 'train'. Requested content-type is 'text/csv'"),
        ("text/csv", b"1,2,3\n1,2\n", "Unable to read data channel"),
        ("text/csv", b"", "Unable to read data channel"),
        ("text/csv", b"1,,3\n", "has a value that is no number"),
        ("text/csv", b"1,2\n", "The hyperparameter feature_dim is 2, but the data of channel 'train' has 1 features"),
        ("text/csv;label_size=3", b"1,2,3,4\n", "label_size must be 0 or 1"),
        ("image/png", b"1", "Unsupported content-type specified"),
        (None, b"1,2,3\n", "Requested content-type is 'application/x-recordio-protobuf'"),
        (None, records_of(ROWS)[:-4], "is cut off"),
    ],
)
def test_what_cannot_be_read_is_the_users_fault(job, content_type, body, text):
    job.channels(content_type, train=body)

    with pytest.raises(ClientError, match=text.replace(".", r"\.").replace("(", r"\(")):
        read(job)


def test_the_first_host_gets_the_shards_of_the_others(monkeypatch):
    monkeypatch.setenv("SKYLAB_HOSTS", "algo-1=127.0.0.1,algo-2=127.0.0.1,algo-3=127.0.0.1")
    hosts = ["algo-1", "algo-2", "algo-3"]
    shards = {
        name: {"train": Rows(ROWS + number, numpy.array([number, number])), "test": Rows(csr_matrix(ROWS * number))}
        for number, name in enumerate(hosts)
    }
    others = [threading.Thread(target=gathering.collected, args=(hosts, name, shards[name])) for name in hosts[1:]]
    for other in others:
        other.start()

    joined = gathering.collected(hosts, "algo-1", shards["algo-1"])

    for other in others:
        other.join()
    assert joined["train"].labels.tolist() == [0, 0, 1, 1, 2, 2] and joined["test"].labels is None
    assert joined["train"].features.tolist() == numpy.concatenate([ROWS, ROWS + 1, ROWS + 2]).tolist()
    assert joined["test"].features.toarray().tolist() == numpy.concatenate([ROWS * 0, ROWS, ROWS * 2]).tolist()
