"""The work of any job: waiting, downloading, running, uploading, cleaning, ended.

An attempt that ends without an end of the job (a Spot instance taken back, a lost host) goes from running to saving
what is to be saved, clearing its folders, and waiting again. Each step does its part of the world first, in a way that
may be repeated, then writes down that it is done."""

import shutil
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any, ClassVar

from skylab.compute.world import World
from skylab.kernel import journal
from skylab.kernel.store import Task, Transaction
from skylab.services.sagemaker.jobs import joblogs
from skylab.services.sagemaker.jobs.job import LOST, REASON, Job
from skylab.services.sagemaker.jobs.staging import DataFailed
from skylab.services.sagemaker.tracking.jobs import record
from skylab.wire.errors import AwsError

GRACE = timedelta(seconds=120)  # from SIGTERM to SIGKILL
EAGER = timedelta(seconds=1)  # so long a job is looked at at every step; later its end wakes us
SLOW = 0.25
ATTEMPT = ("halted", "why", "away", "offsets", "synced")  # what is remembered of one attempt only


class Jobs:
    """A kind of job names its class: `class Training(Jobs): job = Job`."""

    job: ClassVar[type[Job]]

    def __init__(self, world: World) -> None:
        self.world = world
        self._steps: dict[str, Callable[[Any, datetime], float | None]] = {
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
        return self._steps[task.state](self.job(self.world, task, doc), now)

    def _begin(self, job: Job, now: datetime) -> float | None:
        if job.task.stop:
            return self._end(job, now, "Stopped")
        if why := job.overdue(now):
            return self._end(job, now, why)
        started = f"{job.NAME}StartTime"
        self._move(job, now, "downloading", "Downloading", **{started: job.doc.get(started, now)})
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
        self._move(job, now, "running", "Running", notice)
        return None

    def _run(self, job: Job, now: datetime) -> float | None:
        endings = job.endings()
        over = None not in endings.values() and not job.busy
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
                self._mark(tx, job, "Uploading", now)
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
        with self.world.store.writing() as tx:
            tx.move(job.task.id, "running", **halted)
            self._mark(tx, job, "Interrupted" if why == "Interrupted" else "Stopping", now)
        return halted

    def _save(self, job: Job, now: datetime) -> float | None:
        try:
            if job.saves and not self.world.background.done(f"{job.task.id}/saved", job.save):
                return None
        except DataFailed as problem:
            return self._end(job, now, "Failed", str(problem))
        with self.world.store.writing() as tx:
            tx.move(job.task.id, "clearing")
        return None

    def _clear(self, job: Job, now: datetime) -> float | None:
        """The next attempt is as the first: it finds its data, what was saved, and nothing else."""
        self._remove(job.task.id, [host.name for host in job.hosts])
        due = now + timedelta(seconds=job.task.data.get("away", 0))
        if (limit := job.waits_until) is not None:
            due = max(now, min(due, limit))
        self._move(job, now, "waiting", "Starting")
        with self.world.store.writing() as tx:
            if tx.get(job.key)[job.status] == "InProgress":  # else it was stopped, and is due now
                tx.delay(job.task.id, due)
        return None

    def _ship(self, job: Job, now: datetime, over: bool) -> bool:
        """True when the logs were read to their end: lines and offsets are written down together."""
        offsets = dict(job.task.data.get("offsets", {}))
        logs = job.logs()
        sizes = {name: _size(path) for name, (path, _) in logs.items()}
        if all(offsets.get(name, 0) >= size for name, size in sizes.items()):
            return True
        with self.world.store.writing() as tx:
            for name, (path, stream) in logs.items():
                offsets[name] = joblogs.ship(tx, stream, path, offsets.get(name, 0), now, over)
            if offsets != job.task.data.get("offsets", {}):
                tx.move(job.task.id, "running", offsets=offsets)
        return all(offsets[name] >= size for name, size in sizes.items())

    def _sync(self, job: Job, now: datetime) -> None:
        if not job.saves:
            return
        last = datetime.fromtimestamp(job.task.data.get("synced", job.began.timestamp()), UTC)
        if now - last < job.pace:
            return
        try:
            if not self.world.background.done(f"{job.task.id}/saving", job.save):
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
            doc = job.marked(tx.get(job.key), status, now)
            doc |= job.times(doc, now) | members
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

    def _mark(self, tx: Transaction, job: Job, phase: str, now: datetime) -> None:
        tx.put(job.key, job.marked(tx.get(job.key), phase, now), now)

    def _move(self, job: Job, now: datetime, state: str, phase: str, notice: str = "", **members: Any) -> None:
        with self.world.store.writing() as tx:
            if notice:
                journal.append(tx, *job.stream(job.hosts[0]), [(journal.milliseconds(now), notice)], now)
            doc = tx.get(job.key)
            if doc[job.status] == "InProgress":  # else it is Stopping, and stays so
                doc = job.marked(doc, phase, now)
            tx.put(job.key, doc | members, now)
            forgotten = dict.fromkeys(ATTEMPT) if state == "waiting" else {}
            tx.move(job.task.id, state, **forgotten)


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0
