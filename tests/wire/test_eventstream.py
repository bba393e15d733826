import pytest
from botocore.eventstream import ChecksumMismatch, EventStreamBuffer
from hypothesis import given
from hypothesis import strategies as st

from skylab.wire.eventstream import encode, event

NAMES = st.text(min_size=1, max_size=40)
VALUES = st.text(max_size=400)


def messages(data):
    buffer = EventStreamBuffer()
    buffer.add_data(data)
    return [(dict(message.headers), message.payload) for message in buffer]


@given(st.lists(st.tuples(st.dictionaries(NAMES, VALUES, max_size=5), st.binary(max_size=300)), max_size=4))
def test_botocore_reads_back_every_message(sent):
    assert messages(b"".join(encode(headers, payload) for headers, payload in sent)) == sent


def test_an_event_names_its_member_and_content_type():
    [(headers, payload)] = messages(event("PayloadPart", b"abc", "application/octet-stream"))

    assert payload == b"abc"
    assert headers == {
        ":message-type": "event",
        ":event-type": "PayloadPart",
        ":content-type": "application/octet-stream",
    }


@pytest.mark.parametrize("at", [1, 9, 20, -8, -2])
def test_a_changed_byte_is_noticed_by_its_checksum(at):
    data = bytearray(event("PayloadPart", b"some payload", "text/plain"))
    data[at] ^= 1

    with pytest.raises(ChecksumMismatch):
        messages(bytes(data))


@pytest.mark.parametrize("headers", [{"": "x"}, {"n" * 256: "x"}, {"n": "v" * 32768}])
def test_a_header_that_cannot_be_written_is_refused(headers):
    with pytest.raises(ValueError, match="cannot be written"):
        encode(headers, b"")


def test_a_payload_longer_than_the_sdks_read_is_refused():
    with pytest.raises(ValueError, match="too long"):
        encode({}, bytes(24 * 1024 * 1024 + 1))
