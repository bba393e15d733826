"""Follows the objective of running training jobs through their logs, and stops those that are not worth it."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from skylab.compute.world import World
from skylab.kernel.key import Key
from skylab.services.sagemaker.jobs import joblogs
from skylab.services.sagemaker.training.job import streams
from skylab.services.sagemaker.training.operations import halt
from skylab.services.sagemaker.tuning import trials
from skylab.services.sagemaker.tuning.definitions import definitions, objective
from skylab.services.sagemaker.tuning.limits import MOST_RESOURCE
from skylab.services.sagemaker.tuning.stopping import Halving, behind


def watched(doc: dict[str, Any]) -> bool:
    """Whether anything depends on what the training jobs print meanwhile."""
    config = doc["HyperParameterTuningJobConfig"]
    return config["Strategy"] == "Hyperband" or config["TrainingJobEarlyStoppingType"] == "Auto"


class Watching:
    def __init__(self, world: World, tuning: Key, doc: dict[str, Any], now: datetime) -> None:
        self.world, self.key, self.doc, self.now = world, tuning, doc, now

    def look(self) -> None:
        for number, name in self.doc["_"]["running"].items():
            child_key = self.key._replace(type="training-job", name=name)
            with self.world.store.reading() as tx:
                child, trial = tx.find(child_key), tx.get(trials.key(self.key, int(number)))
                said = joblogs.said(tx, streams(child_key, child), trial["_"]["places"]) if child else None
            if said:
                self._judge(int(number), child_key, trial, said)

    def _judge(self, number: int, child_key: Key, trial: dict[str, Any], said: joblogs.Said) -> None:
        own, index = trial["_"], trial["_"]["definition"]
        metric = objective(self.doc, definitions(self.doc)[index])
        pattern = next(
            each["Regex"]
            for each in definitions(self.doc)[index]["AlgorithmSpecification"]["MetricDefinitions"]
            if each["Name"] == metric["MetricName"]
        )
        since = len(own["series"])
        own["series"] = [*own["series"], *joblogs.values(said.lines, pattern)][:MOST_RESOURCE]
        own["places"] |= said.places
        stops = len(own["series"]) > since and self._stops(trial, metric["Type"], since)
        with self.world.store.writing() as tx:
            tx.put(trials.key(self.key, number), trial, self.now)
            child = tx.find(child_key)
            if stops and child and child["TrainingJobStatus"] == "InProgress":
                halt(tx, child_key, child, self.now)

    def _stops(self, trial: dict[str, Any], type: str, since: int) -> bool:
        """With its new epochs; leaves in the trial what is to be remembered of the judgement."""
        index = trial["_"]["definition"]
        with self.world.store.reading() as tx:
            every = [each for each in trials.every(tx, self.key) if each["_"]["definition"] == index]
        if self.doc["HyperParameterTuningJobConfig"]["Strategy"] == "Hyperband":
            place = [each["TrainingJobName"] for each in every].index(trial["TrainingJobName"])
            resources = self.doc["HyperParameterTuningJobConfig"]["StrategyConfig"]["HyperbandStrategyConfig"]
            halving = Halving(f"{self.key.name}/{index}", type, resources, every)
            stops = halving.stops(place, trial["_"]["series"], since)
            trial["_"]["rungs"] = halving.rungs(place)
            return stops
        others = [each["_"]["series"] for each in every if each["TrainingJobStatus"] == "Completed"]
        series = trial["_"]["series"]
        return any(behind(series[:epoch], others, type) for epoch in range(since + 1, len(series) + 1))
