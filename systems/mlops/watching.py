"""Debugger beside a training job: it saves the losses, and two rules look at them (does it learn, does it overfit?)."""

from __future__ import annotations

from typing import Any

from sagemaker.core import debugger
from sagemaker.mlops.workflow.steps import TrainingStep

FALLS = {"use_losses_collection": "False", "tensor_regex": "train-logloss", "num_steps": "20", "diff_percent": "0.01"}
OVERFIT = {"patience": "3", "ratio_threshold": "0.2"}
EVERY = "5"  # rounds between two looks at the losses


class Debugged(TrainingStep):
    """A training step that Debugger watches: SDK v3 has its rules, but its ModelTrainer does not take them."""

    watch: dict[str, Any]

    @property
    def arguments(self) -> dict[str, Any]:
        return super().arguments | self.watch


def watch(region: str, saved: str) -> dict[str, Any]:
    """The members that CreateTrainingJob takes; saved: where in S3 the losses go."""
    ready = debugger.rule_configs
    rules = [
        debugger.Rule.sagemaker(ready.loss_not_decreasing(), rule_parameters=FALLS),
        debugger.Rule.sagemaker(ready.overfit(), rule_parameters=OVERFIT),
    ]
    for rule in rules:
        rule.image_uri = debugger.get_rule_container_image_uri("debugger-rules", region)
    losses = [debugger.CollectionConfig("losses", {"save_interval": EVERY})]
    hook = debugger.DebuggerHookConfig(s3_output_path=saved, collection_configs=losses)
    return {
        "DebugHookConfig": hook._to_request_dict(),
        "DebugRuleConfigurations": [rule.to_debugger_rule_config_dict() for rule in rules],
    }
