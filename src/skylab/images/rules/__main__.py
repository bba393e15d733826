"""python -m skylab.images.rules: evaluates one rule on one training, from its first step to its last.

Told by the Environment of its job: rule_to_invoke, base_trial (an S3 URI), the rule's parameters, action_json.
Says what it found in output/message, which becomes the ExitMessage of its job.
"""

import json
import sys
from collections.abc import Mapping
from typing import Any

import boto3
from botocore.config import Config

from skylab.images.folders import Folders
from skylab.images.profiling import watching
from skylab.images.rules import actions, catalog
from skylab.images.rules.series import Finding
from skylab.images.rules.trial import Bucket, steps

PATIENT = Config(retries={"mode": "standard", "total_max_attempts": 20})  # a cloud may start again meanwhile
MET = "RuleEvaluationConditionMet: Evaluation of the rule {} at step {} resulted in the condition being met"


def main() -> int:
    told = _told()
    rule, prefix = told["rule_to_invoke"], told.get("training_job_name", "")
    found = evaluated(rule, told, boto3.client("s3", config=PATIENT))
    if found is None:
        print(f"{rule} has found no issues.", flush=True)
        return 0
    print(f"{rule}, at step {found.step}: {found.why}", flush=True)
    _message(MET.format(rule, found.step))
    todo = actions.read(told)
    if rule == "StalledTrainingRule" and told.get("stop_training_on_fire", "").lower() == "true":
        todo.append({"name": actions.STOP, "training_job_prefix": told.get("training_job_name_prefix", prefix)})
    for action in todo:
        try:
            print(actions.stop_training(boto3.client("sagemaker"), action.get("training_job_prefix") or prefix))
        except Exception as problem:  # the finding stands, whatever came of the action
            print(f"The action {action['name']} failed: {problem}", file=sys.stderr, flush=True)
    return 0


def evaluated(rule: str, told: Mapping[str, str], s3: Any) -> Finding | None:
    """The first finding: with it, the evaluation of a rule ends."""
    given = catalog.parameters(rule, told)
    if rule in catalog.PROFILER_RULES:
        output = Folders.of_this_process().base / "processing/output/rule"
        return watching.evaluated(rule, given, Bucket(s3, told["base_trial"]), output, told["training_job_name"])
    if uris := catalog.others(told):
        given["others"] = [steps(Bucket(s3, uri), follow=False) for uri in uris]
    trial = steps(Bucket(s3, told["base_trial"]), beats=rule == "StalledTrainingRule")
    return next(catalog.RULES[rule](trial, **given), None)


def _told() -> dict[str, str]:
    config = Folders.of_this_process().base / "config/processingjobconfig.json"
    told: dict[str, str] = json.loads(config.read_text())["Environment"]
    return told


def _message(text: str) -> None:
    output = Folders.of_this_process().output
    output.mkdir(parents=True, exist_ok=True)
    (output / "message").write_text(text)


if __name__ == "__main__":
    sys.exit(main())
