"""Frames and events: read as they were written, and whole or refused."""

import numpy as np
import pytest

from skylab.images.debugging import records
from skylab.images.debugging.records import Saved

VALUES = [
    np.float32(0.5),
    np.arange(6, dtype="int64").reshape(2, 3),
    np.zeros((0, 3)),
    np.array([True, False]),
    np.array([1.5, np.nan], dtype="float16"),
    np.array(["gbtree", "bäume"]),
]


@pytest.mark.parametrize("value", VALUES, ids=lambda value: str(value.dtype))
def test_a_tensor_is_read_as_it_was_written(value):
    saved = Saved("Net_fc.weight", 2**40, "EVAL", 7, np.asarray(value))

    found = records.decode(records.frame(records.encode(saved, 12.5)))

    assert (found.name, found.step, found.mode, found.mode_step) == ("Net_fc.weight", 2**40, "EVAL", 7)
    assert found.value.dtype == saved.value.dtype or value.dtype.kind == "U"
    np.testing.assert_array_equal(found.value, saved.value)


def test_half_a_record_is_none():
    record = records.frame(records.encode(Saved("x", 1, "TRAIN", 1, np.ones(100)), 0.0))

    with pytest.raises(ValueError, match="not whole"):
        records.decode(record[:200])


def test_the_checksum_is_that_of_tensorflow():
    crc = 0xE3069283  # CRC-32C of "123456789", of RFC 3720's catalogue
    assert records._masked(b"123456789") == ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
