"""The work of a training job: waiting, downloading, running, uploading, cleaning, ended.

Each step does its part of the world first, in a way that may be repeated, then writes down that it is done."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from math import ceil
from pathlib import Path
from typing import Any

from skylab.compute.world import World
from skylab.kernel import journal
from skylab.kernel.store import Task
from skylab.services.sagemaker import joblogs, transitions
from skylab.services.sagemaker.job import REASON, Job
from skylab.services.sagemaker.staging import DataFailed
from skylab.wire.errors import AwsError

GRACE = timedelta(seconds=120)  # from SIGTERM to SIGKILL
SYNC = timedelta(seconds=5)  # between two looks for new checkpoints
EAGER = timedelta(seconds=10)  # so long a job's end is looked for at every step
SLOW = 0.2


class Training:
    def __init__(self, world: World) -> None:
        self.world = world
        self._steps: dict[str, Callable[[Job, datetime], float | None]] = {
            "waiting": self._begin,
            "downloading": self._download,
            "running": self._run,
            "uploading": self._upload,
            "cleaning": self._clean,
        }

    def advance(self, task: Task, now: datetime) -> float | None:
        with self.world.store.reading() as tx:
            doc = tx.get(task.target)
        return self._steps[task.state](Job(self.world, task, doc), now)

    def _begin(self, job: Job, now: datetime) -> float | None:
        if job.task.stop:
            return self._end(job, now, "Stopped")
        self._move(job, now, "downloading", "Downloading", TrainingStartTime=now)
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
        data = self._halted(job, now)
        if any(ending and not ending.ok for ending in endings.values()):
            job.stop(hard=True)
        elif data:
            job.stop(hard=now - datetime.fromtimestamp(data["halted"], UTC) >= GRACE)
        over = None not in endings.values()
        whole = self._ship(job, now, over)
        if not over or not whole:
            self._sync(job, now)
            return None if over or now - job.began < EAGER else SLOW
        status, reason = job.outcome(endings, data.get("why"))
        with self.world.store.writing() as tx:
            tx.move(job.task.id, "uploading", status=status, reason=reason)
            tx.put(job.key, transitions.to(tx.get(job.key), "Uploading", now), now)
        return None

    def _halted(self, job: Job, now: datetime) -> dict[str, Any]:
        """When and why the job was told to end; {}: it was not."""
        data, why = job.task.data, None
        if "halted" in data:
            return data
        if job.task.stop:
            why = "Stopped"
        elif now - job.began >= timedelta(seconds=job.doc["StoppingCondition"]["MaxRuntimeInSeconds"]):
            why = "MaxRuntimeExceeded"
        if why is None:
            return {}
        halted = {"halted": now.timestamp(), "why": why}
        with self.world.store.writing() as tx:
            tx.move(job.task.id, "running", **halted)
            tx.put(job.key, transitions.to(tx.get(job.key), "Stopping", now), now)
        return halted

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
        started = job.doc.get("TrainingStartTime")
        times: dict[str, Any] = {"TrainingEndTime": now}
        if started:
            seconds = ceil((now - started).total_seconds())
            times |= {"TrainingTimeInSeconds": seconds, "BillableTimeInSeconds": seconds}
        if reason:
            members["FailureReason"] = reason[:REASON]
        with self.world.store.writing() as tx:
            doc = transitions.to(tx.get(job.key), status, now)
            tx.put(job.key, doc | times | members, now)
            tx.move(job.task.id, "cleaning")
        return None

    def _clean(self, job: Job, now: datetime) -> float | None:
        for host in job.hosts:
            self.world.processes.forget(job.process(host))
        shutil.rmtree(job.folder, ignore_errors=True)
        with self.world.store.writing() as tx:
            tx.move(job.task.id, "ended", token=None)
        return None

    def _move(self, job: Job, now: datetime, state: str, status: str, notice: str = "", **members: Any) -> None:
        with self.world.store.writing() as tx:
            if notice:
                journal.append(tx, *job.stream(job.hosts[0]), [(journal.milliseconds(now), notice)], now)
            doc = tx.get(job.key)
            if doc["TrainingJobStatus"] == "InProgress":  # else it is Stopping, and stays so
                doc = transitions.to(doc, status, now)
            tx.put(job.key, doc | members, now)
            tx.move(job.task.id, state)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
