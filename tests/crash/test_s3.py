"""Kill -9 before every effect of every kind of write: what was answered is there, and nothing is half there."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import skylab
from crash import s3_writer
from crash.s3_writer import PART, STEPS, Opened, states

SOURCE = str(Path(skylab.__file__).parents[1])


def killed(root, durability):
    """A folder for each kill, and one of the run that none hit."""
    program = [sys.executable, s3_writer.__file__, str(root), durability]
    subprocess.run(program, env=os.environ | {"PYTHONPATH": SOURCE}, check=True, timeout=100)
    folders = sorted(root.iterdir(), key=lambda path: int(path.name))
    assert len(folders) > 25
    return folders


def held(s3):
    """What the bucket holds, each body read."""
    listed = s3.do("list_objects_v2")["Contents"]
    return {one["Key"]: s3.get(one["Key"]) for one in listed}


def named(s3):
    """The files that the index names."""
    with s3.part["objects"].reading() as db:
        rows = db.execute("select body from version where body is not null union select body from part union"
                          " select body from doomed").fetchall()  # fmt: skip
    return {s3.part["bodies"].path(body) for (body,) in rows}


@pytest.mark.parametrize("durability", ["kill", pytest.param("power", marks=pytest.mark.slow)])
def test_a_kill_at_any_effect_loses_nothing_and_leaves_nothing(tmp_path, durability):
    for folder in killed(tmp_path, durability):
        said = [json.loads(line) for line in (folder / "acks").read_text().splitlines()]
        s3 = Opened(folder)
        s3.clock.advance(minutes=5)

        if said:
            assert held(s3) in states()[len(said) : len(said) + 2], f"killed before effect {folder.name}"
        files = {path for path in (folder / "s3" / "bodies").glob("*/*/*")}
        assert files <= named(s3) and not list((folder / "s3" / "drafts").iterdir())

        for do, _ in STEPS[len(said) :]:  # the client tries again, from the step it got no answer to
            result = do(s3, said)
            said.append(result if isinstance(result, str) else None)
        assert held(s3) == states()[-1]
        s3.keep()
        bodies = [path.read_bytes() for path in (folder / "s3" / "bodies").glob("*/*/*")]
        assert len(bodies) == 4  # e, f, g, and c's, which d shares
        assert not [body for body in bodies if PART[:256] in body or b"e" * 32 in body or b"f" * 32 in body]
        s3.close()


def test_two_clouds_of_one_folder_do_not_sweep_each_other(tmp_path):
    one = Opened(tmp_path)
    one.do("create_bucket")
    draft = one.part["bodies"].draft()
    body = one.part["bodies"].draft().keep()  # whole, and its row not yet written

    two = Opened(tmp_path)
    assert one.part["bodies"].path(body).exists() and len(list((tmp_path / "s3" / "drafts").iterdir())) == 1

    draft.discard()
    one.close()
    two.close()
    three = Opened(tmp_path)
    assert not one.part["bodies"].path(body).exists()
    three.close()


def test_a_body_that_was_replaced_can_still_be_opened_for_a_while(tmp_path):
    s3 = Opened(tmp_path)
    s3.do("create_bucket")
    s3.do("put_object", Key="k", Body=b"old")
    with s3.part["objects"].reading() as db:
        (old,) = db.execute("select body from version").fetchone()

    s3.do("put_object", Key="k", Body=b"new")
    s3.part["keeper"].step()
    assert s3.part["bodies"].path(old).exists()

    s3.keep()
    assert not s3.part["bodies"].path(old).exists() and s3.get("k") == b"new"
    s3.close()
