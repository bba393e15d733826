"""Pipeline parameters: their declarations, and the values that an execution gives them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from skylab.services.sagemaker.pipelines.language.words import array, unreadable
from skylab.wire.errors import invalid

NAME = re.compile(r"[A-Za-z0-9\-_]{1,256}")
TYPES: dict[str, tuple[type, ...]] = {"String": (str,), "Integer": (int,), "Float": (int, float), "Boolean": (bool,)}
MEMBERS = {"Name", "Type", "DefaultValue", "EnumValues", "Description", "DisplayName"}


@dataclass(frozen=True)
class Parameter:
    name: str
    type: str
    default: Any = None
    choices: tuple[Any, ...] = ()

    def value(self, text: str) -> Any:
        """What a caller gave, in the declared type: texts are all that the API takes. Raises AwsError."""
        try:
            value = _typed(self.type, text)
        except ValueError:
            raise invalid(f"Parameter [{self.name}] value [{text}] is not of type [{self.type}].") from None
        if self.choices and value not in self.choices:
            raise invalid(
                f"Parameter [{self.name}] value [{text}] is not one of its enum values "
                f"[{', '.join(map(str, self.choices))}]."
            )
        return value


def _typed(type: str, text: str) -> Any:
    """Raises ValueError."""
    if type == "Boolean":
        return {"true": True, "false": False}.get(text.lower()) if text.lower() in ("true", "false") else _no(text)
    if type == "Float" and re.fullmatch(r"\s*[+-]?\d+\s*", text):
        return float(text)
    return {"String": str, "Integer": int, "Float": float}[type](text)


def _no(text: str) -> Any:
    raise ValueError(text)


def parse(declared: Any) -> dict[str, Parameter]:
    """Raises AwsError."""
    found: dict[str, Parameter] = {}
    for item in declared or []:
        parameter = _parameter(item)
        if parameter.name in found:
            raise unreadable(f"Duplicate parameter names: [{parameter.name}].")
        found[parameter.name] = parameter
    return found


def _parameter(item: Any) -> Parameter:
    if not isinstance(item, dict):
        raise unreadable("Expecting start of Json Object.")
    for member in item.keys() - MEMBERS:
        raise unreadable(f"Unknown Parameter member '{member}'.")
    name, type = item.get("Name"), item.get("Type", "String")
    if not isinstance(name, str) or not NAME.fullmatch(name):
        raise unreadable(f"Invalid parameter name [{name}].")
    if not isinstance(type, str) or type not in TYPES:
        raise unreadable(f"Unknown type [{type}] of parameter [{name}].")
    default, choices = item.get("DefaultValue"), array(item.get("EnumValues") or [])
    for value in [*([] if default is None else [default]), *choices]:
        if not _is(type, value):
            raise unreadable(f"Parameter [{name}] is of type [{type}], its value [{value}] is not.")
    if choices and default is not None and default not in choices:
        raise unreadable(f"The default value [{default}] of parameter [{name}] is not one of its enum values.")
    return Parameter(name, type, default, tuple(choices))


def _is(type: str, value: Any) -> bool:
    return isinstance(value, TYPES[type]) and isinstance(value, bool) == (type == "Boolean")


def values(declared: Mapping[str, Parameter], given: Iterable[tuple[str, str]]) -> dict[str, Any]:
    """The value of every parameter; given are names and texts. Raises AwsError: unknown, wrong or lacking ones."""
    chosen: dict[str, Any] = {}
    for name, given_text in given:
        if (parameter := declared.get(name)) is None:
            raise invalid(f"Unknown parameter [{name}]: the pipeline definition does not declare it.")
        if name in chosen:
            raise invalid(f"Parameter [{name}] is given more than once.")
        chosen[name] = parameter.value(given_text)
    for name, parameter in declared.items():
        if chosen.setdefault(name, parameter.default) is None:
            raise invalid(f"Missing value for parameter [{name}], which has no default value.")
    return {name: chosen[name] for name in declared}


def text(value: Any) -> str:
    """A value where a text is wanted: in Std:Join, and as ListPipelineParametersForExecution shows it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)
