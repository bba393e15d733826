"""The work behind an endpoint: one task deploys one configuration and keeps its replicas running until it is stopped.

An update is a second task beside the first. When all its replicas are healthy, one transaction points the endpoint at
it and stops the first; when one of them is not, it goes away, and the first has served all along. With a deployment
policy the traffic moves by and by (shifts.py), in the same way: what requests read and how far it is are one document.
"""

import shutil
from datetime import datetime
from typing import Any

from skylab.compute.world import World
from skylab.kernel import journal
from skylab.kernel.key import Key
from skylab.kernel.store import Task, Transaction
from skylab.services.sagemaker import records
from skylab.services.sagemaker.hosting import capacity, deployments, documents, routes, serverless
from skylab.services.sagemaker.hosting.artifacts import Unavailable, fetch
from skylab.services.sagemaker.hosting.capturing import capture_key
from skylab.services.sagemaker.hosting.health import Health
from skylab.services.sagemaker.hosting.replicas import Replica, folder, fresh, models
from skylab.wire.errors import AwsError

WATCH = 0.25  # seconds between two looks at replicas that are well
DRAIN = 0.25  # seconds for requests that were about to be sent when the routing changed
BUSY = 480.0  # seconds for requests that a replica is still answering: as long as AWS gives a streamed answer
GRACE = 30.0  # seconds from SIGTERM to SIGKILL
UNHEALTHY = (
    "The primary container for production variant {} did not pass the ping health check. "
    "Please check CloudWatch logs for this endpoint."
)
LATE = "The deployment did not complete within MaximumExecutionTimeoutInSeconds."
SLOW = "Failed to download model data for production variant {} within ModelDataDownloadTimeoutInSeconds."


class Fleet:
    def __init__(self, world: World) -> None:
        self.world = world
        self.health = Health(world.background)

    def advance(self, task: Task, now: datetime) -> float | None:
        if task.stop is not None or task.state == "leaving":
            return self._leave(task, now)
        self._ship(task, now)
        if task.state == "waiting":
            return self._fetch(task, now)
        return self._converge(task, now)

    def _fetch(self, task: Task, now: datetime) -> float | None:
        data, world = task.data, self.world

        def all_models() -> None:
            try:
                s3 = world.assume("s3", task.target.region, data["role"], "SageMaker")
            except AwsError as denial:
                raise Unavailable(denial.message) from None
            for index, variant in enumerate(data["variants"]):
                fetch(s3, variant, models(world, task) / str(index))

        if slow := self._slow(task, now):
            self._fail(task, slow, now)
            return None
        try:
            if world.background.done(f"{task.id}/models", all_models):
                with world.store.writing() as tx:
                    tx.move(task.id, "deploying")
        except Unavailable as problem:
            self._fail(task, str(problem), now)
        return None

    def _slow(self, task: Task, now: datetime) -> str:
        """Why a fleet that fetches its models has taken too long; empty where it has not."""
        since = now.timestamp() - task.data["began"]
        for index, variant in enumerate(task.data["variants"]):
            if since > (variant["download"] or since) and not (models(self.world, task) / str(index)).exists():
                return SLOW.format(variant["name"])
        return LATE if self._late(task, now) else ""

    def _late(self, task: Task, now: datetime) -> bool:
        limit = deployments.limit(task.data["deployment"])
        return limit is not None and now.timestamp() - task.data["began"] > limit

    def _converge(self, task: Task, now: datetime) -> float | None:
        with self.world.store.reading() as tx:
            doc = tx.get(endpoint_key(task))
        if task.state != "serving" and self._late(task, now) and not documents.turned(doc):
            self._fail(task, LATE, now)
            return None
        wanted = _wanted(task, doc, now)
        replicas = {slot: Replica(task, slot, known, self.world) for slot, known in task.data["replicas"].items()}
        changes: dict[str, Any] = {slot: self._step(task, each, wanted, doc, now) for slot, each in replicas.items()}
        for slot in sorted(wanted.keys() - replicas.keys()):
            first = "-".join(slot.split("-")[:2])  # containers of one instance have one id
            instance = (task.data["replicas"].get(first) or changes.get(first) or {}).get("instance")
            instance = instance or f"i-{self.world.ids.new():0>17}"
            changes[slot] = fresh(wanted[slot], instance, now.timestamp())
        for slot, change in changes.items():
            if change and change.get("state") == "died":
                self._fail(task, UNHEALTHY.format(replicas[slot].known["variant"]), now)
                return None
        changes = {slot: change for slot, change in changes.items() if change != {}}
        return self._record(task, changes, wanted, now)

    def _step(
        self, task: Task, replica: Replica, wanted: dict[str, Any], doc: dict[str, Any], now: datetime
    ) -> dict[str, Any] | None:
        """{}: no change; None: it is gone; state "died": the fleet's change has failed."""
        at = now.timestamp()
        if replica.slot not in wanted or replica.known["state"] == "dismissed":
            return self._dismiss(replica, at)
        change = replica.advance(now)
        if not change and replica.known["state"] == "healthy":
            change = replica.checked(self.health, at)
        if change.get("state") == "died" and documents.lasting(task, replica.slot, replica.known["variant"], doc):
            self._log_end(task, replica, now)
            replica.world.processes.stop(replica.process, hard=True)
            self.health.forget(replica.process)
            return replica.rested(at)
        return change

    def _dismiss(self, replica: Replica, at: float) -> dict[str, Any] | None:
        if replica.known["state"] != "dismissed":
            return {"state": "dismissed", "since": at}
        since = at - replica.known["since"]
        if since < DRAIN or (since < BUSY and self._busy(replica)) or not replica.gone(since > BUSY + GRACE):
            return {}
        self._remove(replica)
        return None

    def _busy(self, replica: Replica) -> bool:
        """Whether it still answers requests: the traffic goes elsewhere, what it has it may finish."""
        busy: int = self.world.parts["sagemaker-runtime"]["pool"].busy(str(replica.socket))
        return busy > 0

    def _remove(self, replica: Replica) -> None:
        self.world.processes.forget(replica.process)
        self.health.forget(replica.process)
        shutil.rmtree(replica.socket.parent, ignore_errors=True)
        shutil.rmtree(folder(self.world, replica.task) / replica.slot, ignore_errors=True)

    def _record(self, task: Task, changes: dict[str, Any], wanted: dict[str, Any], now: datetime) -> float | None:
        known = {
            slot: was | (changes.get(slot) or {})
            for slot, was in ({slot: {} for slot in changes} | task.data["replicas"]).items()
            if changes.get(slot, {}) is not None
        }
        healthy = {slot for slot, each in known.items() if each["state"] == "healthy"}
        store, busy = self.world.store, bool(changes) or wanted.keys() <= healthy or task.state == "shifting"
        with store.writing() if busy else store.reading() as tx:
            doc = tx.get(endpoint_key(task))
            whole = _wanted(task, doc, now).keys() <= healthy  # it may have been changed since
            new = self._new_doc(task, doc, known, whole, now)
            if changes or new != doc:
                state = documents.state(task, new)
                tx.move(task.id, state, replicas=changes, **{"left": now.timestamp()} if state == "leaving" else {})
            if new != doc:
                if new["_"]["fleet"] != doc["_"]["fleet"]:
                    self._retire(tx, task, doc, now)
                tx.put(endpoint_key(task), new | {"LastModifiedTime": now}, now)
        return WATCH if not changes and whole else None

    def _new_doc(
        self, task: Task, doc: dict[str, Any], known: dict[str, Any], whole: bool, now: datetime
    ) -> dict[str, Any]:
        """The endpoint as these replicas make it. whole: all that are wanted are well."""
        if doc["EndpointStatus"] == "Deleting":
            return doc
        table: dict[str, list[str]] = {variant["name"]: [] for variant in task.data["variants"]}
        healthy = dict.fromkeys(table, 0)
        for slot, each in routes.serving(task, known).items():
            healthy[each["variant"]] += 1
            if not (each["unwell"] and table[each["variant"]]):
                table[each["variant"]].append(str(Replica(task, slot, each, self.world).socket))
        healthy |= capacity.counts(task, doc)
        task = routes.told(task, doc, known, self.world)
        if task.state == "serving":
            return documents.serves(task, doc, table, healthy, whole)
        if doc["_"].get("shift"):
            return documents.shifted(task, doc, table, healthy, whole, now.timestamp())
        return documents.takes_over(task, doc, table, now) if whole else doc

    def _retire(self, tx: Transaction, task: Task, doc: dict[str, Any], now: datetime) -> None:
        if before := doc["_"]["fleet"]:
            tx.stop(fleet_key(task, before), now)

    def _fail(self, task: Task, reason: str, now: datetime) -> None:
        """A change is taken back: of the capacities, of traffic that has moved already, or the whole deployment."""
        key = endpoint_key(task)
        with self.world.store.writing() as tx:
            doc = tx.get(key)
            if task.state == "serving":
                new = documents.scaled_back(doc, reason)
            elif task.state == "shifting":
                new = documents.turned_back(task, doc, reason)
            else:
                new = documents.returned(doc, reason)
                tx.move(task.id, "leaving", left=now.timestamp())
            tx.put(key, new | {"LastModifiedTime": now}, now)

    def _leave(self, task: Task, now: datetime) -> float | None:
        """All replicas end, then what they left behind goes, then the record; the last one takes a deleted endpoint."""
        at = now.timestamp()
        since = at - (task.stop or task.data["left"])
        if since < DRAIN:
            return None
        replicas = [Replica(task, slot, known, self.world) for slot, known in task.data["replicas"].items()]
        if since < BUSY and any(self._busy(replica) for replica in replicas):
            self._ship(task, now)
            return None
        if not all([replica.gone(since > BUSY + GRACE) for replica in replicas]):
            self._ship(task, now)
            return None
        for replica in replicas:
            self._log_end(task, replica, now)
        with self.world.store.writing() as tx:
            self._forget(tx, task, now)
        for replica in replicas:
            self._remove(replica)
        shutil.rmtree(folder(self.world, task), ignore_errors=True)
        return None

    def _forget(self, tx: Transaction, task: Task, now: datetime) -> None:
        tx.move(task.id, "ended", token=None)
        tx.stop(capture_key(task.target.account, task.target.region, task.data["endpoint"], task.id), now)
        key = endpoint_key(task)
        if (doc := tx.find(key)) is None:
            return
        fleets = [fleet for fleet in doc["_"]["fleets"] if fleet != task.id]
        if doc["EndpointStatus"] == "Deleting" and not fleets:
            return tx.delete(key)
        tx.put(key, doc | {"_": doc["_"] | {"fleets": fleets}}, now)

    def _ship(self, task: Task, now: datetime) -> None:
        """New whole lines of all replicas, in one transaction with how far they were read."""
        replicas = [Replica(task, slot, known, self.world) for slot, known in task.data["replicas"].items()]
        said = [(replica, *replica.said(False)) for replica in replicas]
        if not any(lines for _, lines, _ in said):
            return
        with self.world.store.writing() as tx:
            for replica, lines, offset in said:
                if lines:
                    self._append(tx, task, replica, lines, offset, now)

    def _log_end(self, task: Task, replica: Replica, now: datetime) -> None:
        while True:
            lines, offset = replica.said(True)
            if not lines:
                return
            with self.world.store.writing() as tx:
                self._append(tx, task, replica, lines, offset, now)

    def _append(
        self, tx: Transaction, task: Task, replica: Replica, lines: list[str], offset: int, now: datetime
    ) -> None:
        account, region = task.target.account, task.target.region
        events = [(journal.milliseconds(now), line) for line in lines if line]
        journal.append(tx, account, region, log_group(task.data["endpoint"]), replica.stream, events, now)
        replica.known["offset"] = offset
        tx.move(task.id, task.state, replicas={replica.slot: {"offset": offset}})


def log_group(endpoint: str) -> str:
    return f"/aws/sagemaker/Endpoints/{endpoint}"


def endpoint_key(task: Task) -> Key:
    return task.target._replace(type="endpoint", name=task.data["endpoint"])


def fleet_key(task: Task, id: str) -> Key:
    return records.fleet_key(task.target.account, task.target.region, task.data["endpoint"], id)


def _wanted(task: Task, doc: dict[str, Any], now: datetime) -> dict[str, dict[str, Any]]:
    """Slot -> variant."""
    counts = documents.counts(task, doc) | serverless.counts(task, doc, now)
    return {
        slot: variant
        for index, variant in enumerate(task.data["variants"])
        for number in range(0 if "capacity" in variant else counts[variant["name"]])
        for slot in routes.slots(index, number, variant)
    }
