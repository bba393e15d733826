from datetime import UTC, datetime

import pytest

from skylab.kernel import journal
from skylab.kernel.journal import FOREVER, group_key
from skylab.kernel.store import Missing, Store

NOW = datetime(2025, 1, 1, tzinfo=UTC)
KEY = group_key("1", "r", "g")


@pytest.fixture
def tx(tmp_path):
    store = Store(tmp_path / "state.db")
    with store.writing() as tx:
        yield tx
    store.close()


def append(tx, stream, *times):
    journal.append(tx, "1", "r", "g", stream, [(ms, f"{stream}{ms}") for ms in times], NOW)


def page(tx, *args, **kwargs):
    return [event.message for event in journal.read(tx, journal.get_stream(tx, KEY, "a"), *args, **kwargs)]


def test_appending_makes_the_group_and_the_stream(tx):
    append(tx, "a", 5)
    assert tx.get(KEY)["arn"] == "arn:aws:logs:r:1:log-group:g:*"
    stream = journal.get_stream(tx, KEY, "a")
    assert (stream.first, stream.last, stream.ingested, stream.sequence) == (5, 5, 1735689600000, 1)


def test_events_that_are_not_committed_were_never_there(tmp_path):
    store = Store(tmp_path / "state.db")
    with pytest.raises(RuntimeError), store.writing() as tx:
        append(tx, "a", 5)
        raise RuntimeError
    with store.reading() as tx, pytest.raises(Missing):
        journal.get_stream(tx, KEY, "a")
    store.close()


def test_a_stream_reads_by_time_whatever_the_order_it_was_written_in(tx):
    append(tx, "a", 3, 1, 2)
    assert page(tx) == ["a1", "a2", "a3"]


def test_start_is_inclusive_and_end_is_not(tx):
    append(tx, "a", 1, 2, 3)
    assert page(tx, 2, 3) == ["a2"]


def test_reading_goes_on_behind_a_place_also_within_one_millisecond(tx):
    journal.append(tx, "1", "r", "g", "a", [(1, "x"), (1, "y"), (1, "z")], NOW)
    stream = journal.get_stream(tx, KEY, "a")
    first = journal.read(tx, stream, limit=2)
    assert [e.message for e in first] == ["x", "y"]
    assert [e.message for e in journal.read(tx, stream, place=first[-1].place)] == ["z"]
    assert [e.message for e in journal.read(tx, stream, place=first[-1].place, forward=False)] == ["x"]


def test_backward_from_the_end_are_the_last_events_oldest_first(tx):
    append(tx, "a", 1, 2, 3)
    assert page(tx, forward=False, limit=2) == ["a2", "a3"]


def test_a_page_is_at_most_a_megabyte_but_one_event_at_least(tx):
    half = "x" * 600_000
    journal.append(tx, "1", "r", "g", "a", [(1, half), (2, half), (3, "y" * 2_000_000)], NOW)
    stream = journal.get_stream(tx, KEY, "a")
    assert len(journal.read(tx, stream)) == 1
    assert len(journal.read(tx, stream, forward=False)) == 1


@pytest.mark.parametrize("descending", [False, True])
def test_many_streams_merge_in_one_order_and_go_on_from_any_place(tx, descending):
    append(tx, "a", 1, 4, 4, 9)
    append(tx, "b", 2, 4, 5)
    append(tx, "c", 7, 8)
    append(tx, "empty")
    streams = journal.streams(tx, KEY)
    everything = list(journal.merged(tx, streams, descending=descending))
    assert [e.place.ms for e in everything] == sorted((1, 2, 4, 4, 4, 5, 7, 8, 9), reverse=descending)
    for at, event in enumerate(everything):
        rest = list(journal.merged(tx, streams, place=event.place, descending=descending))
        assert rest == everything[at + 1 :]


def test_merging_opens_only_the_streams_that_the_time_reaches(tx):
    append(tx, "a", 1)
    append(tx, "b", 100)
    statements = []
    tx.db.set_trace_callback(statements.append)
    next(journal.merged(tx, journal.streams(tx, KEY)))
    assert sum("from log_event" in s for s in statements) == 1


def test_streams_come_by_name_or_by_their_last_event(tx):
    append(tx, "b", 1)
    append(tx, "a", 2)
    append(tx, "new")

    def names(**how):
        return [s.name for s in journal.streams(tx, KEY, **how)]

    assert names() == ["a", "b", "new"]
    assert names(prefix="n") == ["new"]
    assert names(by_time=True) == ["new", "b", "a"]
    assert names(by_time=True, descending=True) == ["a", "b", "new"]
    assert names(by_time=True, descending=True, after=(2, "a"), limit=1) == ["b"]
    assert names(after=(77, "a")) == ["b", "new"]


def test_expired_events_go_in_portions_and_their_bytes_with_them(tx):
    append(tx, "a", 1, 2, 3, 10)
    assert journal.expire(tx, KEY, before=10, limit=2) == 2
    assert page(tx) == ["a3", "a10"]
    assert journal.expire(tx, KEY, before=10, limit=2) == 1
    assert journal.stored_bytes(tx, KEY) == len("a10") + 26
    assert journal.get_stream(tx, KEY, "a").first == 10
    assert journal.expire(tx, KEY, before=10) == 0


def test_a_deleted_group_takes_its_events_and_a_new_one_does_not_find_them(tx):
    append(tx, "a", 1)
    journal.delete_group(tx, KEY)
    assert tx.db.execute("select count(*) from log_event").fetchone() == (0,)
    append(tx, "a", 2)
    assert page(tx) == ["a2"]


def test_times_beyond_all_counting_find_nothing_and_do_no_harm(tx):
    append(tx, "a", 1)
    assert page(tx, 10**30) == []
    assert page(tx, 0, 10**30) == ["a1"]
    assert FOREVER < 2**63
