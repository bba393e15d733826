"""Objects cut into records, with no more of them in memory than a payload."""

import io

import pytest
from services.sagemaker.transformed import recordio, tfrecord

from skylab.services.sagemaker.transform.joining import BadData
from skylab.services.sagemaker.transform.splitting import batches, records

LIMIT = 64 * 1024


class Endless(io.RawIOBase):
    """The same again and again, and how far it was read."""

    def __init__(self, piece):
        self.piece, self.left, self.read_so_far = piece, b"", 0

    def readable(self):
        return True

    def readinto(self, into):
        while len(self.left) < len(into):
            self.left += self.piece
        into[:], self.left = self.left[: len(into)], self.left[len(into) :]
        self.read_so_far += len(into)
        return len(into)


WRAPPED = [("Line", lambda record: record + b"\n"), ("RecordIO", recordio), ("TFRecord", tfrecord)]


@pytest.mark.parametrize("split, wrapped", WRAPPED)
def test_an_object_without_end_is_read_payload_by_payload(split, wrapped):
    source = Endless(wrapped(b"x" * 1000) * 50)
    made = batches(records(io.BufferedReader(source, LIMIT), split, LIMIT), True, LIMIT)
    for number in range(1, 20):
        batch = next(made)
        assert len(batch) > 50 and sum(len(record.raw) for record in batch) <= LIMIT
        assert source.read_so_far <= (number + 3) * LIMIT


@pytest.mark.parametrize("split, wrapped", [("None", bytes), ("Line", bytes), *WRAPPED[1:]])
def test_a_record_longer_than_a_payload_is_not_read_to_its_end(split, wrapped):
    source = Endless(wrapped(b"x" * 100 * LIMIT))
    with pytest.raises(BadData, match="Too much data for max payload size"):
        next(records(io.BufferedReader(source, LIMIT), split, LIMIT))
    assert source.read_so_far <= 3 * LIMIT


@pytest.mark.parametrize("split, wrapped", [("RecordIO", recordio), ("TFRecord", tfrecord)])
def test_an_object_that_ends_within_a_record_is_bad_data(split, wrapped):
    for cut in (3, 10, 20):
        with pytest.raises(BadData, match=f"not in {split} format"):
            list(records(io.BytesIO(wrapped(b"x" * 30)[:cut]), split, LIMIT))


def test_lines_end_as_they_like_and_empty_ones_are_none():
    found = list(records(io.BytesIO(b"a\r\n\nb\n\r\nc"), "Line", LIMIT))
    assert [record.content for record in found] == [b"a", b"b", b"c"]
