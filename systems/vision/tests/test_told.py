"""What run.py is told and refuses, the pictures it takes, and whose keys it uses. No cloud, no torch."""

import io
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest

image = pytest.importorskip("PIL.Image")
pytest.importorskip("boto3")
import options  # noqa: E402
import roles  # noqa: E402
from botocore.exceptions import ClientError  # noqa: E402
from grey import grey  # noqa: E402


def folder(top, counts):
    for name, count in counts.items():
        (top / name).mkdir(parents=True)
        for i in range(count):
            image.fromarray(np.full((8, 8), i, np.uint8)).save(top / name / f"{i}.png")
    return top


@pytest.mark.parametrize(
    ("counts", "said"),
    [
        ({"": 12}, "0.png is of no class"),
        ({"good": 12}, "has 1 folders of pictures"),
        ({"good": 12, "bad": 9}, "the class bad has 9 pictures, at least 10 are needed"),
        ({"line1/good": 12, "line2/good": 12, "bad": 12}, "two folders are of the class good"),
    ],
)
def test_pictures_that_cannot_be_parted_are_refused_in_a_sentence(tmp_path, capsys, counts, said):
    with pytest.raises(SystemExit) as ended:
        options.arguments(None, ["--data", str(folder(tmp_path / "data", counts))])
    assert ended.value.code == 2 and said in capsys.readouterr().err.splitlines()[-1]


def test_a_file_that_is_no_picture_is_named(tmp_path, capsys):
    data = folder(tmp_path, {"good": 10, "bad": 10})
    (data / "bad" / "3.png").write_text("no picture")
    with pytest.raises(SystemExit) as ended:
        options.arguments(None, ["--data", str(data)])
    assert ended.value.code == 2 and "bad/3.png cannot be used" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--epochs", "0"], "--epochs is 0, at least 1 is needed"),
        (["--ask", "one"], "--ask needs a --picture"),
        (["--ask", "one", "--picture", "missing.png"], "missing.png is no file"),
        (["--summary", "missing/one.json"], "there is no folder missing"),
        (["--data", "missing"], "--data: missing has 0 folders of pictures"),
    ],
)
def test_what_cannot_be_right_is_refused_before_anything_is_started(capsys, given, said):
    with pytest.raises(SystemExit) as ended:
        options.arguments(None, given)
    assert ended.value.code == 2 and said in capsys.readouterr().err


def test_options_that_change_a_result_are_kept(tmp_path):
    assert options.arguments(None, ["--delete"]).changed == ""
    args = options.arguments(None, ["--tune-epochs", "2", "--data", str(folder(tmp_path, {"a": 10, "b": 10}))])
    assert args.changed == " --tune-epochs 2" and len(args.raw) == 20 and args.raw[0][1] == "raw/a/0.png"


def test_sixteen_bits_keep_their_tones_and_unknown_ranges_are_refused():
    tones = np.linspace(0, 65535, 96 * 96).astype(np.uint16).reshape(96, 96)
    held = io.BytesIO()
    image.fromarray(tones).save(held, "PNG")
    read = image.open(held)
    assert read.mode == "I;16" and np.array_equal(grey(read), (tones >> 8).astype(np.uint8))
    with pytest.raises(ValueError, match="32 bits"):
        grey(image.fromarray(np.zeros((96, 96), np.float32)))


class Sts:
    """Gives keys that are good for so many minutes; knows the role after so many refusals."""

    def __init__(self, minutes, refusals=0):
        self.minutes, self.refusals, self.asked = minutes, refusals, 0

    def assume_role(self, **_):
        if self.refusals:
            self.refusals -= 1
            raise ClientError({"Error": {"Code": "AccessDenied", "Message": "not yet"}}, "AssumeRole")
        self.asked += 1
        until = datetime.now(UTC) + timedelta(minutes=self.minutes)
        return {"Credentials": {"AccessKeyId": f"key{self.asked}", "SecretAccessKey": "s", "SessionToken": "t",
                                "Expiration": until}}  # fmt: skip


class Caller:
    region_name = "us-east-1"

    def __init__(self, sts):
        self.sts = sts

    def client(self, _):
        return self.sts


def test_keys_that_are_about_to_end_are_fetched_again():
    keys = roles.become(Caller(Sts(minutes=2)), "arn").get_credentials()
    assert keys.get_frozen_credentials().access_key == "key2"
    lasting = roles.become(Caller(Sts(minutes=60)), "arn").get_credentials()
    assert lasting.get_frozen_credentials().access_key == lasting.get_frozen_credentials().access_key == "key1"


def test_a_new_role_is_waited_for_and_an_unknown_one_is_not(monkeypatch):
    monkeypatch.setattr(roles, "LOOK", 1)
    monkeypatch.setattr(roles.time, "sleep", lambda _: None)
    assert roles.become(Caller(Sts(60, refusals=3)), "arn").region_name == "us-east-1"
    with pytest.raises(ClientError, match="not yet"):
        roles.become(Caller(Sts(60, refusals=3)), "arn", wait=0)
