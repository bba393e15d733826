"""A folder whose bodies an earlier Skylab wrote in the clear: after the next opening all of it is ciphertext."""

import shutil
import sqlite3
from dataclasses import replace

import pytest
from services.s3.conftest import CloudS3

from skylab.cloud import Cloud
from skylab.compute.background import Inline
from skylab.kernel.clock import RandomIds
from skylab.services.s3 import bodies as s3_bodies
from skylab.services.s3 import renewal

SECRET = b"written in the clear "
PART = SECRET * 2**18
PLAIN = {"one": SECRET, "empty": b"", "large": SECRET * 100_000, "shared": SECRET * 100_000}


class Killed(Exception):
    pass


def opened(root, clock, settings):
    return Cloud(root, settings, clock, RandomIds(), None, Inline(), strict=True)


@pytest.fixture
def former(cloud, clock, settings, tmp_path):
    """The folder of a stopped cloud, as the version before sealed bodies left it; how to complete its open upload."""
    lone = CloudS3(opened(tmp_path / "former", clock, settings))
    s3 = lone.client()
    s3.create_bucket(Bucket="box")
    for key, content in PLAIN.items():
        s3.put_object(Bucket="box", Key=key, Body=content, Metadata={"_key": "mine"})
    where = {"Bucket": "box", "Key": "open"}
    where["UploadId"] = s3.create_multipart_upload(**where)["UploadId"]
    part = s3.upload_part(**where, PartNumber=1, Body=PART)["ETag"]
    lone.cloud.stop()
    db = sqlite3.connect(lone.root / "s3" / "index.db")
    paths = {body: path for path in lone.bodies() for body in [int(path.parts[-3], 16) << 40 | int(path.name, 16)]}
    rows = db.execute("select key, body from version").fetchall()
    contents = {body: PLAIN[key] for key, body in rows}
    ((sent,),) = db.execute("select body from part").fetchall()
    for body, content in (contents | {sent: PART}).items():
        paths[body].write_bytes(content)
    bodies = dict(rows)
    db.execute("update version set body = ? where key = 'shared'", (bodies["large"],))
    paths[bodies["shared"]].unlink()
    for name in ("ServerSideEncryption", "_key"):
        db.execute(f"update version set meta = json_remove(meta, '$.{name}')")
        db.execute(f"update upload set meta = json_remove(meta, '$.{name}')")
    db.executescript("drop table secret; drop table plain; pragma user_version = 1;")
    db.commit()
    db.close()
    return lone.root, where | {"MultipartUpload": {"Parts": [{"PartNumber": 1, "ETag": part}]}}


def check(root, clock, settings, completion):
    cloud = opened(root, clock, settings)
    try:
        key = cloud.account.credentials()
        keys = key["AccessKeyId"], key["SecretAccessKey"], key["SessionToken"]
        s3 = cloud.transport.client("s3", "us-east-1", *keys, s3={"addressing_style": "path"})
        for name, content in PLAIN.items():
            answer = s3.get_object(Bucket="box", Key=name)
            assert answer["Body"].read() == content and answer["ServerSideEncryption"] == "AES256"
            assert answer["Metadata"] == {"_key": "mine"}
        s3.complete_multipart_upload(**completion)
        assert s3.get_object(Bucket="box", Key="open")["Body"].read() == PART
        files = [path for path in (root / "s3").rglob("*") if path.is_file()]
        assert not [path for path in files if SECRET in path.read_bytes()]
        assert not list((root / "s3" / "drafts").iterdir())
    finally:
        cloud.stop()


def test_bodies_in_the_clear_are_sealed_at_the_next_opening(former, clock, settings):
    root, completion = former

    check(root, clock, settings, completion)
    check(root, clock, settings, completion)


@pytest.mark.parametrize("durability", ["kill", "power"])
def test_a_sealing_that_is_killed_anywhere_goes_on_at_the_next_opening(
    former, clock, settings, monkeypatch, tmp_path, durability
):
    root, completion = former
    settings = replace(settings, durability=durability)
    steps = [(s3_bodies.Draft, "write"), (s3_bodies.Draft, "keep"), (renewal, "_name"), (s3_bodies.Bodies, "remove")]
    for n, (place, name) in enumerate(steps):
        for after in (False, True):
            for turn in (1, 3):
                copy = shutil.copytree(root, tmp_path / f"{n}-{after}-{turn}")
                with monkeypatch.context() as patch:
                    patch.setattr(place, name, deadly(getattr(place, name), after, turn))
                    with pytest.raises(Killed):
                        opened(copy, clock, settings)
                check(copy, clock, settings, completion)


def deadly(real, after, turn):
    left = [turn]

    def step(*given, **more):
        left[0] -= 1
        if not left[0] and not after:
            raise Killed
        result = real(*given, **more)
        if not left[0]:
            raise Killed
        return result

    return step
