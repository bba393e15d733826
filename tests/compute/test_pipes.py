"""Pipe input mode: what a program reads from its channels."""

import gzip
import struct

import pytest

from compute.programs import marked, python, run, until
from skylab.compute.pipes import LONGEST, MAGIC, Pipe, record

CHANNEL = "/opt/ml/input/data/train"
READ = "print(open(f'/opt/ml/input/data/train_{i}', 'rb').read())"


@pytest.fixture
def objects(tmp_path):
    folder = tmp_path / "objects"
    (folder / "sub").mkdir(parents=True)
    for name, text in (("b", "two,"), ("a", "one,"), ("sub/c", "three,")):
        (folder / name).write_text(text)
    return folder


def epochs(processes, root, count, pipe, code=READ):
    """What a program says that reads the channel so many times, at once."""
    ending, said = run(processes, python(f"for i in range({count}): {code}", root=str(root), pipes=[pipe]))
    assert ending.ok, said
    return said.splitlines()


def test_each_epoch_is_all_objects_in_order(sandboxed, root, objects):
    assert epochs(sandboxed, root, 3, Pipe(CHANNEL, str(objects))) == ["b'one,two,three,'"] * 3


def test_listed_files_keep_their_order(sandboxed, root, objects):
    files = [str(objects / name) for name in ("sub/c", "a")]

    assert epochs(sandboxed, root, 1, Pipe(CHANNEL, files)) == ["b'three,one,'"]


def test_compressed_objects_are_streamed_as_they_were(sandboxed, root, tmp_path):
    (tmp_path / "a.gz").write_bytes(gzip.compress(b"text") + gzip.compress(b" and more"))

    assert epochs(sandboxed, root, 1, Pipe(CHANNEL, [str(tmp_path / "a.gz")], gzip=True)) == ["b'text and more'"]


def test_a_seed_shuffles_each_epoch_differently_and_every_run_alike(sandboxed, root, tmp_path):
    files = [str(tmp_path / f"{i}") for i in range(9)]
    for i, file in enumerate(files):
        (tmp_path / file).write_text(str(i))

    first, second = epochs(sandboxed, root, 2, Pipe(CHANNEL, files, shuffle_seed=7))

    assert first != second
    assert sorted(first) == sorted(second) == sorted("b'012345678'")


def test_a_reader_that_leaves_early_finds_the_next_epoch(sandboxed, root, tmp_path):
    (tmp_path / "big").write_bytes(bytes(5 << 20))
    code = "print(len(open(f'/opt/ml/input/data/train_{i}', 'rb').read(10)), flush=True)"
    early = (
        f"import os, time\nfor i in range(3):\n while not os.path.exists(f'{CHANNEL}_{{i}}'): time.sleep(.01)\n {code}"
    )

    ending, said = run(sandboxed, python(early, root=str(root), pipes=[Pipe(CHANNEL, [str(tmp_path / "big")])]))

    assert (ending.exit_code, said) == (0, "10\n10\n10\n")


def test_a_program_that_never_opens_its_pipe_ends_and_leaves_no_feeder(processes, root, objects):
    ending, _ = run(processes, python("", root=str(root), pipes=[Pipe(CHANNEL, str(objects))]))

    assert ending.ok
    until(lambda: marked(str(processes.root)) == [])  # the runner itself ends just after it has written the ending


def test_two_channels_are_fed_side_by_side(sandboxed, root, objects):
    other = "/opt/ml/input/data/validation"
    code = f"a = open('{other}_0'); b = open('{CHANNEL}_0'); print(b.read(), a.read())"
    pipes = [Pipe(CHANNEL, [str(objects / "a")]), Pipe(other, [str(objects / "b")])]

    _, said = run(sandboxed, python(code, root=str(root), pipes=pipes))

    assert said == "one, two,\n"


def test_a_source_that_cannot_be_read_ends_the_program_instead_of_feeding_it_half(processes, root, tmp_path):
    pipes = [Pipe(CHANNEL, [str(tmp_path / "missing")])]
    code = "import sys, time; open(sys.argv[1]).read(); time.sleep(60)"

    processes.start("run", python(code, "/opt/ml/input/data/train_0", root=str(root), pipes=pipes))

    assert until(lambda: processes.ending("run")).exit_code == -9
    assert "missing" in processes.log("run").read_text()


def parsed(stream):
    """The records of a RecordIO stream, by the rules of dmlc/recordio.h."""
    records, parts, at = [], [], 0
    while at < len(stream):
        magic, header = struct.unpack_from("<II", stream, at)
        assert magic == 0xCED7230A
        flag, length = header >> 29, header & (1 << 29) - 1
        parts.append(stream[at + 8 : at + 8 + length])
        at += 8 + length + -length % 4
        if flag in (0, 3):
            records.append(MAGIC.join(parts))
            parts = []
    assert not parts
    return records


@pytest.mark.parametrize(
    "data", [b"", b"a", b"four", b"12345", MAGIC, MAGIC + MAGIC, b"1234" + MAGIC + b"56", b"1" + MAGIC + b"23"]
)
def test_a_record_is_read_back_and_the_magic_number_begins_parts_only(data):
    stream = b"".join(record(data))

    assert parsed(stream) == [data]
    assert len(stream) % 4 == 0


def test_a_record_of_512_mib_is_refused():
    class Long(bytes):
        def __len__(self):
            return LONGEST

    with pytest.raises(ValueError, match="fewer than"):
        list(record(Long(), "big"))


def test_each_object_becomes_one_record(sandboxed, root, objects):
    said = epochs(sandboxed, root, 1, Pipe(CHANNEL, str(objects), recordio=True))

    assert parsed(eval(said[0])) == [b"one,", b"two,", b"three,"]
