"""Records on their way: in files of their hour, whole after a death, and never too many."""

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from skylab.services.sagemaker_runtime import spool

NOON = datetime(2026, 1, 1, 12, 59, 59, tzinfo=UTC)


@pytest.fixture(params=["kill", "power"])
def spooled(request, tmp_path):
    return spool.Spool(tmp_path / "captures", request.param)


def write(spooled, line, now=NOON, variant="A", fleet="f"):
    asyncio.run(spooled.write(fleet, variant, now, line, f"id{now.minute}"))


def said(paths):
    return [path.read_bytes() for path in paths]


def test_records_of_one_hour_share_a_file(spooled):
    write(spooled, b"1\n")
    write(spooled, b"2\n", NOON + timedelta(seconds=1))
    write(spooled, b"3\n")
    assert spooled.closed("f", NOON - timedelta(seconds=1)) == []
    files = spooled.closed("f", NOON + timedelta(seconds=1))
    assert said(files) == [b"1\n3\n", b"2\n"]
    assert files[0].name == f"{int(NOON.timestamp() * 1000)}-id59.jsonl" and files[0].parent.name == "A"


def test_what_a_dead_process_left_is_closed_without_its_torn_end(spooled):
    write(spooled, b"1\n2\n")
    (file,) = spooled.root.rglob("*.open")
    file.write_bytes(b"1\n2\n{torn")
    again = spool.Spool(spooled.root, "kill")
    assert said(again.closed("f", NOON - timedelta(days=1))) == [b"1\n2\n"]


def test_a_large_file_is_closed_and_a_full_spool_takes_no_more(spooled, monkeypatch):
    monkeypatch.setattr(spool, "LARGEST", 10)
    monkeypatch.setattr(spool, "MOST", 15)
    write(spooled, b"x" * 20 + b"\n")
    assert len(spooled.closed("f", NOON - timedelta(days=1))) == 1
    write(spooled, b"more\n")
    assert not list(spooled.root.rglob("*.open"))


def test_a_disk_that_is_full_fails_no_invocation(tmp_path, caplog):
    (tmp_path / "captures").write_text("in the way")
    write(spool.Spool(tmp_path / "captures", "kill"), b"1\n")
    assert "was not captured" in caplog.text
