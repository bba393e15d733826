"""The work of a transform job: that of any job. Its programs serve, and are ended when all was asked."""

import shutil
from datetime import datetime, timedelta
from functools import partial

from skylab.services.sagemaker.jobs.work import Jobs
from skylab.services.sagemaker.transform.feeding import feed
from skylab.services.sagemaker.transform.job import PATIENCE, UNWELL, Job

SOFT = timedelta(seconds=5)  # for containers that have nothing more to do


class Transform(Jobs):
    job = Job

    def _run(self, job: Job, now: datetime) -> float | None:  # type: ignore[override]  # its own kind of job
        if fed := job.task.data.get("fed_at"):
            job.stop(hard=now.timestamp() - fed >= SOFT.total_seconds())
        elif job.busy or not (job.task.stop or job.halted) and job.well():
            if self.world.background.done(job.feeding, partial(feed, job), alone=True) and not job.halted:
                self._fed(job, now, **job.fed())
        elif now - job.began > PATIENCE and not job.halted:
            self._fed(job, now, fed="Failed", why_fed=UNWELL)
        return super()._run(job, now)

    def _fed(self, job: Job, now: datetime, **told: str) -> None:
        with self.world.store.writing() as tx:
            tx.move(job.task.id, "running", fed_at=now.timestamp(), **told)
        job.task.data.update(told, fed_at=now.timestamp())

    def _remove(self, task_id: str, hosts: list[str]) -> None:
        super()._remove(task_id, hosts)
        for host in hosts:
            shutil.rmtree(self.world.sockets / f"{task_id}-{host}", ignore_errors=True)
