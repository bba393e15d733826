"""Selective execution: some steps run, what they wait for is taken over from an earlier execution, the rest stays away.

https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-selective-ex.html
"""

from typing import Any

from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.services.sagemaker.pipelines import names
from skylab.services.sagemaker.pipelines.language.definition import Definition
from skylab.wire.errors import invalid

SOURCES = {"Succeeded", "Failed", "Stopped", "CompletedWithFailures"}


def take_over(tx: Transaction, call: Call, key: Key, doc: dict[str, Any], read: Definition) -> list[str]:
    """Copies the steps that the selected ones wait for; the names of the selected. Raises AwsError."""
    config = doc["SelectiveExecutionConfig"]
    selected = [each["StepName"] for each in config["SelectedSteps"]]
    if unknown := [name for name in selected if name not in read.steps]:
        raise invalid(f"SelectedSteps: the pipeline definition has no step [{unknown[0]}].")
    before = read.ancestors(selected) - set(selected)
    between = sorted(name for name in before if read.ancestors([name]) & set(selected))
    if between:
        raise invalid(f"SelectedSteps: step [{between[0]}] lies between selected steps and has to be selected too.")
    if not before:
        return selected
    if "SourcePipelineExecutionArn" not in config:
        raise invalid("SourcePipelineExecutionArn is required: the selected steps depend on steps that are not.")
    needed = {name for each in selected for name in read.steps[each].before} & before
    _copy(tx, call, key, config["SourcePipelineExecutionArn"], doc["_"]["pipeline"], before, needed)
    return selected


def _copy(tx: Transaction, call: Call, key: Key, arn: str, pipeline: str, wanted: set[str], needed: set[str]) -> None:
    source, other = names.find_execution(tx, call, arn)
    if other["_"]["pipeline"] != pipeline or other["PipelineExecutionStatus"] not in SOURCES:
        raise invalid(f"SourcePipelineExecutionArn {arn} must be an execution of this pipeline that has ended.")
    number = 0
    for name in sorted(wanted):
        step = tx.find(names.beside(source, names.STEP, name))
        if step is None or step["StepStatus"] != "Succeeded":
            if name in needed:
                raise invalid(f"Step [{name}] has not succeeded in the source execution {arn}.")
            continue
        origin = step.get("SelectiveExecutionResult", {}).get("SourcePipelineExecutionArn", arn)
        step |= {"SelectiveExecutionResult": {"SourcePipelineExecutionArn": origin}}
        step |= {"StartTime": call.now, "EndTime": call.now}
        step["_"]["n"] = number
        tx.create(names.beside(key, names.STEP, name), step, call.now)
        if (shown := tx.find(names.beside(source, names.PROPERTIES, name))) is not None:
            tx.create(names.beside(key, names.PROPERTIES, name), shown, call.now)
        number += 1
