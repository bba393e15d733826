"""Events go when they are older than their group's retention allows."""

import pytest
from conftest import connect

from skylab.kernel import journal
from skylab.services.logs import retention


@pytest.fixture
def logs(cloud):
    logs = connect(cloud, "logs")
    logs.create_log_group(logGroupName="g")
    logs.create_log_stream(logGroupName="g", logStreamName="s")
    return logs


def say(cloud, *messages):
    at = journal.milliseconds(cloud.clock.now())
    events = [{"timestamp": at, "message": message} for message in messages]
    connect(cloud, "logs").put_log_events(logGroupName="g", logStreamName="s", logEvents=events)


def said(cloud):
    return [event["message"] for event in connect(cloud, "logs").filter_log_events(logGroupName="g")["events"]]


def keep(cloud, days):
    connect(cloud, "logs").put_retention_policy(logGroupName="g", retentionInDays=days)


def tasks(cloud):
    with cloud.store.reading() as tx:
        return [task for task in tx.tasks() if task.kind == "retention"]


def test_events_past_the_retention_are_deleted_and_later_ones_stay(logs, cloud, clock):
    say(cloud, "old")
    keep(cloud, 1)
    cloud.supervisor.step(clock.advance(hours=23))
    say(cloud, "new")
    cloud.supervisor.step(clock.now())
    assert said(cloud) == ["old", "new"]

    cloud.supervisor.step(clock.advance(hours=2))

    assert said(cloud) == ["new"]
    assert connect(cloud, "logs").describe_log_groups()["logGroups"][0]["storedBytes"] == len("new") + 26


def test_many_events_go_in_portions(logs, cloud, clock, monkeypatch):
    monkeypatch.setattr(retention, "PORTION", 2)
    say(cloud, *"abcde")
    cloud.supervisor.step(clock.advance(days=2))  # renews the session with which we ask
    keep(cloud, 1)
    cloud.supervisor.step(clock.now())
    assert said(cloud) == ["c", "d", "e"]
    cloud.supervisor.step(clock.now())
    cloud.supervisor.step(clock.now())
    assert said(cloud) == []


def test_a_shorter_retention_acts_at_once_and_there_is_one_task(logs, cloud, clock):
    keep(cloud, 30)
    say(cloud, "old")
    cloud.supervisor.step(clock.advance(days=2))
    assert said(cloud) == ["old"]
    keep(cloud, 1)
    cloud.supervisor.step(clock.now())
    assert said(cloud) == [] and len(tasks(cloud)) == 1


@pytest.mark.parametrize("end", ["delete_retention_policy", "delete_log_group"])
def test_without_a_retention_nobody_looks_any_more(logs, cloud, clock, end):
    keep(cloud, 1)
    cloud.supervisor.step(clock.now())
    getattr(logs, end)(logGroupName="g")
    cloud.supervisor.step(clock.advance(hours=2))
    assert tasks(cloud) == []
