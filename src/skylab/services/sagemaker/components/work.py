"""The work behind an inference component: one task for its life, which keeps its copies as a fleet keeps its replicas.

A change of what it runs is a new generation of copies beside the old one: these go when those are all well. slots are
"<generation>-<number>"; which instance each has is written into the component's document (placed).
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any

from skylab.kernel import journal
from skylab.kernel.key import Key
from skylab.kernel.store import Task, Transaction
from skylab.services.sagemaker.components import placement
from skylab.services.sagemaker.hosting.artifacts import Unavailable, fetch
from skylab.services.sagemaker.hosting.fleet import WATCH, Fleet
from skylab.services.sagemaker.hosting.replicas import Replica, fresh, models
from skylab.wire.errors import AwsError

Doc = dict[str, Any]
COPIES = "component-copies"
UNHEALTHY = (
    "The container of inference component {} did not pass the ping health check. Please check CloudWatch logs for it."
)
SLOW = "Failed to download model data of inference component {} within ModelDataDownloadTimeoutInSeconds."


def copies_key(component: Key) -> Key:
    """The target of the task that keeps a component's copies."""
    return component._replace(type=COPIES)


def component_key(task: Task) -> Key:
    return task.target._replace(type="inference-component")


class Copies(Fleet):
    def advance(self, task: Task, now: datetime) -> float | None:
        if task.stop is not None:
            return self._leave(task, now)
        self._ship(task, now)
        with self.world.store.reading() as tx:
            private = tx.get(component_key(task))["_"]
        if private["generation"] >= len(task.data["variants"]):
            return None  # it is newer than what we were told
        fetched = self._fetched(task, private, now)
        with self.world.store.reading() as tx:
            doc, news = _placed(tx, task, fetched)
        if news:
            with self.world.store.writing() as tx:
                doc, news = _placed(tx, task, fetched)
                if doc and news:
                    tx.put(component_key(task), doc, now)
        return self._keep(task, doc, fetched, now) if doc else WATCH

    def _fetched(self, task: Task, private: Doc, now: datetime) -> int:
        """The generation to keep: what is wanted, or as long as its model is not here the last good one; -1: none."""
        newest: int = private["generation"]
        good: int = private["good"]
        plan, folder = task.data["variants"][newest], models(self.world, task) / str(newest)
        if folder.exists():
            return newest
        late = now.timestamp() - task.data["began"] > (plan["download"] or float("inf"))

        def bring() -> None:
            try:
                s3 = self.world.assume("s3", task.target.region, plan["role"], "SageMaker")
            except AwsError as denial:
                raise Unavailable(denial.message) from None
            fetch(s3, plan, folder)

        try:
            if late:
                raise Unavailable(SLOW.format(task.data["component"]))
            if self.world.background.done(f"{task.id}/models/{newest}", bring):
                return newest
        except Unavailable as problem:
            self._turn_back(task, str(problem), now)
        return good

    def _keep(self, task: Task, doc: Doc, fetched: int, now: datetime) -> float | None:
        wanted = _wanted(task, doc, fetched)
        replicas = {slot: Replica(task, slot, known, self.world) for slot, known in task.data["replicas"].items()}
        changes: dict[str, Any] = {slot: self._one(doc, each, wanted, now) for slot, each in replicas.items()}
        for slot in sorted(wanted - replicas.keys()):
            plan = task.data["variants"][int(slot.split("-")[0])]
            changes[slot] = fresh(plan, _instance(doc, slot), now.timestamp())
        if any(change and change.get("state") == "died" for change in changes.values()):
            self._turn_back(task, UNHEALTHY.format(doc["InferenceComponentName"]), now)
            return None
        changes = {slot: change for slot, change in changes.items() if change != {}}
        known = {
            slot: was | (changes.get(slot) or {})
            for slot, was in ({slot: {} for slot in changes} | task.data["replicas"]).items()
            if changes.get(slot, {}) is not None
        }
        return self._told(task, changes, known, now)

    def _one(self, doc: Doc, replica: Replica, wanted: set[str], now: datetime) -> dict[str, Any] | None:
        """As Fleet._step; a copy that has just been asked for and does not come up ends the change."""
        at = now.timestamp()
        if replica.slot not in wanted or replica.known["state"] == "dismissed":
            return self._dismiss(replica, at)
        change = replica.advance(now)
        if not change and replica.known["state"] == "healthy":
            change = replica.checked(self.health, at)
        lasting = doc["InferenceComponentStatus"] == "InService" or replica.known.get("lived")
        if change.get("state") == "died" and lasting:
            self._log_end(replica.task, replica, now)
            self.world.processes.stop(replica.process, hard=True)
            self.health.forget(replica.process)
            return replica.rested(at)
        return change | ({"lived": True} if change.get("state") == "healthy" else {})

    def _told(self, task: Task, changes: Doc, known: Doc, now: datetime) -> float | None:
        with self.world.store.writing() as tx:
            before = tx.get(component_key(task))
            if before["InferenceComponentStatus"] != "Deleting":
                doc = _shown(task, before, known, self)
                if doc != before:
                    tx.put(component_key(task), doc | {"LastModifiedTime": now}, now)
            if changes:
                tx.move(task.id, "serving", replicas=changes)
        return None if changes else WATCH

    def sockets(self, task: Task, known: Doc) -> list[str]:
        order = sorted(known.items(), key=lambda item: bool(item[1].get("unwell")))
        well = [slot for slot, each in order if each["state"] == "healthy"]
        return [str(Replica(task, slot, known[slot], self.world).socket) for slot in well]

    def _turn_back(self, task: Task, reason: str, now: datetime) -> None:
        """What the change brought goes: a component that is new has failed, another one keeps what it had."""
        with self.world.store.writing() as tx:
            doc = tx.get(component_key(task))
            if doc["InferenceComponentStatus"] == "Deleting":
                return
            new, private = doc["InferenceComponentStatus"] == "Creating", doc["_"]
            runtime = doc["RuntimeConfig"] | {"DesiredCopyCount": doc["RuntimeConfig"]["CurrentCopyCount"]}
            if not new:
                back = private | {"generation": private["good"]}
                doc = doc | {"Specification": private["specification"], "_": back}
            status = "Failed" if new else "InService"
            changes = {"InferenceComponentStatus": status, "FailureReason": reason[:1024], "RuntimeConfig": runtime}
            tx.put(component_key(task), doc | changes | {"LastModifiedTime": now}, now)

    def _forget(self, tx: Transaction, task: Task, now: datetime) -> None:
        tx.move(task.id, "ended", token=None)
        if tx.find(component_key(task)) is not None:
            tx.delete(component_key(task))

    def _append(
        self, tx: Transaction, task: Task, replica: Replica, lines: list[str], offset: int, now: datetime
    ) -> None:
        group = f"/aws/sagemaker/InferenceComponents/{task.data['component']}"
        events = [(journal.milliseconds(now), line) for line in lines if line]
        journal.append(tx, task.target.account, task.target.region, group, replica.stream, events, now)
        replica.known["offset"] = offset
        tx.move(task.id, task.state, replicas={replica.slot: {"offset": offset}})


def _instance(doc: Doc, slot: str) -> str:
    """An instance's id: of those who are on it, the same."""
    place = f"{doc['EndpointArn']}/{doc['VariantName']}/{doc['_']['placed'].get(slot)}"
    return "i-" + hashlib.sha256(place.encode()).hexdigest()[:17]


def _slots(doc: Doc, generation: int) -> list[str]:
    return [f"{generation}-{number}" for number in range(doc["RuntimeConfig"]["DesiredCopyCount"])]


def _placed(tx: Transaction, task: Task, generation: int) -> tuple[Doc | None, bool]:
    """(the component's document with a place for each copy that finds one, whether that is news). None where there is
    nothing to keep."""
    key = component_key(task)
    doc = tx.find(key)
    endpoint = tx.find(key._replace(type="endpoint", name=task.data["endpoint"]))
    if doc is None or endpoint is None or generation < 0:
        return None, False
    slots = [] if doc["InferenceComponentStatus"] == "Failed" else _slots(doc, generation)
    chosen = placement.placed(placement.rooms(tx, endpoint, doc), doc, slots)
    return doc | {"_": doc["_"] | {"placed": chosen}}, chosen != doc["_"]["placed"]


def _wanted(task: Task, doc: Doc, generation: int) -> set[str]:
    """The copies that have a place; of the generation before, as long as those are not all well."""
    wanted = set(doc["_"]["placed"])
    known = task.data["replicas"]
    if all(known.get(slot, {}).get("state") == "healthy" for slot in wanted):
        return wanted
    return wanted | {slot for slot in known if int(slot.split("-")[0]) != generation}


def _shown(task: Task, doc: Doc, known: Doc, work: Copies) -> Doc:
    """The component as its copies make it."""
    wanted, placed = doc["RuntimeConfig"]["DesiredCopyCount"], doc["_"]["placed"]
    newest = doc["_"]["generation"]
    current = {slot for slot in placed if known.get(slot, {}).get("state") == "healthy"}
    old = [slot for slot, each in known.items() if slot not in placed and each["state"] == "healthy"]
    private = doc["_"] | {"sockets": work.sockets(task, known)}
    runtime = doc["RuntimeConfig"] | {"CurrentCopyCount": len(current) or len(old)}
    new = doc | {"_": private, "RuntimeConfig": runtime}
    whole = current == set(placed) and all(slot.startswith(f"{newest}-") for slot in placed)
    if doc["InferenceComponentStatus"] in ("Creating", "Updating") and whole:
        new["InferenceComponentStatus"] = "InService"
        private |= {"specification": doc["Specification"], "good": newest}
        if len(placed) < wanted:
            reason = placement.FULL.format(wanted - len(placed), wanted, doc["InferenceComponentName"])
            new["FailureReason"] = reason
            if doc["InferenceComponentStatus"] == "Creating":
                new["InferenceComponentStatus"] = "Failed"
    return new
