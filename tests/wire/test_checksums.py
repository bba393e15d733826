import hashlib
from base64 import b64decode, b64encode

import pytest
from botocore.httpchecksum import _CHECKSUM_CLS
from hypothesis import given
from hypothesis import strategies as st

from skylab.wire.checksums import ALGORITHMS, HEADERS, Checksum, composite, full_object, header, raw
from skylab.wire.model import service_model

CRCS = ["crc32", "crc32c", "crc64nvme"]
CHECK = {  # of b"123456789", from the catalogue of CRC algorithms, https://reveng.sourceforge.io/crc-catalogue/
    "crc32": 0xCBF43926,
    "crc32c": 0xE3069283,
    "crc64nvme": 0xAE8B14860A799888,
}


def checksum(name, data):
    running = Checksum(name)
    running.update(data)
    return running.value()


@pytest.mark.parametrize("name", [name for name in ALGORITHMS if name != "md5"])  # botocore has no md5
@given(pieces=st.lists(st.binary(max_size=200), max_size=5))
def test_the_value_is_botocores_however_the_bytes_are_split(name, pieces):
    running = Checksum(name)
    for piece in pieces:
        running.update(piece)

    assert running.value() == _CHECKSUM_CLS[name]().handle(b"".join(pieces))


@pytest.mark.parametrize("name", CRCS)
def test_the_crcs_are_the_published_ones(name):
    assert int.from_bytes(b64decode(checksum(name, b"123456789")), "big") == CHECK[name]


def test_every_header_is_a_member_of_the_s3_model():
    members = service_model("s3").shape_for("PutObjectRequest").members.values()
    known = {member.serialization.get("name", "").lower() for member in members}

    assert known.issuperset(HEADERS)
    assert header("CRC64NVME") == "x-amz-checksum-crc64nvme"


@pytest.mark.parametrize("name", CRCS)
@given(parts=st.lists(st.binary(max_size=300), min_size=1, max_size=6))
def test_a_full_object_crc_from_its_parts_is_that_of_the_bytes(name, parts):
    known = [(checksum(name, part), len(part)) for part in parts]

    assert full_object(name, known) == checksum(name, b"".join(parts))


@pytest.mark.parametrize("name", CRCS)
def test_a_long_part_is_combined_by_its_length_alone(name):
    parts = [b"head", bytes(20 * 1024 * 1024), b"tail"]

    assert full_object(name, [(checksum(name, part), len(part)) for part in parts]) == checksum(name, b"".join(parts))


def test_a_sha_has_no_full_object_form():
    with pytest.raises(KeyError):
        full_object("sha256", [(checksum("sha256", b""), 0)])


def test_a_composite_checksum_is_that_of_the_parts_checksums():
    values = [checksum("sha256", b"one"), checksum("sha256", b"two")]
    both = hashlib.sha256(hashlib.sha256(b"one").digest() + hashlib.sha256(b"two").digest()).digest()

    assert composite("SHA256", values) == b64encode(both).decode() + "-2"


@pytest.mark.parametrize("value", ["", "AAAA", "not base64!", "AAAAAAA=", "AAAAAA==\n"])
def test_a_value_that_is_no_crc32_is_refused(value):
    with pytest.raises(ValueError):
        raw("crc32", value)
