"""When the supervisor looks again, and what wakes it."""

import threading
from datetime import timedelta

import pytest

from compute.programs import shell, until
from skylab.compute.ends import Ends
from skylab.compute.processes import LocalProcesses
from skylab.compute.supervisor import IDLE, PULSE, WATCH, Supervisor
from skylab.kernel.clock import SystemClock, TestClock
from skylab.kernel.key import Key
from skylab.kernel.store import Store

TARGET = Key("1", "r", "s", "t", "n")


class Napping:
    """A work that asks to be left alone for a while, and counts how often it was not."""

    def __init__(self, rest):
        self.rest, self.looks = rest, 0

    def advance(self, task, now):
        self.looks += 1
        return self.rest


@pytest.fixture
def store(tmp_path):
    made = Store(tmp_path / "state.db")
    yield made
    made.close()


def begun(store, clock, *ids, **delta):
    with store.writing() as tx:
        for id in ids:
            tx.start(id, TARGET._replace(name=id), clock.now() + timedelta(**delta), id)


def test_it_sleeps_until_the_earliest_rest_that_a_task_asks_for(store):
    clock = TestClock()
    works = {"long": Napping(3.0), "short": Napping(1.0)}
    supervisor = Supervisor(store, works, clock, strict=True)
    begun(store, clock, *works)

    assert supervisor.step(clock.now()) == 1.0
    assert supervisor.step(clock.advance(seconds=0.25)) == 0.75
    supervisor.step(clock.advance(seconds=0.75))

    assert (works["long"].looks, works["short"].looks) == (1, 2)


def test_a_task_that_asks_for_no_rest_is_looked_at_again_after_a_pulse(store):
    clock = TestClock()
    supervisor = Supervisor(store, {"busy": Napping(None)}, clock, strict=True)
    begun(store, clock, "busy")
    assert supervisor.step(clock.now()) == PULSE


def test_a_task_that_watches_is_asked_at_every_look_and_causes_none(store):
    clock = TestClock()
    works = {"watching": Napping(WATCH), "long": Napping(3.0)}
    supervisor = Supervisor(store, works, clock, strict=True)
    begun(store, clock, "watching")
    assert supervisor.step(clock.now()) == IDLE
    begun(store, clock, "long")
    assert supervisor.step(clock.now()) == 3.0
    assert supervisor.step(clock.advance(seconds=1)) == 2.0
    assert (works["watching"].looks, works["long"].looks) == (3, 1)


def test_without_tasks_it_sleeps_until_one_falls_due(store):
    clock = TestClock()
    supervisor = Supervisor(store, {"later": Napping(None)}, clock, strict=True)
    assert supervisor.step(clock.now()) == IDLE
    begun(store, clock, "later", seconds=2)
    assert supervisor.step(clock.now()) == 2.0


def test_a_resting_task_that_is_told_to_stop_is_asked_at_once_and_then_left_alone_as_it_asks(store):
    clock = TestClock()
    work = Napping(3.0)
    supervisor = Supervisor(store, {"n": work}, clock, strict=True)
    begun(store, clock, "n")
    supervisor.step(clock.now())

    with store.writing() as tx:
        tx.stop(TARGET._replace(name="n"), clock.now())
    supervisor.step(clock.now())
    supervisor.step(clock.advance(seconds=1))

    assert work.looks == 2


def test_a_commit_does_not_disturb_who_rests_and_a_wake_does(store):
    clock = TestClock()
    work = Napping(3.0)
    supervisor = Supervisor(store, {"n": work}, clock, strict=True)
    begun(store, clock, "n")
    supervisor.step(clock.now())
    begun(store, clock, "n2", seconds=9)
    supervisor.step(clock.now())
    assert work.looks == 1

    supervisor.wake()
    supervisor.step(clock.now())

    assert work.looks == 2


def test_the_end_of_a_process_wakes_it_long_before_its_rest_is_over(store, tmp_path):
    class Waiting:
        seen = None

        def advance(self, task, now):
            self.seen = processes.ending("run")
            return None if self.seen is None and not (tmp_path / "runs/run/pid").exists() else 60.0

    work, clock = Waiting(), SystemClock()
    supervisor = Supervisor(store, {"n": work}, clock, strict=True)
    ends = Ends(supervisor.wake)
    processes = LocalProcesses(tmp_path / "runs", ends=ends)
    processes.start("run", shell(f"while [ ! -e {tmp_path}/go ]; do sleep 0.02; done; exit 3", writes=[str(tmp_path)]))
    begun(store, clock, "n")
    supervisor.start()
    until(lambda: ends._watched)

    (tmp_path / "go").touch()

    assert until(lambda: work.seen).exit_code == 3
    supervisor.stop()
    ends.close()


def test_who_has_ended_already_or_is_watched_twice_is_told_of_at_most_once():
    told = []
    ends = Ends(lambda: told.append(threading.current_thread().name))
    ends.watch(2**22 + 1)  # there is no such process
    ends.close()
    assert told == []
