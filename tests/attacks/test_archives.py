"""Archives made to harm: what is outside the folder stays as it is, and what is too much is refused in words."""

import gzip
import io
import os
import tarfile
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from skylab.images import archive
from skylab.images.archive import Refused, unpack


def member(name, body=b"x", **fields):
    info = tarfile.TarInfo(name)
    info.size = len(body) if fields.get("type", tarfile.REGTYPE) == tarfile.REGTYPE else 0
    for field, value in fields.items():
        setattr(info, field, value)
    return info, body


def made(path, *members):
    with tarfile.open(path, "w:gz") as tar:
        for info, body in members:
            tar.addfile(info, io.BytesIO(body))
    return path


@pytest.fixture
def box(tmp_path):
    folder = tmp_path / "box"
    folder.mkdir()
    return folder


def outside(box):
    return sorted(path.name for path in box.parent.iterdir())


LINK = {"type": tarfile.SYMTYPE}
HARD = {"type": tarfile.LNKTYPE}
HOSTILE = {
    "a name that climbs": [member("../evil")],
    "one that climbs later": [member("a/../../evil")],
    "a link out": [member("out", linkname="..", **LINK)],
    "an absolute link": [member("out", linkname="/etc", **LINK)],
    "written through a link": [member("in", linkname=".", **LINK), member("in/x")],
    "a hard link out": [member("h", linkname="../secret", **HARD)],
    "a hard link through a link": [member("l", linkname="x", **LINK), member("h", linkname="l", **HARD)],
    "a device": [member("null", type=tarfile.CHRTYPE, devmajor=1, devminor=3)],
    "a pipe": [member("pipe", type=tarfile.FIFOTYPE)],
    "a name without end": [member("x/" * 3000)],
}


@pytest.mark.parametrize("members", HOSTILE.values(), ids=HOSTILE)
def test_what_leads_out_of_the_folder_or_is_no_file_is_refused(box, tmp_path, members):
    (tmp_path / "secret").write_text("kept")
    path = made(tmp_path / "a.tar.gz", *members)

    with pytest.raises(Refused):
        unpack(path, box)

    assert outside(box) == ["a.tar.gz", "box", "secret"] and (tmp_path / "secret").read_text() == "kept"
    assert not [p for p in box.rglob("*") if p.is_block_device() or p.is_char_device() or p.is_fifo()]


def test_an_absolute_name_is_taken_to_be_inside(box, tmp_path):
    unpack(made(tmp_path / "a.tar.gz", member("/etc/evil-of-a-test")), box)

    assert (box / "etc/evil-of-a-test").exists() and not os.path.exists("/etc/evil-of-a-test")


def test_setuid_and_foreign_owners_are_not_kept(box, tmp_path):
    unpack(made(tmp_path / "a.tar.gz", member("s", mode=0o6777, uid=12345, gid=12345)), box)

    found = (box / "s").stat()
    assert found.st_mode & 0o7022 == 0 and found.st_uid == os.geteuid()


def test_of_two_members_of_one_name_the_last_is_kept(box, tmp_path):
    unpack(made(tmp_path / "a.tar.gz", member("x", b"first"), member("x", b"second")), box)

    assert (box / "x").read_bytes() == b"second"


def test_a_link_that_stays_inside_is_a_link(box, tmp_path):
    unpack(made(tmp_path / "a.tar.gz", member("d/x", b"there"), member("d/l", linkname="x", **LINK)), box)

    assert (box / "d/l").is_symlink() and (box / "d/l").read_bytes() == b"there"


@pytest.mark.parametrize("name", [".", "d", "./d/"])
def test_a_link_in_the_place_of_a_folder_is_refused(box, tmp_path, name):
    """tarfile would look for the member that the link means, and find the link."""
    folder = member("d", type=tarfile.DIRTYPE)

    with pytest.raises(Refused, match="a link where a folder is"):
        unpack(made(tmp_path / "a.tar.gz", folder, member(name, linkname=name, **LINK)), box)


def test_a_bomb_is_refused_before_it_fills_the_disk(box, tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "ALWAYS", 1 << 20)
    zeros = bytes(40 << 20)

    with pytest.raises(Refused, match="it would unpack to more than the"):
        unpack(made(tmp_path / "a.tar.gz", *[member(f"z{n}", zeros) for n in range(3)]), box)

    assert sum(path.stat().st_size for path in box.iterdir()) < 3 * len(zeros)


def test_too_many_members_are_refused(box, tmp_path, monkeypatch):
    monkeypatch.setattr(archive, "MEMBERS", 10)

    with pytest.raises(Refused, match="more than 10 members"):
        unpack(made(tmp_path / "a.tar.gz", *[member(f"f{n}") for n in range(11)]), box)


def test_a_header_that_would_fill_the_memory_is_refused(box, tmp_path):
    """A pax header is read whole: one of 3 GB, of which the archive has next to nothing."""
    info = tarfile.TarInfo("././@PaxHeader")
    info.type, info.size = tarfile.XHDTYPE, 3 << 30
    path = tmp_path / "a.tar.gz"
    path.write_bytes(gzip.compress(info.tobuf() + bytes(1 << 20)))

    with pytest.raises(Refused, match="a header of it"):
        unpack(path, box)


@pytest.mark.parametrize("content", [b"", b"no archive", b"\x1f\x8b", gzip.compress(b"x" * 600, mtime=0)])
def test_what_is_no_archive_is_refused_and_nothing_else_is_raised(box, tmp_path, content):
    path = tmp_path / "a.tar.gz"
    path.write_bytes(content)

    with pytest.raises(Refused):
        unpack(path, box)


@settings(max_examples=150, deadline=None)
@example([(".", tarfile.SYMTYPE, ".")], b"")
@given(
    st.lists(
        st.tuples(
            st.sampled_from(["a", "b", "a/b", "../x", "/x", "a/../..", "l/x", "l", ".", ""]),
            st.sampled_from([tarfile.REGTYPE, tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.DIRTYPE, tarfile.FIFOTYPE]),
            st.sampled_from(["a", "..", "/etc/passwd", "l", "../box/a", "."]),
        ),
        max_size=6,
    ),
    st.binary(max_size=20),
)
def test_no_archive_writes_outside_its_folder(tmp_path_factory, parts, noise):
    top = tmp_path_factory.mktemp("fuzz")
    box = top / "box"
    box.mkdir()
    path = top / "a.tar.gz"
    made(path, *[member(name, type=type, linkname=link) for name, type, link in parts])
    data = bytearray(gzip.decompress(path.read_bytes()))
    data[100 : 100 + len(noise)] = noise
    path.write_bytes(gzip.compress(bytes(data)))

    try:
        unpack(path, box)
    except Refused:
        pass

    assert outside(box) == ["a.tar.gz", "box"]
    for found in box.rglob("*"):
        assert Path(os.path.realpath(found)).is_relative_to(box)
