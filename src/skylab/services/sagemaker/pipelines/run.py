"""An execution at one moment: which steps have ended, which are under way, which may begin, and how it ends."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any

from skylab.kernel.key import Key
from skylab.services.sagemaker.pipelines.language.definition import Definition
from skylab.services.sagemaker.pipelines.language.steps import Step
from skylab.services.sagemaker.pipelines.records import ENDED

MOST = 50  # steps at once, where nothing else is said
FAILURE = "Step failure: One or multiple steps failed."
MATCHING = {"Completed": ("Succeeded",), "Failed": ("Failed",), "Stopped": ("Stopped",), "Any": ENDED}
PENDING, READY, ACTIVE, NEVER = "Pending", "Ready", "Active", "Never"


def variables(doc: dict[str, Any], now: datetime) -> dict[str, str]:
    """Execution.*, of an execution's document."""
    return {
        "StartDateTime": doc["CreationTime"].isoformat(),
        "CurrentDateTime": now.isoformat(),
        "PipelineName": doc["_"]["pipeline"],
        "PipelineArn": doc["PipelineArn"],
        "PipelineExecutionId": doc["_"]["id"],
        "PipelineExecutionArn": doc["PipelineExecutionArn"],
    }


@dataclass(frozen=True)
class Run:
    key: Key
    doc: dict[str, Any]
    definition: Definition
    steps: dict[str, dict[str, Any]]  # what ListPipelineExecutionSteps shows, by name

    @property
    def stopping(self) -> bool:
        return bool(self.doc["PipelineExecutionStatus"] == "Stopping")

    @property
    def active(self) -> list[dict[str, Any]]:
        return [doc for doc in self.steps.values() if doc["StepStatus"] not in ENDED]

    @cached_property
    def fates(self) -> dict[str, str]:
        """Of every step: its end, or Active, or Ready to begin, Pending, or Never to begin."""
        fates: dict[str, str] = {}
        for name, step in self.definition.steps.items():  # each after those that it waits for
            fates[name] = self._fate(step, fates)
        return fates

    def _fate(self, step: Step, fates: dict[str, str]) -> str:
        if (doc := self.steps.get(step.name)) is not None:
            return doc["StepStatus"] if doc["StepStatus"] in ENDED else ACTIVE
        if (selected := self.doc["_"].get("selected")) is not None and step.name not in selected:
            return NEVER
        if step.parent is not None and (fate := self._of_parent(step.parent, fates)) != READY:
            return fate
        for name, trigger in step.after.items():
            if fates[name] in (PENDING, READY, ACTIVE):
                return PENDING
            if fates[name] not in MATCHING[trigger]:
                return NEVER
        return READY

    def _of_parent(self, parent: tuple[str, str], fates: dict[str, str]) -> str:
        condition, branch = parent
        if fates[condition] in (PENDING, READY, ACTIVE):
            return PENDING
        if fates[condition] != "Succeeded":
            return NEVER
        outcome = self.steps[condition]["Metadata"]["Condition"]["Outcome"]
        return READY if branch == {"True": "IfSteps", "False": "ElseSteps"}[outcome] else NEVER

    def _handled(self, name: str) -> bool:
        """Whether a step runs because this one did not succeed."""
        fate = self.fates[name]
        triggers = (step.after.get(name, "Completed") for step in self.definition.steps.values())
        return any(trigger != "Completed" and fate in MATCHING[trigger] for trigger in triggers)

    @cached_property
    def broken(self) -> list[str]:
        """The ends, other than success, that no other step waits for: nothing begins after them."""
        return [fate for name, fate in self.fates.items() if fate in ("Failed", "Stopped") and not self._handled(name)]

    def startable(self) -> list[Step]:
        """Within the limit of steps at once."""
        if self.stopping or self.broken:
            return []
        free = self.doc.get("ParallelismConfiguration", {}).get("MaxParallelExecutionSteps", MOST) - len(self.active)
        ready = [step for name, step in self.definition.steps.items() if self.fates[name] == READY]
        return ready[: max(free, 0)]

    @property
    def outcome(self) -> tuple[str, str | None] | None:
        """The execution's end and its FailureReason; None where it is not over."""
        if self.active or (not self.broken and not self.stopping and READY in self.fates.values()):
            return None
        if "Failed" in self.broken:
            return "Failed", FAILURE
        if self.stopping or self.broken:
            return "Stopped", None
        failed = any(fate in ("Failed", "Stopped") for fate in self.fates.values())
        return "CompletedWithFailures" if failed else "Succeeded", None
