"""Makes the next training jobs of a tuning job: chooses their hyperparameters, checks what anyone's training job is
checked for, and writes the job, its task and its trial down together."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from skylab.compute.world import World
from skylab.kernel.key import Key
from skylab.services.sagemaker.training import operations as training
from skylab.services.sagemaker.tuning import progress, trials, warmstart
from skylab.services.sagemaker.tuning.definitions import child_key, child_request, definitions, search
from skylab.services.sagemaker.tuning.ranges import combinations
from skylab.wire.errors import AwsError


class Launching:
    def __init__(self, world: World, tuning: Key, now: datetime) -> None:
        self.world, self.key, self.now = world, tuning, now
        self._clients: dict[tuple[str, str], Any] = {}  # by role and service

    def fill(self, count: int) -> None:
        """Makes so many training jobs; one that cannot be made ends the tuning job."""
        try:
            for _ in range(count):
                self._launch()
        except AwsError as problem:
            with self.world.store.writing() as tx:
                doc = tx.get(self.key)
                doc["_"].setdefault("ending", {"status": "Failed", "reason": f"ClientError: {problem.message}"[:1024]})
                tx.put(self.key, doc, self.now)

    def _launch(self) -> None:
        with self.world.store.reading() as tx:
            doc = tx.get(self.key)
            every = trials.every(tx, self.key)
            known = tx.get(self.key._replace(type=warmstart.TYPE))["known"] if "WarmStartConfig" in doc else []
        made = doc["_"]["made"]
        number, index = sum(made) + 1, _next(doc)
        definition = definitions(doc)[index]
        own = [trial for trial in every if trial["_"]["definition"] == index]
        tuned = self._proposed(doc, definition, made[index] + 1, own, known[index] if known else [])
        child = child_key(self.key, doc, number)
        request = child_request(child, definition, tuned, doc["_"]["tags"])
        job = training.checked(child, request, self._assume(definition["RoleArn"]), self.now)
        job["TuningJobArn"] = doc["HyperParameterTuningJobArn"]
        with self.world.store.writing() as tx:
            doc = tx.get(self.key)
            if sum(doc["_"]["made"]) != number - 1 or doc["HyperParameterTuningJobStatus"] != "InProgress":
                return
            training.begin(tx, child, job, self.world.ids.new, self.now)
            trial = trials.made(job, self.key, definition, index, tuned)
            tx.create(trials.key(self.key, number), trial, self.now)
            doc = progress.launched(doc, number, child.name, index)
            tx.put(self.key, doc | {"LastModifiedTime": self.now}, self.now)

    def _proposed(self, doc: Any, definition: Any, number: int, own: list[Any], known: list[Any]) -> dict[str, str]:
        """number: among those of its definition. own: its training jobs so far. known: its parents'."""
        chooser = search(doc, definition)
        if known and doc["WarmStartConfig"]["WarmStartType"] != warmstart.IDENTICAL:
            first = warmstart.worth_trying(known, list(chooser.ranges))
            if number <= len(first):
                return first[number - 1]
            known = []
        return chooser.propose(number, trials.tried([*known, *own], list(chooser.ranges)))

    def _assume(self, role: str) -> training.Assume:
        def client(service: str) -> Any:
            if (role, service) not in self._clients:
                self._clients[role, service] = self.world.assume(service, self.key.region, role, "SageMaker")
            return self._clients[role, service]

        return client


def _next(doc: dict[str, Any]) -> int:
    """The place of the definition whose turn it is: they take turns, as long as a grid has something left."""
    made, every = doc["_"]["made"], definitions(doc)
    grid = doc["HyperParameterTuningJobConfig"]["Strategy"] == "Grid"
    open = [i for i, each in enumerate(every) if not grid or made[i] < combinations(search(doc, each).ranges)]
    return min(open, key=lambda place: made[place])
