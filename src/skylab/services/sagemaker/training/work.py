"""The work of a training job: waiting, downloading, running, uploading, cleaning, ended.

An attempt that ends without an end of the job (a Spot instance taken back, a lost host) goes from running to saving its
checkpoints, clearing its folders, and waiting again. Each step does its part of the world first, in a way that may be
repeated, then writes down that it is done."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any

from skylab.compute.instances import billable
from skylab.compute.world import World
from skylab.kernel import journal
from skylab.kernel.store import Task
from skylab.services.sagemaker.jobs import joblogs
from skylab.services.sagemaker.jobs.staging import DataFailed
from skylab.services.sagemaker.tracking.automatic import record
from skylab.services.sagemaker.training import transitions
from skylab.services.sagemaker.training.job import LOST, REASON, Job
from skylab.wire.errors import AwsError

GRACE = timedelta(seconds=120)  # from SIGTERM to SIGKILL
SYNC = timedelta(seconds=5)  # between two looks for new checkpoints
EAGER = timedelta(seconds=1)  # so long a job is looked at at every step; later its end wakes us
SLOW = 0.25
ATTEMPT = ("halted", "why", "away", "offsets", "synced")  # what is remembered of one attempt only


class Training:
    def __init__(self, world: World) -> None:
        self.world = world
        self._steps: dict[str, Callable[[Job, datetime], float | None]] = {
            "waiting": self._begin,
            "downloading": self._download,
            "running": self._run,
            "saving": self._save,
            "clearing": self._clear,
            "uploading": self._upload,
        }

    def advance(self, task: Task, now: datetime) -> float | None:
        if task.state == "cleaning":  # the job may have been deleted by now
            return self._clean(task)
        with self.world.store.reading() as tx:
            doc = tx.get(task.target)
        return self._steps[task.state](Job(self.world, task, doc), now)

    def _begin(self, job: Job, now: datetime) -> float | None:
        if job.task.stop:
            return self._end(job, now, "Stopped")
        if why := job.overdue(now):
            return self._end(job, now, why)
        self._move(job, now, "downloading", "Downloading", TrainingStartTime=job.doc.get("TrainingStartTime", now))
        return None

    def _download(self, job: Job, now: datetime) -> float | None:
        if not job.begun:  # else we were killed just after it began: what it works on is to be left alone
            try:
                if not self.world.background.done(f"{job.task.id}/in", job.stage):
                    return None
            except DataFailed as problem:
                return self._end(job, now, "Failed", str(problem))
            if job.task.stop:
                return self._end(job, now, "Stopped")
        try:
            notice = job.start()
        except AwsError as problem:  # the image's library was there when the job was made
            return self._end(job, now, "Failed", f"ClientError: {problem.message}")
        self._move(job, now, "running", "Training", notice)
        return None

    def _run(self, job: Job, now: datetime) -> float | None:
        endings = job.endings()
        over = None not in endings.values()
        data = self._halted(job, now, over)
        if data:
            job.stop(hard=now - datetime.fromtimestamp(data["halted"], UTC) >= GRACE)
        elif any(ending and not ending.ok for ending in endings.values()):
            job.stop(hard=True)
        whole = self._ship(job, now, over)
        if not over or not whole:
            self._sync(job, now)
            return None if over or now - job.began < EAGER else SLOW
        why = "Stopped" if job.task.stop else data.get("why")
        status, reason = job.outcome(endings, why)
        with self.world.store.writing() as tx:
            if status == "Interrupted":
                tx.move(job.task.id, "saving")
            elif reason == LOST and job.task.data.get("retries", 0) < job.retries:
                tx.move(job.task.id, "saving", retries=job.task.data.get("retries", 0) + 1)
            else:
                tx.move(job.task.id, "uploading", status=status, reason=reason)
                tx.put(job.key, transitions.to(tx.get(job.key), "Uploading", now), now)
        return None

    def _halted(self, job: Job, now: datetime, over: bool) -> dict[str, Any]:
        """When and why the job was told to end; {}: it was not."""
        data = job.task.data
        if "halted" in data:
            return data
        why = "Stopped" if job.task.stop else job.overdue(now)
        if why is None and "away" in data and not over:
            why = "Interrupted"
        if why is None:
            return {}
        halted = {"halted": now.timestamp(), "why": why}
        status = "Interrupted" if why == "Interrupted" else "Stopping"
        with self.world.store.writing() as tx:
            tx.move(job.task.id, "running", **halted)
            tx.put(job.key, transitions.to(tx.get(job.key), status, now), now)
        return halted

    def _save(self, job: Job, now: datetime) -> float | None:
        try:
            if "CheckpointConfig" in job.doc:
                if not self.world.background.done(f"{job.task.id}/saved", job.save_checkpoints):
                    return None
        except DataFailed as problem:
            return self._end(job, now, "Failed", str(problem))
        with self.world.store.writing() as tx:
            tx.move(job.task.id, "clearing")
        return None

    def _clear(self, job: Job, now: datetime) -> float | None:
        """The next attempt is as the first: it finds its data, its checkpoints, and nothing else."""
        self._remove(job.task.id, [host.name for host in job.hosts])
        due = now + timedelta(seconds=job.task.data.get("away", 0))
        if (limit := job.waits_until) is not None:
            due = max(now, min(due, limit))
        self._move(job, now, "waiting", "Starting")
        with self.world.store.writing() as tx:
            if tx.get(job.key)["TrainingJobStatus"] == "InProgress":  # else it was stopped, and is due now
                tx.delay(job.task.id, due)
        return None

    def _ship(self, job: Job, now: datetime, over: bool) -> bool:
        """True when the logs were read to their end: lines and offsets are written down together."""
        offsets = dict(job.task.data.get("offsets", {}))
        sizes = {host.name: _size(job.log(host)) for host in job.hosts}
        if all(offsets.get(name, 0) >= size for name, size in sizes.items()):
            return True
        with self.world.store.writing() as tx:
            for host in job.hosts:
                offset = offsets.get(host.name, 0)
                offsets[host.name] = joblogs.ship(tx, job.stream(host), job.log(host), offset, now, over)
            if offsets != job.task.data.get("offsets", {}):
                tx.move(job.task.id, "running", offsets=offsets)
        return all(offsets[name] >= size for name, size in sizes.items())

    def _sync(self, job: Job, now: datetime) -> None:
        if "CheckpointConfig" not in job.doc:
            return
        last = datetime.fromtimestamp(job.task.data.get("synced", job.began.timestamp()), UTC)
        if now - last < SYNC:
            return
        try:
            if not self.world.background.done(f"{job.task.id}/checkpoints", job.save_checkpoints):
                return
        except (DataFailed, OSError):
            pass  # tried again in a while, and at the end in earnest
        with self.world.store.writing() as tx:
            tx.move(job.task.id, "running", synced=now.timestamp())

    def _upload(self, job: Job, now: datetime) -> float | None:
        data = job.task.data
        try:
            if not self.world.background.done(f"{job.task.id}/out", partial(job.deliver, data["status"])):
                return None
        except DataFailed as problem:
            return self._end(job, now, "Failed", data.get("reason") or str(problem))
        status = "Stopped" if job.task.stop and data["status"] == "Completed" else data["status"]
        return self._end(job, now, status, data.get("reason"), **job.results(now, status))

    def _end(self, job: Job, now: datetime, status: str, reason: str | None = None, **members: Any) -> float | None:
        if reason:
            members["FailureReason"] = reason[:REASON]
        with self.world.store.writing() as tx:
            doc = transitions.to(tx.get(job.key), status, now)
            doc |= _times(doc, now) | members
            tx.put(job.key, doc, now)
            record(tx, job.key, doc, now)
            tx.move(job.task.id, "cleaning", hosts=[host.name for host in job.hosts])
        return None

    def _clean(self, task: Task) -> float | None:
        self._remove(task.id, task.data["hosts"])
        with self.world.store.writing() as tx:
            tx.move(task.id, "ended", token=None)
        return None

    def _remove(self, task_id: str, hosts: list[str]) -> None:
        for host in hosts:
            self.world.processes.forget(f"{task_id}/{host}")
        shutil.rmtree(self.world.root / "jobs" / task_id, ignore_errors=True)

    def _move(self, job: Job, now: datetime, state: str, status: str, notice: str = "", **members: Any) -> None:
        with self.world.store.writing() as tx:
            if notice:
                journal.append(tx, *job.stream(job.hosts[0]), [(journal.milliseconds(now), notice)], now)
            doc = tx.get(job.key)
            if doc["TrainingJobStatus"] == "InProgress":  # else it is Stopping, and stays so
                doc = transitions.to(doc, status, now)
            tx.put(job.key, doc | members, now)
            forgotten = dict.fromkeys(ATTEMPT) if state == "waiting" else {}
            tx.move(job.task.id, state, **forgotten)


def _times(doc: dict[str, Any], now: datetime) -> dict[str, Any]:
    """What is known at the end; Billable is less than Training by what Spot instances cost less."""
    times: dict[str, Any] = {"TrainingEndTime": now}
    if "TrainingStartTime" in doc:
        seconds = transitions.spent(doc, transitions.ON_INSTANCES, now)
        times["TrainingTimeInSeconds"] = ceil(seconds)
        times["BillableTimeInSeconds"] = ceil(billable(seconds, doc["EnableManagedSpotTraining"]))
    if "WarmPoolStatus" in doc:  # nothing is kept warm, and nothing is billed
        times["WarmPoolStatus"] = {"Status": "Terminated", "ResourceRetainedBillableTimeInSeconds": 0}
    return times


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
