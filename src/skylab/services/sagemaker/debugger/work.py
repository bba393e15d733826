"""The work of a rule of a training job: waiting for the training to begin, running as a processing job, ended.

The processing job, its task and our own next state are one transaction, so a rule is evaluated once whatever happens.
What has become of it is read from its document, and written into that of the training job.
"""

from datetime import datetime, timedelta
from typing import Any

from skylab.compute.world import World
from skylab.kernel.key import Key
from skylab.kernel.store import Task, Transaction
from skylab.services.sagemaker.common import new_token
from skylab.services.sagemaker.debugger import asked, evaluation
from skylab.services.sagemaker.jobs.job import OVER

GRACE = timedelta(seconds=60)  # from the end of the training to that of its rules, as AWS's rules have it
LOOK = 0.25


def start(tx: Transaction, doc: dict[str, Any], key: Key, now: datetime, new_id: Any) -> None:
    """Hands each rule of a training job that was just made to its own task, in the transaction that makes it."""
    for kind in asked.KINDS:
        for rule in doc.get(f"{kind}RuleConfigurations", []):
            name = rule["RuleConfigurationName"]
            target = key._replace(type="rule-evaluation", name=f"{key.name}/{name}")
            tx.start("rule", target, now, new_id(), job=key.name, of=kind, rule=name)


class Rules:
    def __init__(self, world: World) -> None:
        self.world = world

    def advance(self, task: Task, now: datetime) -> float | None:
        training = task.target._replace(type="training-job", name=task.data["job"])
        with self.world.store.reading() as tx:
            doc = tx.find(training)
        if doc is None:  # deleted, with what it had to say of its rules
            with self.world.store.writing() as tx:
                tx.move(task.id, "ended")
            return None
        return (
            self._evaluated(task, training, doc, now)
            if task.state == "running"
            else self._begin(task, training, doc, now)
        )

    def _begin(self, task: Task, training: Key, doc: dict[str, Any], now: datetime) -> float | None:
        if not any(change["Status"] == "Training" for change in doc["SecondaryStatusTransitions"]):
            if doc["TrainingJobStatus"] not in OVER:
                return LOOK
            with self.world.store.writing() as tx:
                self._tell(tx, task, training, "Stopped", "The training job ended before it had begun to train.", now)
                tx.move(task.id, "ended")
            return None
        kind = task.data["of"]
        rules = doc[f"{kind}RuleConfigurations"]
        rule = next(each for each in rules if each["RuleConfigurationName"] == task.data["rule"])
        key = training._replace(type="processing-job", name=evaluation.job_name(doc, task.data["rule"]))
        arn = f"arn:aws:sagemaker:{key.region}:{key.account}:processing-job/{key.name}"
        job = evaluation.processing_job(doc, kind, rule, arn, now)
        with self.world.store.writing() as tx:
            tx.create(key, job, now)
            token = new_token(self.world.ids.new)
            tx.start("processing", key, now, self.world.ids.new(), role=doc["RoleArn"], token=token)
            self._tell(tx, task, training, "InProgress", "", now, RuleEvaluationJobArn=arn)
            tx.move(task.id, "running", processing=key.name)
        return LOOK

    def _evaluated(self, task: Task, training: Key, doc: dict[str, Any], now: datetime) -> float | None:
        key = training._replace(type="processing-job", name=task.data["processing"])
        with self.world.store.reading() as tx:
            job = tx.find(key)
        status = job["ProcessingJobStatus"] if job else "Stopped"
        word, details = evaluation.told(job) if job else ("Stopped", "The processing job was deleted.")
        late = status == "InProgress" and now - doc.get("TrainingEndTime", now) > GRACE
        if status in OVER or late or word != self._said(task, doc):
            with self.world.store.writing() as tx:
                self._tell(tx, task, training, word, details, now)
                if status in OVER:
                    tx.move(task.id, "ended")
                elif late:
                    tx.update(key, now, ProcessingJobStatus="Stopping")
                    tx.stop(key, now)
        return LOOK

    def _said(self, task: Task, doc: dict[str, Any]) -> str:
        each = next(s for s in doc[asked.KINDS[task.data["of"]]] if s["RuleConfigurationName"] == task.data["rule"])
        word: str = each["RuleEvaluationStatus"]
        return word

    def _tell(
        self, tx: Transaction, task: Task, training: Key, word: str, details: str, now: datetime, **more: Any
    ) -> None:
        """In the training job's document, where it says something else by now."""
        doc, member = tx.get(training), asked.KINDS[task.data["of"]]
        for each in doc[member]:
            if each["RuleConfigurationName"] != task.data["rule"]:
                continue
            if (each["RuleEvaluationStatus"], each.get("StatusDetails", "")) == (word, details) and not more:
                return
            each |= {"RuleEvaluationStatus": word, "LastModifiedTime": now} | more
            if details:
                each["StatusDetails"] = details
        tx.put(training, doc, now)
