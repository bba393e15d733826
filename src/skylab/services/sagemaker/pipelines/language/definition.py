"""A pipeline definition, read and checked as a whole: parameters, steps, and which steps wait for which.

    text → JSON → parameters → steps, those inside conditions too → arguments → references → an order without cycles

https://aws-sagemaker-mlops.github.io/sagemaker-model-building-pipeline-definition-JSON-schema/
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from graphlib import CycleError, TopologicalSorter
from typing import Any

from skylab.services.sagemaker.pipelines.language import expressions, parameters
from skylab.services.sagemaker.pipelines.language.expressions import Known
from skylab.services.sagemaker.pipelines.language.parameters import Parameter
from skylab.services.sagemaker.pipelines.language.steps import Step, parse_steps
from skylab.services.sagemaker.pipelines.language.words import unreadable

VERSION = "2020-12-01"
MEMBERS = {"Version", "Metadata", "Parameters", "PipelineExperimentConfig", "MlflowConfig", "Steps"}
DEEPEST = 64


@dataclass(frozen=True)
class Definition:
    """steps: all of them by name, each after those that it waits for."""

    parameters: Mapping[str, Parameter]
    steps: Mapping[str, Step]
    experiment: Mapping[str, Any] = field(default_factory=dict)

    @property
    def known(self) -> Known:
        return Known(self.parameters, self.steps)

    def ancestors(self, names: Iterable[str]) -> set[str]:
        """All that these steps wait for, directly or not."""
        found: set[str] = set()
        todo = list(names)
        while todo:
            new = self.steps[todo.pop()].before - found
            found |= new
            todo += new
        return found


def parse(text: str) -> Definition:
    """Raises AwsError, in SageMaker's words where they are known."""
    try:
        given = json.loads(text)
    except (ValueError, RecursionError):
        raise unreadable("Invalid Json.") from None
    _check_depth(given, DEEPEST)
    if not isinstance(given, dict):
        raise unreadable("Expecting start of Json Object.")
    for member in given.keys() - MEMBERS:
        raise unreadable(f"Unknown Definition member '{member}'.")
    if (version := given.get("Version", VERSION)) != VERSION:
        raise unreadable(f"Unknown version [{version}], known is [{VERSION}].")
    if given.get("MlflowConfig"):
        raise unreadable("MlflowConfig is not offered yet.")
    if not isinstance(given.get("Parameters") or [], list) or not isinstance(given.get("Steps"), list):
        raise unreadable("Expecting start of Json Array.")
    declared = parameters.parse(given.get("Parameters"))
    steps = parse_steps(given["Steps"])
    experiment = given.get("PipelineExperimentConfig") or {}
    _check_references(Known(declared, steps), experiment)
    return Definition(declared, _ordered(steps), experiment)


def _check_depth(value: Any, left: int) -> None:
    if not left:
        raise unreadable("It is nested too deeply.")
    for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
        _check_depth(item, left - 1)


def _check_references(known: Known, experiment: Any) -> None:
    if not isinstance(experiment, dict) or experiment.keys() - {"ExperimentName", "TrialName"}:
        raise unreadable("PipelineExperimentConfig: Unknown member.")
    if expressions.steps(experiment):
        raise unreadable("PipelineExperimentConfig cannot refer to steps.")
    known.check(experiment)
    for step in known.steps.values():
        known.check(step.expressions)
        for name in step.before - known.steps.keys():
            raise unreadable(f"Step [{step.name}] depends on undefined step [{name}].")


def _ordered(steps: Mapping[str, Step]) -> dict[str, Step]:
    try:
        order = list(TopologicalSorter({name: sorted(step.before) for name, step in steps.items()}).static_order())
    except CycleError as problem:
        raise unreadable(f"Cycle detected between steps [{', '.join(problem.args[1])}].") from None
    return {name: steps[name] for name in order}
