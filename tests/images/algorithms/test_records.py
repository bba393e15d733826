"""RecordIO and its protobuf records: what the SDK writes is read, what is hostile is refused, what we write is read."""

import struct
import subprocess
from pathlib import Path

import numpy
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from skylab.images.algorithms import arrays, channels, recordio, records, uniform

from .steps import records_of

SDK = Path(__file__).parents[3] / ".venvs" / "sdk2" / "bin" / "python"
ROWS = [[1.5, -2.0], [3.0, 4.25]]
FROM_THE_SDK = {  # what sdk_records.py printed
    "float32": "0a23d7ce2c0000000a160a0676616c756573120c120a0a080000c03f000000c0"
    "12120a0676616c756573120812060a0400000000"
    "0a23d7ce2c0000000a160a0676616c756573120c120a0a08000040400000884012120a0676616c756573120812060a040000803f",
    "int32": "0a23d7ce2c0000000a190a0676616c756573120f3a0d0a0b01feffffffffffffffff01120f0a0676616c75657312053a030a"
    "01000a23d7ce2e0000000a120a0676616c75657312083a060a04f0a2040012180a0676616c756573120e3a0c0a0affffffff"
    "ffffffffff010000",
    "sparse": "0a23d7ce370000000a1d0a0676616c75657312131a110a08000000000000f83f1201011a02900312160a0676616c75657312"
    "0c1a0a0a08000000000000f03f000a23d7ce2a0000000a100a0676616c75657312061a041a02900312160a0676616c756573"
    "120c1a0a0a08000000000000000000000a23d7ce410000000a270a0676616c756573121d1a1b0a1000000000000000400000"
    "000000000840120300ac021a02900312160a0676616c756573120c1a0a0a080000000000000040000000",
}


def rows_of(text):
    return channels.of_records([records.read(each) for each in recordio.read(bytes.fromhex(text))])


def test_what_the_sdk_writes_is_read():
    dense, whole, sparse = (rows_of(text) for text in FROM_THE_SDK.values())

    assert dense.features.tolist() == ROWS and dense.labels.tolist() == [0, 1]
    assert whole.features.tolist() == [[1, -2], [70000, 0]] and whole.labels.tolist() == [0, -1]
    assert sparse.sparse and sparse.features.shape == (3, 400) and sparse.labels.tolist() == [1, 0, 2]
    assert {(r, c): v for r, c, v in zip(*sparse.features.nonzero(), sparse.features.data, strict=True)} == {
        (0, 1): 1.5,
        (2, 0): 2.0,
        (2, 300): 3.0,
    }


@pytest.mark.slow
def test_what_this_sdk_writes_today_is_read():
    if not SDK.exists():
        pytest.skip(f"{SDK} is missing: make .venvs/sdk2/stamp")
    env = {"AWS_DEFAULT_REGION": "us-east-1", "HOME": "/nonexistent"}
    done = subprocess.run([SDK, Path(__file__).with_name("sdk_records.py")], env=env, capture_output=True, text=True)
    written = dict(line.split() for line in done.stdout.splitlines() if line.startswith(("float", "int", "sparse")))

    assert rows_of(written["float64"]).features.tolist() == ROWS
    for kind, text in FROM_THE_SDK.items():
        assert written[kind] == text


@settings(deadline=None)
@given(st.lists(st.binary(max_size=40)))
def test_recordio_gives_back_what_was_put_in(payloads):
    assert list(recordio.read(recordio.written(payloads))) == payloads


def test_a_record_in_parts_gets_the_magic_number_back_between_them():
    def part(kind, body):
        return struct.pack("<II", recordio.MAGIC, kind << 29 | len(body)) + body + bytes(-len(body) % 4)

    data = part(1, b"abcd") + part(2, b"efgh") + part(3, b"ij") + part(0, b"k")

    magic = struct.pack("<I", recordio.MAGIC)
    assert list(recordio.read(data)) == [b"abcd" + magic + b"efgh" + magic + b"ij", b"k"]


@settings(deadline=None)
@given(st.binary(max_size=300))
def test_any_bytes_are_records_or_refused(data):
    for read in (records.read, lambda body: list(recordio.read(body)), arrays.read):
        try:
            read(data)
        except ValueError:
            pass


@settings(deadline=None)
@given(st.sampled_from(list(FROM_THE_SDK)), st.integers(0, 400), st.binary(min_size=1, max_size=4))
def test_a_file_with_a_few_bytes_changed_is_read_or_refused(kind, at, change):
    data = bytes.fromhex(FROM_THE_SDK[kind])
    at %= len(data)
    try:
        rows_of((data[:at] + change + data[at + len(change) :]).hex())
    except ValueError:
        pass


def test_an_answer_is_a_record_that_can_be_read():
    record = records.read(records.written({"score": [0.25, 0.75] * 40, "predicted_label": [1]}))

    assert record.label["score"].values.tolist() == [0.25, 0.75] * 40
    assert record.label["predicted_label"].values.tolist() == [1] and record.features == {}


def test_arrays_are_laid_out_as_mxnet_does():
    matrix = numpy.arange(6, dtype="<f4").reshape(2, 3)
    data = arrays.written({"arg:w": matrix})

    head = struct.pack("<QQQ", 0x112, 0, 1) + struct.pack("<IiIqqiii", 0xF993FAC9, 0, 2, 2, 3, 1, 0, 0)
    assert data == head + matrix.tobytes() + struct.pack("<QQ", 1, 5) + b"arg:w"
    assert arrays.read(data)["arg:w"].tolist() == matrix.tolist()
    assert list(arrays.read(arrays.written({"": matrix}))) == ["0"]


@pytest.mark.parametrize("labels", [None, [0.0, 1.0]])
def test_records_that_are_alike_are_read_at_once_and_come_to_the_same(labels):
    body = records_of(numpy.array(ROWS), labels)
    features, read = uniform.read(body)
    one_by_one = channels.of_records([records.read(each) for each in recordio.read(body)])

    assert features.tolist() == one_by_one.features.tolist() == ROWS
    assert (read is None) == (labels is None) and (labels is None or read.tolist() == labels)


@pytest.mark.parametrize(
    "body",
    [
        records_of(numpy.array(ROWS), [0, 1]) + records_of(numpy.ones((1, 3)), [1]),
        records_of(numpy.array(ROWS), [0, 1])[:-1] + b"\x01\x02",
        bytes.fromhex(FROM_THE_SDK["int32"]),
        bytes.fromhex(FROM_THE_SDK["sparse"]),
        b"",
    ],
)
def test_records_that_differ_are_left_to_the_slow_way(body):
    assert uniform.read(body) is None


@settings(deadline=None)
@given(st.integers(0, 200), st.binary(min_size=1, max_size=4))
def test_a_changed_byte_is_read_alike_in_both_ways(at, change):
    data = records_of(numpy.array(ROWS), [0, 1])
    at %= len(data)
    data = data[:at] + change + data[at + len(change) :]
    try:
        slow = channels.of_records([records.read(each) for each in recordio.read(data)])
    except ValueError:
        return
    if (quick := uniform.read(data)) is not None:
        assert numpy.array_equal(quick[0], slow.features, equal_nan=True)
        assert numpy.array_equal(quick[1], slow.labels, equal_nan=True)


def test_a_wide_hostile_row_takes_no_memory():
    body = recordio.written([b"\x0a\x18\x0a\x06values\x12\x0e\x12\x0c\x0a\x04\x00\x00\x80\x3f\x12\x01\x01\x1a\x01\x02"])
    assert channels.of_records([records.read(each) for each in recordio.read(body)]).features.shape == (1, 2)
    with pytest.raises(ValueError, match="31 bits"):
        records._places([1], 1, [1 << 40])
