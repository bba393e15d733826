"""What expressions come to while a pipeline is executed."""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from skylab.services.sagemaker.pipelines.language import paths
from skylab.services.sagemaker.pipelines.language.expressions import GET, JOIN, Known, is_expression
from skylab.services.sagemaker.pipelines.language.parameters import text
from skylab.services.sagemaker.pipelines.language.paths import NoSuchPlace

LARGEST = 2 * 1024 * 1024  # bytes of a property file
S3_URI = re.compile(r"s3://([^/]+)/(.+)")


class Unresolved(Exception):
    """An expression has no value; the text is the step's FailureReason."""


@dataclass(frozen=True)
class Scope:
    """variables: Execution.*. properties: what a step that has succeeded shows. read: an object of S3, of LARGEST + 1
    bytes at most."""

    known: Known
    parameters: Mapping[str, Any]
    variables: Mapping[str, str]
    properties: Callable[[str], Any]
    read: Callable[[str, str], bytes]

    def value(self, value: Any) -> Any:
        """A JSON value with every expression replaced. Raises Unresolved."""
        if is_expression(value):
            function, operand = next(iter(value.items()))
            if function == GET:
                return self._get(operand)
            return self._join(operand) if function == JOIN else self._json_get(operand)
        if isinstance(value, dict):
            return {name: self.value(item) for name, item in value.items()}
        return [self.value(item) for item in value] if isinstance(value, list) else value

    def _get(self, path: str) -> Any:
        parts = paths.split(path)
        root, name, rest = parts[0], str(parts[1]), parts[2:]
        if root == "Parameters":
            return self.parameters[name]
        if root == "Execution":
            if name not in self.variables:
                raise Unresolved(f"Execution variable [{name}] has no value in this step.")
            return self.variables[name]
        try:
            return paths.follow(self.properties(name), rest)
        except NoSuchPlace:
            raise Unresolved(f"The property [{path}] has no value.") from None

    def _join(self, operand: dict[str, Any]) -> str:
        return str(operand.get("On") or "").join(text(self.value(item)) for item in operand["Values"])

    def _json_get(self, operand: dict[str, Any]) -> Any:
        uri = self.value(operand["S3Uri"]) if "S3Uri" in operand else self._property_file(operand["PropertyFile"])
        if (place := S3_URI.fullmatch(str(uri))) is None:
            raise Unresolved(f"JsonGet: [{uri}] is not the S3 URI of an object.")
        body = self.read(place[1], place[2])
        if len(body) > LARGEST:
            raise Unresolved(f"JsonGet: {uri} is larger than 2 MB.")
        try:
            return paths.follow(json.loads(body), paths.split(operand["Path"]))
        except (ValueError, RecursionError):
            raise Unresolved(f"JsonGet: {uri} is not JSON.") from None
        except NoSuchPlace:
            raise Unresolved(f"JsonGet: the path [{operand['Path']}] is not in {uri}.") from None

    def _property_file(self, reference: dict[str, str]) -> str:
        step, file = self.known.property_file(reference)
        output = ["ProcessingOutputConfig", "Outputs", file["OutputName"], "S3Output", "S3Uri"]
        try:
            folder = paths.follow(self.properties(step.name), output)
        except NoSuchPlace:
            raise Unresolved(f"JsonGet: step [{step.name}] has no output [{file['OutputName']}] in S3.") from None
        return f"{folder.rstrip('/')}/{file['FilePath']}"
