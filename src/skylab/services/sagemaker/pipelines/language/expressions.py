"""Expressions: {"Get": path}, {"Std:Join": {On, Values}}, {"Std:JsonGet": {PropertyFile or S3Uri, Path}}.

Here they are found and checked; evaluate.py gives them values.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.model import Shape

from skylab.services.sagemaker.pipelines.language import paths
from skylab.services.sagemaker.pipelines.language.kinds import KINDS
from skylab.services.sagemaker.pipelines.language.words import unreadable

if TYPE_CHECKING:
    from skylab.services.sagemaker.pipelines.language.parameters import Parameter
    from skylab.services.sagemaker.pipelines.language.steps import Step

GET, JOIN, JSON_GET = "Get", "Std:Join", "Std:JsonGet"
FUNCTIONS = (GET, JOIN, JSON_GET)
VARIABLES = {
    "StartDateTime", "CurrentDateTime", "PipelineName", "PipelineArn", "PipelineExecutionId", "PipelineExecutionArn",
    "TrainingJobName", "ProcessingJobName",
}  # fmt: skip
SCALARS = (str, int, float, bool)


def is_expression(value: Any) -> bool:
    return isinstance(value, dict) and len(value) == 1 and next(iter(value)) in FUNCTIONS


def found(value: Any) -> Iterator[tuple[str, Any]]:
    """Every expression in a JSON value, those inside others too: (function, its operand)."""
    if is_expression(value):
        yield next(iter(value.items()))
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    for item in items:
        yield from found(item)


def steps(value: Any) -> set[str]:
    """The steps that a JSON value refers to."""
    gets = (operand for function, operand in found(value) if function == GET and isinstance(operand, str))
    return {path.split(".", 2)[1].split("[")[0] for path in gets if path.startswith("Steps.") and len(path) > 6}


@dataclass(frozen=True)
class Known:
    """What an expression may refer to."""

    parameters: Mapping[str, "Parameter"]
    steps: Mapping[str, "Step"]

    def check(self, value: Any) -> None:
        """Raises AwsError for the first expression in a JSON value that refers to nothing."""
        if is_expression(value):
            self._expression(*next(iter(value.items())))
            return
        for item in value.values() if isinstance(value, dict) else value if isinstance(value, list) else ():
            self.check(item)

    def _expression(self, function: str, operand: Any) -> None:
        if function == GET:
            self._get(operand)
        elif function == JOIN:
            self._join(operand)
        else:
            self._json_get(operand)

    def _join(self, operand: Any) -> None:
        if not isinstance(operand, dict) or not isinstance(operand.get("Values"), list):
            raise unreadable("Std:Join: Expecting start of Json Array.")
        for item in operand["Values"]:
            if not is_expression(item) and not isinstance(item, SCALARS):
                raise unreadable("Std:Join: Values must be primitives or functions.")
        self.check(operand["Values"])

    def _json_get(self, operand: Any) -> None:
        if not isinstance(operand, dict) or not isinstance(operand.get("Path"), str):
            raise unreadable("Std:JsonGet: Path is required.")
        if ("PropertyFile" in operand) == ("S3Uri" in operand):
            raise unreadable("Std:JsonGet: exactly one of PropertyFile and S3Uri is required.")
        try:
            paths.split(operand["Path"])
        except paths.NoSuchPlace:
            raise unreadable(f"Std:JsonGet: invalid path [{operand['Path']}].") from None
        if "S3Uri" in operand:
            self.check(operand["S3Uri"])
        else:
            self.property_file(operand["PropertyFile"])

    def property_file(self, reference: Any) -> tuple["Step", Mapping[str, str]]:
        """The step and its property file that {"Get": "Steps.S.PropertyFiles.F"} is about. Raises AwsError."""
        parts = self._parts(reference.get(GET) if isinstance(reference, dict) else None)
        if len(parts) != 4 or (parts[0], parts[2]) != ("Steps", "PropertyFiles"):
            raise unreadable(f"Std:JsonGet: [{reference}] is no property file.")
        step = self._step(parts[1])
        for file in step.property_files:
            if file["PropertyFileName"] == parts[3]:
                return step, file
        raise unreadable(f"Property file [{parts[3]}] is not defined in step [{step.name}].")

    def _parts(self, path: Any) -> list[paths.Part]:
        try:
            return paths.split(path if isinstance(path, str) else "]")
        except paths.NoSuchPlace:
            raise unreadable(f"Invalid property reference [{path}].") from None

    def _get(self, path: Any) -> None:
        parts = self._parts(path)
        root = parts[0] if len(parts) > 1 else ""
        if root == "Parameters" and len(parts) == 2:
            if parts[1] not in self.parameters:
                raise unreadable(f"Undefined parameter [{parts[1]}].")
        elif root == "Execution" and len(parts) == 2:
            if parts[1] not in VARIABLES:
                raise unreadable(f"Unknown execution variable [{parts[1]}].")
        elif root == "Steps" and len(parts) > 2:
            self._property(self._step(parts[1]), parts[2:], str(path))
        else:
            raise unreadable(f"Invalid property reference [{path}].")

    def _step(self, name: paths.Part) -> "Step":
        if name not in self.steps:
            raise unreadable(f"Undefined step [{name}].")
        return self.steps[str(name)]

    def _property(self, step: "Step", parts: list[paths.Part], path: str) -> None:
        wrong = unreadable(f"Invalid property reference [{path}]: a {step.type} step has no such property.")
        if step.type in KINDS:
            if step.type == "Tuning" and parts[0] == "TrainingJobSummaries":
                return
            if not _leads(KINDS[step.type].output, parts):
                raise wrong
        elif step.type == "Condition":
            if parts != ["Outcome"]:
                raise wrong
        elif parts[0] != "OutputParameters" or len(parts) != 2 or parts[1] not in step.outputs:
            raise wrong


def _leads(shape: Shape, parts: list[paths.Part]) -> bool:
    for part in parts:
        if shape.type_name == "structure" and part in shape.members:
            shape = shape.members[part]
        elif shape.type_name == "list":
            shape = shape.member
        elif shape.type_name == "map" and isinstance(part, str):
            shape = shape.value
        else:
            return False
    return True
