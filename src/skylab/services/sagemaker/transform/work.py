"""The work of a transform job: that of any job. Its programs serve, and are ended when all was asked."""

import shutil
from datetime import datetime, timedelta
from functools import partial

from skylab.compute.world import World
from skylab.services.sagemaker.jobs.work import Jobs
from skylab.services.sagemaker.transform.feeding import feed
from skylab.services.sagemaker.transform.job import PATIENCE, UNWELL, Job

SOFT = timedelta(seconds=5)  # for containers that have nothing more to do


class Transform(Jobs):
    job = Job

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self._well: set[str] = set()  # processes; who is forgotten is asked again

    def _run(self, job: Job, now: datetime) -> float | None:  # type: ignore[override]  # its own kind of job
        if fed := job.task.data.get("fed_at"):
            job.stop(hard=now.timestamp() - fed >= SOFT.total_seconds())
        elif job.busy or not (job.task.stop or job.halted) and self._all_well(job):
            if self.world.background.done(job.feeding, partial(feed, job), alone=True) and not job.halted:
                self._fed(job, now, **job.fed())
        elif now - job.began > PATIENCE and not job.halted:
            self._fed(job, now, fed="Failed", why_fed=UNWELL)
        return super()._run(job, now)

    def _all_well(self, job: Job) -> bool:
        processes = {job.process(host): host for host in job.hosts}
        self._well |= {id for id, host in processes.items() if id not in self._well and job.answers(host)}
        return processes.keys() <= self._well

    def _fed(self, job: Job, now: datetime, **told: str) -> None:
        with self.world.store.writing() as tx:
            tx.move(job.task.id, "running", fed_at=now.timestamp(), **told)
        job.task.data.update(told, fed_at=now.timestamp())

    def _remove(self, task_id: str, hosts: list[str]) -> None:
        super()._remove(task_id, hosts)
        self._well -= {f"{task_id}/{host}" for host in hosts}
        for host in hosts:
            shutil.rmtree(self.world.sockets / f"{task_id}-{host}", ignore_errors=True)
