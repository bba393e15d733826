"""What a job has left is read without following anything that it has put there."""

import os
import tarfile
import threading

import pytest

from skylab.compute import leavings
from skylab.compute.leavings import Left
from skylab.services.sagemaker.jobs import delivery


@pytest.fixture
def ml(tmp_path):
    """A job's /opt/ml beside a secret, with one honest file and links of all kinds."""
    (tmp_path / "secret").mkdir()
    (tmp_path / "secret/key").write_text("SECRET")
    folder = tmp_path / "ml"
    (folder / "model/sub").mkdir(parents=True)
    (folder / "model/sub/honest").write_text("mine")
    (folder / "model/file").symlink_to("../../secret/key")
    (folder / "model/folder").symlink_to(tmp_path / "secret")
    (folder / "model/absolute").symlink_to("/etc/passwd")
    os.mkfifo(folder / "model/pipe")
    return folder


def test_a_link_is_never_followed(ml):
    assert [(name, file.read()) for name, file in leavings.files(Left(ml, "model"))] == [("sub/honest", b"mine")]


@pytest.mark.parametrize("below", ["model/folder", "model/file", "missing", "model/sub/honest", "model/pipe"])
def test_a_folder_that_is_none_has_no_files(ml, below):
    assert list(leavings.files(Left(ml, below))) == []


def test_a_folder_on_the_way_that_is_a_link_is_not_passed(ml, tmp_path):
    (ml / "output").symlink_to(tmp_path / "secret")

    assert leavings.text(Left(ml, "output"), "key", 100) is None
    assert list(leavings.files(Left(ml, "output"))) == []


def test_a_failure_without_end_is_read_to_its_limit(ml):
    with open(ml / "model/failure", "w") as file:
        file.truncate(1 << 40)  # takes no room on the disk

    assert leavings.text(Left(ml, "model"), "failure", 10) == "\0" * 10


def test_an_artifact_has_links_as_links_and_no_byte_of_what_they_lead_to(ml, tmp_path):
    delivery._pack([Left(ml, "model")], tmp_path / "model.tar.gz")

    with tarfile.open(tmp_path / "model.tar.gz") as tar:
        content = {m.name: tar.extractfile(m).read() for m in tar if m.isfile()}
        assert {m.name for m in tar if m.issym()} == {"file", "folder", "absolute"}
    assert content == {"sub/honest": b"mine"}


def test_a_folder_that_is_swapped_while_it_is_read_leaks_nothing(ml, tmp_path):
    """The race of checkpoints: a folder and a link to the secret take turns as fast as they can."""
    (ml / "model/key").write_text("mine")
    (ml / "real").mkdir()
    (ml / "real/key").write_text("mine")
    done = threading.Event()

    def swap():
        place, honest, link = ml / "checkpoints", ml / "real", ml / "link"
        while not done.is_set():
            link.symlink_to(tmp_path / "secret")
            link.rename(place)
            place.unlink()
            honest.rename(place)
            place.rename(honest)

    thread = threading.Thread(target=swap)
    thread.start()
    try:
        read = [file.read() for _ in range(3000) for _, file in leavings.files(Left(ml, "checkpoints"))]
    finally:
        done.set()
        thread.join()

    assert b"SECRET" not in read
