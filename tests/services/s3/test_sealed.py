"""A body at rest that was altered in any way does not open, and is never half an answer."""

import os
import tracemalloc

import pytest
from botocore.exceptions import ClientError
from hypothesis import given, settings
from hypothesis import strategies as st

from skylab.kernel.vault import Tampered, Vault
from skylab.services.s3 import sealed
from skylab.services.s3.opened import Opened, table
from skylab.services.s3.sealed import HEAD, TAG, Sealing

ONE, TWO = (b"1" * 32,), (b"1" * 32, b"2" * 32)
VAULT = Vault(b"v" * 32)
CHUNK = 1 << sealed.BITS
ON_DISK = CHUNK + TAG


def whole(plain, keys=ONE):
    sealing = Sealing(keys)
    return sealing.update(plain) + sealing.end()


def joined(parts, keys=ONE):
    wholes = [whole(plain, keys) for plain in parts]
    entries = [(text[:HEAD], len(plain)) for text, plain in zip(wholes, parts, strict=True)]
    return table(entries, len(keys), VAULT) + b"".join(wholes)


def read(path, text, size, keys=ONE, span=None):
    path.write_bytes(text)
    opened = Opened(str(path), keys, size, VAULT)
    try:
        start, length = span or (0, size)
        return b"".join(opened.pieces(start, length))
    finally:
        opened.close()


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 3 * CHUNK), min_size=1, max_size=4), st.data())
def test_whatever_way_it_came_in_every_span_comes_out(tmp_path_factory, sizes, data):
    path, keys = tmp_path_factory.getbasetemp() / "any", data.draw(st.sampled_from([ONE, TWO]))
    pieces = [os.urandom(size) for size in sizes]
    plain, sealing = b"".join(pieces), Sealing(keys)
    text = b"".join([sealing.update(piece) for piece in pieces]) + sealing.end()

    start = data.draw(st.integers(0, len(plain)))
    length = data.draw(st.integers(0, len(plain) - start))
    assert read(path, text, len(plain), keys, (start, length)) == plain[start : start + length]
    assert read(path, joined(pieces, keys), len(plain), keys, (start, length)) == plain[start : start + length]
    assert len(text) == sealed.sealed_size(text, len(plain))


def swapped(text, a, b, size):
    out = bytearray(text)
    out[a : a + size], out[b : b + size] = text[b : b + size], text[a : a + size]
    return bytes(out)


def chunk(n):
    return HEAD + n * ON_DISK


PLAIN = bytes(range(256)) * (CHUNK // 256) * 3
TEXT = whole(PLAIN)
ALTERED = {
    "a bit of content": TEXT[: HEAD + 5] + bytes([TEXT[HEAD + 5] ^ 1]) + TEXT[HEAD + 6 :],
    "a bit of the salt": TEXT[: HEAD - 1] + bytes([TEXT[HEAD - 1] ^ 1]) + TEXT[HEAD:],
    "two chunks exchanged": swapped(TEXT, chunk(0), chunk(1), ON_DISK),
    "the last chunk exchanged": swapped(TEXT, chunk(1), chunk(2), ON_DISK),
    "a chunk repeated": TEXT[: chunk(1)] + TEXT[chunk(0) : chunk(1)] + TEXT[chunk(2) :],
    "cut off": TEXT[:-1],
    "cut off at a chunk": TEXT[: chunk(2)],
    "lengthened": TEXT + b"x",
    "another chunk size": TEXT[:6] + bytes([TEXT[6] + 1]) + TEXT[7:],
    "another version": TEXT[:4] + b"\2" + TEXT[5:],
    "another kind": TEXT[:5] + b"\1" + TEXT[6:],
    "two layers": TEXT[:7] + b"\2" + TEXT[8:],
    "another object": whole(PLAIN, (b"x" * 32,)),
    "nothing": b"",
    "in the clear": PLAIN,
}


@pytest.mark.parametrize("what", list(ALTERED))
def test_an_altered_body_does_not_open(tmp_path, what):
    assert read(tmp_path / "k", TEXT, len(PLAIN)) == PLAIN

    with pytest.raises(Tampered):
        read(tmp_path / "k", ALTERED[what], len(PLAIN))


def test_a_body_cut_off_at_a_chunk_does_not_open_as_a_shorter_one(tmp_path):
    with pytest.raises(Tampered):
        read(tmp_path / "k", TEXT[: chunk(2)], 2 * CHUNK)
    with pytest.raises(Tampered):
        read(tmp_path / "k", TEXT[:HEAD], 0)


def test_parts_are_in_their_order_and_all_there(tmp_path):
    parts = [b"a" * CHUNK, b"b" * CHUNK, b"c"]
    text, size = joined(parts), 2 * CHUNK + 1
    first, part = HEAD + 8 + 3 * (HEAD + 8) + 29, HEAD + ON_DISK
    assert read(tmp_path / "k", text, size) == b"".join(parts)

    for altered, plain in (
        (swapped(text, first, first + part, part), size),  # the parts
        (swapped(text, HEAD + 8, HEAD + 8 + HEAD + 8, HEAD + 8), size),  # their lines in the table
        (text[: HEAD + 7] + b"\2" + text[HEAD + 8 :], size),  # their number
        (text[: first + 2 * part], 2 * CHUNK),
        (table([(text[first : first + HEAD], CHUNK)], 1, Vault(b"x" * 32)) + text[first : first + part], CHUNK),
    ):
        with pytest.raises(Tampered):
            read(tmp_path / "k", altered, plain)


def test_the_same_content_is_never_the_same_on_disk():
    assert whole(PLAIN)[HEAD:] != TEXT[HEAD:] and whole(b"")[HEAD:] != whole(b"")[HEAD:]


# -- through the door


def files(lone):
    return sorted((path for path in lone.bodies()), key=lambda path: int(path.name, 16))


def test_bodies_that_are_exchanged_on_disk_are_an_error(s3, lone, refused):
    for key in ("a", "b"):
        s3.put_object(Bucket="box", Key=key, Body=key.encode() * 1000)
    a, b = files(lone)
    one, other = a.read_bytes(), b.read_bytes()
    a.write_bytes(other), b.write_bytes(one)

    assert refused(s3.get_object, Bucket="box", Key="a") == ("InternalFailure", 500)


def test_rows_that_are_exchanged_are_an_error(s3, lone, refused):
    """Who can write the index still cannot show one object under the name of another."""
    for key in ("a", "b"):
        s3.put_object(Bucket="box", Key=key, Body=key.encode() * 1000)
    with lone.part["objects"].writing() as db:
        db.execute("update version set (body, meta) = (select body, meta from version where key = 'b') where key = 'a'")

    assert refused(s3.get_object, Bucket="box", Key="a") == ("InternalFailure", 500)


def test_what_is_altered_far_behind_breaks_the_answer_off(s3, lone):
    s3.put_object(Bucket="box", Key="k", Body=bytes(8 * 2**20))
    (path,) = files(lone)
    text = bytearray(path.read_bytes())
    text[-1] ^= 1
    path.write_bytes(text)

    answer = s3.get_object(Bucket="box", Key="k")["Body"]
    with pytest.raises(Tampered):
        answer.read()
    assert s3.get_object(Bucket="box", Key="k", Range="bytes=0-99")["Body"].read() == bytes(100)


def test_a_range_costs_a_range(s3, lone, monkeypatch):
    s3.put_object(Bucket="box", Key="k", Body=bytes(20 * 2**20))
    loaded, pread = [], os.pread
    monkeypatch.setattr(os, "pread", lambda file, size, at: loaded.append(size) or pread(file, size, at))

    s3.get_object(Bucket="box", Key="k", Range="bytes=10000000-10001023")["Body"].read()

    assert sum(loaded) <= HEAD + 2 * ON_DISK


def test_a_large_body_goes_out_through_little_memory(s3, lone):
    s3.put_object(Bucket="box", Key="k", Body=bytes(64 * 2**20))
    answer = s3.get_object(Bucket="box", Key="k")["Body"]
    tracemalloc.start()
    try:
        assert sum(len(piece) for piece in answer.iter_chunks(2**20)) == 64 * 2**20
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert peak < 12 * 2**20


@pytest.mark.skipif(not os.path.exists("/proc/self/fd"), reason="it looks where Linux lists open files")
def test_an_answer_that_nobody_reads_leaves_no_open_file(s3):
    s3.put_object(Bucket="box", Key="k", Body=bytes(8 * 2**20))

    for _ in range(20):
        s3.get_object(Bucket="box", Key="k")["Body"].close()

    held = [link for file in os.listdir("/proc/self/fd") if "/bodies/" in (link := target(file))]
    assert len(held) <= 2  # of the last ones, whose pieces may still be on their way


def target(file):
    try:
        return os.readlink(f"/proc/self/fd/{file}")
    except FileNotFoundError:
        return ""


def test_an_object_that_is_gone_is_told_as_such(s3):
    with pytest.raises(ClientError, match="NoSuchKey"):
        s3.get_object(Bucket="box", Key="none")
