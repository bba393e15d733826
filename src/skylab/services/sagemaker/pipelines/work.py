"""The execution of a pipeline: one task, which looks at its steps whenever something is committed.

Each look moves every step that can be moved, begins those that may begin, and ends the execution when none is left.
What takes longer (calls as the pipeline's role, files in S3) is done beside, step by step, by acts.py.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from typing import Any

from skylab.compute.supervisor import WATCH
from skylab.compute.world import World
from skylab.kernel.key import Key
from skylab.kernel.store import Task, Transaction
from skylab.services.sagemaker.pipelines import names, records
from skylab.services.sagemaker.pipelines.acts import Act
from skylab.services.sagemaker.pipelines.clients import Clients
from skylab.services.sagemaker.pipelines.language import definition
from skylab.services.sagemaker.pipelines.language.definition import Definition
from skylab.services.sagemaker.pipelines.language.expressions import JSON_GET, found
from skylab.services.sagemaker.pipelines.language.kinds import KINDS
from skylab.services.sagemaker.pipelines.language.steps import Step
from skylab.services.sagemaker.pipelines.run import Run

PATIENCE = timedelta(
    days=7
)  # of a Callback step: https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps-types.html
KEPT = 64  # definitions
ENDS = {"Completed", "Failed", "Stopped"}


class Executor:
    def __init__(self, world: World) -> None:
        self.world, self.clients = world, Clients(world)
        self._definitions: dict[tuple[Key, datetime], Definition] = {}  # only spares reading them again

    def advance(self, task: Task, now: datetime) -> float | None:
        while True:
            with self.world.store.reading() as tx:
                run = self._load(tx, task.target)
                ended = {doc["StepName"] for doc in run.active if _over(tx, task.target, run, doc)}
            moved = [self._move(run, doc, doc["StepName"] in ended, now) for doc in run.active]
            if not any(moved) and not self._begin(run, now):
                break
        if (outcome := run.outcome) is None:
            return WATCH
        status, reason = outcome
        with self.world.store.writing() as tx:
            tx.update(task.target, now, PipelineExecutionStatus=status, FailureReason=reason)
            tx.move(task.id, "ended")
        return None

    def _load(self, tx: Transaction, key: Key) -> Run:
        doc = tx.get(key)
        number = f"{doc['_']['pipeline']}/{doc['PipelineVersionId']:09d}"
        steps = tx.all(key.account, key.region, key.service, names.STEP, f"{key.name}/")
        read = self._definition(tx, key._replace(type=names.VERSION, name=number))
        return Run(key, doc, read, {step["StepName"]: step for step in steps})

    def _definition(self, tx: Transaction, key: Key) -> Definition:
        version = tx.get(key)
        known = key, version["CreationTime"]
        if known not in self._definitions:
            while len(self._definitions) >= KEPT:
                self._definitions.pop(next(iter(self._definitions)))
            self._definitions[known] = definition.parse(version["PipelineDefinition"])
        return self._definitions[known]

    def _begin(self, run: Run, now: datetime) -> bool:
        """Writes down that steps begin, before anything of them happens."""
        steps = run.startable()
        if not steps:
            return False
        number = max((doc["_"]["n"] for doc in run.steps.values()), default=-1) + 1
        with self.world.store.writing() as tx:
            for count, step in enumerate(steps, number):
                attempt = run.doc["_"]["tried"].get(step.name, 0) + 1
                records.begin(tx, run.key, step, count, attempt, self.world.ids.new()[:10], now)
        return True

    def _move(self, run: Run, doc: dict[str, Any], over: bool, now: datetime) -> bool:
        """Whether something has become of the step."""
        step = run.definition.steps[doc["StepName"]]
        act = Act(self.world, self.clients, run, step, now)
        if doc["StepStatus"] == "Starting":
            if doc["_"].get("due", now) > now and not run.stopping:
                return False
            if _at_once(step):
                act.begin()
                return True
            return self._beside(run, doc, act.begin)
        if over:
            return self._beside(run, doc, act.end)
        if step.type == "Callback" and now >= doc["StartTime"] + PATIENCE:
            return self._beside(run, doc, act.expire)
        if run.stopping and doc["StepStatus"] == "Executing":
            return self._beside(run, doc, act.stop)
        return False

    def _beside(self, run: Run, doc: dict[str, Any], effect: Any) -> bool:
        """One thing at a time for a step."""
        key = f"{run.key}/{doc['StepName']}/{doc['AttemptCount']}"
        return self.world.background.done(key, partial(effect))


class Again:
    """Comes due when a step's next attempt does: the commit that ends it wakes the executor."""

    def __init__(self, world: World) -> None:
        self.world = world

    def advance(self, task: Task, now: datetime) -> float | None:
        with self.world.store.writing() as tx:
            tx.move(task.id, "ended")
        return None


def _at_once(step: Step) -> bool:
    """Whether all that it takes is known already."""
    return step.type in ("Condition", "Fail") and not any(name == JSON_GET for name, _ in found(step.arguments))


def _over(tx: Transaction, key: Key, run: Run, doc: dict[str, Any]) -> bool:
    """Whether the job of a step has ended, or is gone: a look at its status alone."""
    kind = KINDS.get(run.definition.steps[doc["StepName"]].type)
    if kind is None or not kind.status or doc["StepStatus"] == "Starting":
        return False
    row = tx.db.execute(
        "select json_extract(doc, ?) from resource where (account, region, service, type, name) = (?, ?, ?, ?, ?)",
        (f"$.{kind.status}", *key._replace(type=kind.key, name=doc["_"]["name"])),
    ).fetchone()
    return row is None or row[0] in ENDS
