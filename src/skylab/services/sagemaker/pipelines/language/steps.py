"""The steps of a definition, one by one."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from skylab.services.sagemaker.pipelines.language import arguments, conditions, durations, expressions, retrypolicies
from skylab.services.sagemaker.pipelines.language.kinds import KINDS, OTHERS, OWN, SERVICES, offered
from skylab.services.sagemaker.pipelines.language.retrypolicies import RetryPolicy
from skylab.services.sagemaker.pipelines.language.words import array, unreadable

NAME = re.compile(r"[A-Za-z0-9\-_]{1,64}")
MEMBERS = {"Name", "Type", "Arguments", "DependsOn", "DisplayName", "Description"}
MORE = {
    "Callback": {"SqsQueueUrl", "OutputParameters"},
    "Lambda": {"FunctionArn", "OutputParameters", "CacheConfig"},
    "Processing": {"PropertyFiles", "CacheConfig", "RetryPolicies"},
    **{type: {"CacheConfig", "RetryPolicies"} for type in ("Training", "Tuning", "Transform")},
    **{type: {"RetryPolicies"} for type in ("Model", "RegisterModel")},
}
CACHED = ("Processing", "Training", "Tuning", "Transform")
TRIGGERS = ("Completed", "Failed", "Stopped", "Any")
PROPERTY_FILE = {"PropertyFileName", "OutputName", "FilePath"}
BOOTSTRAP = "sagemaker_remote_function_bootstrap"  # the SDK's, which installs itself over the image's own libraries
OUTPUT_TYPES = ("String", "Integer", "Boolean", "Float")


@dataclass(frozen=True)
class Step:
    """after: what it waits for, and with which end of it. parent: the condition that it is in, and which branch.

    lifetime: how old a run may be that stands for it; None where the step is not cached.
    """

    name: str
    type: str
    arguments: Mapping[str, Any]
    after: Mapping[str, str]
    parent: tuple[str, str] | None = None
    display: str = ""
    description: str = ""
    target: Any = None  # of a Callback its queue, of a Lambda its function
    outputs: Mapping[str, str] = field(default_factory=dict)  # OutputParameters and their types
    property_files: tuple[Mapping[str, str], ...] = ()
    lifetime: timedelta | None = None
    retries: tuple[RetryPolicy, ...] = ()

    @property
    def before(self) -> set[str]:
        """The steps that have to end before it."""
        return {*self.after, *([self.parent[0]] if self.parent else [])}

    @property
    def expressions(self) -> Any:
        """What of it is evaluated."""
        return [self.arguments, self.target]


def parse_steps(given: list[Any]) -> dict[str, Step]:
    """By name, those inside conditions too. Raises AwsError."""
    found: dict[str, Step] = {}
    todo: list[tuple[Any, tuple[str, str] | None]] = [(item, None) for item in given]
    while todo:
        item, parent = todo.pop(0)
        step = _step(item, parent)
        if step.name in found:
            raise unreadable(f"Duplicate step names: [{step.name}]. Step names must be unique within a pipeline.")
        found[step.name] = step
        if step.type == "Condition":
            for branch in ("IfSteps", "ElseSteps"):
                todo += [(inner, (step.name, branch)) for inner in item["Arguments"].get(branch) or []]
    if not found:
        raise unreadable("A pipeline has at least one step.")
    return found


def _step(item: Any, parent: tuple[str, str] | None) -> Step:
    if not isinstance(item, dict):
        raise unreadable("Expecting start of Json Object.")
    name, type = item.get("Name"), item.get("Type")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise unreadable(f"Invalid step name [{name}].")
    _check_type(name, type)
    item = {member: value for member, value in item.items() if value is not None}
    for member in item.keys() - MEMBERS - MORE.get(str(type), set()):
        raise unreadable(f"Unknown Step member '{member}' of step [{name}] of type [{type}].")
    for member in ("DisplayName", "Description"):
        if not isinstance(item.get(member, ""), str):
            raise unreadable(f"The {member} of step [{name}] is not a text.")
    own = _arguments(str(type), item)
    return Step(
        name=name,
        type=str(type),
        arguments=own,
        after=_after(item, own),
        parent=parent,
        display=item.get("DisplayName", ""),
        description=item.get("Description", ""),
        target=_target(item),
        outputs=_outputs(item.get("OutputParameters", [])),
        property_files=tuple(_property_file(file, own) for file in array(item.get("PropertyFiles", []))),
        lifetime=_lifetime(item.get("CacheConfig")),
        retries=retrypolicies.parse(item.get("RetryPolicies")),
    )


def _check_type(name: str, type: Any) -> None:
    if type not in (*KINDS, *OWN, *SERVICES, *OTHERS):
        raise unreadable(f"Unknown step type [{type}] of step [{name}].")
    if not offered(type):
        raise unreadable(f"Step [{name}]: steps of type [{type}] are not offered yet.")


def _arguments(type: str, item: dict[str, Any]) -> dict[str, Any]:
    """Those of the step itself: of a condition, not the steps in it."""
    given = item.get("Arguments", {} if type == "Callback" or type == "Lambda" else None)
    if not isinstance(given, dict):
        raise unreadable("Expecting start of Json Object.")
    if type in KINDS:
        arguments.check(type, KINDS[type], given)
        if BOOTSTRAP in str((given.get("AlgorithmSpecification") or {}).get("ContainerEntrypoint")):
            raise unreadable(f"Step [{item['Name']}]: functions as steps (@step) are not offered yet.")
    elif type == "Condition":
        return _conditions(given)
    elif type == "Fail":
        for member in given.keys() - {"ErrorMessage"}:
            raise unreadable(f"Unknown Argument member '{member}'.")
        if not isinstance(message := given.get("ErrorMessage", ""), str) and not expressions.is_expression(message):
            raise unreadable("ErrorMessage is a text or a function.")
    return given


def _conditions(given: dict[str, Any]) -> dict[str, Any]:
    for member in given.keys() - {"Conditions", "IfSteps", "ElseSteps"}:
        raise unreadable(f"Unknown Argument member '{member}'.")
    for member in ("Conditions", "IfSteps", "ElseSteps"):
        array(given.get(member) or [])
    if not given.get("Conditions"):
        raise unreadable("A Condition step has at least one condition.")
    for condition in given["Conditions"]:
        conditions.check(condition)
    return {"Conditions": given["Conditions"]}


def _after(item: dict[str, Any], own: dict[str, Any]) -> dict[str, str]:
    """Whom it names in DependsOn, and whom it refers to."""
    refers = expressions.steps([own, item.get("FunctionArn"), item.get("SqsQueueUrl")])
    after = dict.fromkeys(sorted(refers), "Completed")
    for each in array(item.get("DependsOn", [])):
        name, trigger = (each.get("Step"), each.get("Trigger")) if isinstance(each, dict) else (each, "Completed")
        if not isinstance(name, str) or trigger not in TRIGGERS:
            raise unreadable(f"Invalid DependsOn [{each}] of step [{item['Name']}].")
        after[name] = trigger
    return after


def _target(item: dict[str, Any]) -> Any:
    if item["Type"] not in SERVICES:
        return None
    member = "SqsQueueUrl" if item["Type"] == "Callback" else "FunctionArn"
    if not isinstance(target := item.get(member), str) and not expressions.is_expression(target):
        raise unreadable(f"Step [{item['Name']}] has no [{member}].")
    return target


def _outputs(given: Any) -> dict[str, str]:
    found = {}
    for each in array(given):
        if not isinstance(each, dict) or each.get("OutputType", "String") not in OUTPUT_TYPES:
            raise unreadable(f"Invalid OutputParameter [{each}].")
        found[str(each.get("OutputName"))] = each.get("OutputType", "String")
    return found


def _property_file(file: Any, own: dict[str, Any]) -> dict[str, str]:
    if not isinstance(file, dict) or file.keys() != PROPERTY_FILE or not all(isinstance(v, str) for v in file.values()):
        raise unreadable("A property file has a PropertyFileName, an OutputName and a FilePath.")
    outputs = (own.get("ProcessingOutputConfig") or {}).get("Outputs") or []
    if file["OutputName"] not in (output.get("OutputName") for output in outputs if output):
        raise unreadable(f"Property file [{file['PropertyFileName']}]: no output is named [{file['OutputName']}].")
    return file


def _lifetime(given: Any) -> timedelta | None:
    if given is None:
        return None
    if not isinstance(given, dict) or given.keys() - {"Enabled", "ExpireAfter"}:
        raise unreadable("CacheConfig: Unknown member.")
    if not given.get("Enabled"):
        return None
    try:
        return durations.parse(str(given.get("ExpireAfter")))
    except ValueError:
        raise unreadable(
            f"CacheConfig: ExpireAfter [{given.get('ExpireAfter')}] is not an ISO 8601 duration."
        ) from None
