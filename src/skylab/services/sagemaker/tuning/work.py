"""The work of a tuning job: turns, in each of which it looks at its training jobs, judges them, and makes new ones.

A turn runs beside the supervisor (the search may take a while) and may be repeated at any point: what it does it does
in transactions of their own, each of which leaves job, trials and training jobs in agreement. A training job is made
together with its trial and its count in the tuning job, so that a death at any moment loses none and makes none twice.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from skylab.compute.world import World
from skylab.kernel.key import Key
from skylab.kernel.store import Task, Transaction
from skylab.services.sagemaker.jobs import joblogs
from skylab.services.sagemaker.training.job import streams
from skylab.services.sagemaker.training.operations import halt
from skylab.services.sagemaker.tuning import progress, trials
from skylab.services.sagemaker.tuning.definitions import definitions, objective
from skylab.services.sagemaker.tuning.launching import Launching
from skylab.services.sagemaker.tuning.watching import Watching, watched

CHILD = "training-job"
SLOW = 0.25  # seconds between two looks while the training jobs are at work; the end of a process wakes us
EAGER = 1.0  # so young a training job is looked at at every step
SOON_OVER = ("Uploading", "Stopping", "Completed", "Failed", "Stopped")


class Tuning:
    def __init__(self, world: World) -> None:
        self.world = world

    def advance(self, task: Task, now: datetime) -> float | None:
        with self.world.store.reading() as tx:
            doc = tx.get(task.target)
            children = running(tx, task.target, doc)
            due = self._due(tx, task, doc, children, now)
        if due:
            self.world.background.done(f"{task.id}/turn", Turn(self.world, task, now).take)
            return None
        young = [child for child in children.values() if child and _soon_over(child, now)]
        return None if young else SLOW

    def _due(self, tx: Transaction, task: Task, doc: dict[str, Any], children: Any, now: datetime) -> bool:
        """Whether a turn would find something to do."""
        if any(child is None or _over(child) for child in children.values()):
            return True
        if "ending" in doc["_"] or task.stop:
            return not children or "InProgress" in {child["TrainingJobStatus"] for child in children.values() if child}
        if progress.ending(doc, now) or free(doc):
            return True
        return watched(doc) and any(
            joblogs.more(tx, streams(child_key(task.target, child), child), trial["_"]["places"])
            for number, child in children.items()
            if child and (trial := tx.get(trials.key(task.target, int(number))))
        )


def _over(child: dict[str, Any]) -> bool:
    return child["TrainingJobStatus"] in trials.OVER


def child_key(tuning: Key, child: dict[str, Any]) -> Key:
    return tuning._replace(type=CHILD, name=child["TrainingJobName"])


def running(tx: Transaction, tuning: Key, doc: dict[str, Any]) -> dict[str, dict[str, Any] | None]:
    """The training jobs under way, by their numbers; None: it was deleted since."""
    names = doc["_"]["running"]
    return {number: tx.find(tuning._replace(type=CHILD, name=name)) for number, name in names.items()}


def free(doc: dict[str, Any]) -> int:
    """How many training jobs may be made now."""
    limits, own = doc["HyperParameterTuningJobConfig"]["ResourceLimits"], doc["_"]
    return max(0, min(limits["MaxParallelTrainingJobs"] - len(own["running"]), own["total"] - sum(own["made"])))


def _soon_over(child: dict[str, Any], now: datetime) -> bool:
    return child["SecondaryStatus"] in SOON_OVER or (now - child["CreationTime"]).total_seconds() < EAGER


class Turn:
    def __init__(self, world: World, task: Task, now: datetime) -> None:
        self.world, self.task, self.now = world, task, now
        self.key: Key = task.target

    def take(self) -> None:
        with self.world.store.reading() as tx:
            doc = tx.get(self.key)
            children = running(tx, self.key, doc)
        if watched(doc):  # first what they have said, then their ends
            Watching(self.world, self.key, doc, self.now).look()
        self._settle({number: child for number, child in children.items() if not child or _over(child)})
        if self._to_end():
            return self._end()
        with self.world.store.reading() as tx:
            doc = tx.get(self.key)
        Launching(self.world, self.key, self.now).fill(free(doc))

    def _settle(self, over: dict[str, dict[str, Any] | None]) -> None:
        """Writes down the results of the training jobs that have ended."""
        if not over:
            return
        with self.world.store.writing() as tx:
            doc = tx.get(self.key)
            for number, child in over.items():
                key = trials.key(self.key, int(number))
                trial = tx.get(key)
                definition = definitions(doc)[trial["_"]["definition"]]
                trial = trials.settled(trial, child, objective(doc, definition))
                tx.put(key, trial, self.now)
                doc = progress.ended(doc, int(number), trial, self.now)
            tx.put(self.key, doc | {"LastModifiedTime": self.now}, self.now)

    def _to_end(self) -> bool:
        """Whether the job is to end, by a stop, by what it has reached, or since it failed: noted once."""
        with self.world.store.writing() as tx:
            doc = tx.get(self.key)
            stopped = {"status": "Stopped"} if self.task.stop else None
            if "ending" not in doc["_"] and (found := stopped or progress.ending(doc, self.now)):
                doc["_"]["ending"] = found
                tx.put(self.key, doc, self.now)
            return "ending" in doc["_"]

    def _end(self) -> None:
        """Stops the training jobs that run; ends with the last of them."""
        with self.world.store.writing() as tx:
            doc = tx.get(self.key)
            for child in running(tx, self.key, doc).values():
                if child and child["TrainingJobStatus"] == "InProgress":
                    halt(tx, child_key(self.key, child), child, self.now)
            if doc["_"]["running"]:
                return
            found = doc["_"]["ending"]
            stopped = doc["HyperParameterTuningJobStatus"] == "Stopping" and found["status"] == "Completed"
            reason = {"FailureReason": found["reason"]} if "reason" in found else {}
            seconds = round((self.now - doc["CreationTime"]).total_seconds())
            doc |= reason | {
                "HyperParameterTuningJobStatus": "Stopped" if stopped else found["status"],
                "HyperParameterTuningEndTime": self.now,
                "LastModifiedTime": self.now,
                "ConsumedResources": {"RuntimeInSeconds": seconds},
            }
            tx.put(self.key, doc, self.now)
            tx.move(self.task.id, "ended")
