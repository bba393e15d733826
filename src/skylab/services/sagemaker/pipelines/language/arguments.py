"""A step's Arguments: the request of the call that it is, with expressions in place of values.

They are checked against AWS's own shape when the pipeline is made, and given its types when the step runs.
"""

from typing import Any

from botocore.model import Shape

from skylab.services.sagemaker.pipelines.language.expressions import is_expression
from skylab.services.sagemaker.pipelines.language.kinds import Kind
from skylab.services.sagemaker.pipelines.language.parameters import text
from skylab.services.sagemaker.pipelines.language.words import unreadable

# What the executor itself sets; the SDK takes them out of what it writes, "since they will be overridden".
SET = {"RegisterModel": {"ModelPackageName", "ClientToken", "CertifyForMarketplace"}}
NUMBERS = ("integer", "long", "float", "double")


def check(type: str, kind: Kind, arguments: Any) -> None:
    """Raises AwsError. A job's name may be given: it is the prefix of the names that the jobs get."""
    shape = kind.input
    if isinstance(arguments, dict):
        for member in arguments.keys() & SET.get(type, set()):
            raise unreadable(f"Unknown Argument member '{member}'.")
    _value(shape, arguments, "Arguments")
    for member in shape.required_members:
        if member != kind.name and arguments.get(member) is None:
            raise unreadable(f"Model Validation failed: Missing required field: [{member}].")


def _value(shape: Shape, value: Any, member: str) -> None:
    if value is None:
        return
    if shape.type_name == "structure":
        _structure(shape, value)
    elif shape.type_name == "list":
        if not isinstance(value, list):
            raise unreadable("Expecting start of Json Array.")
        for item in value:
            _value(shape.member, item, member)
    elif shape.type_name == "map":
        if not isinstance(value, dict) or is_expression(value):
            raise unreadable("Expecting start of Json Object.")
        for item in value.values():
            _value(shape.value, item, member)
    elif not is_expression(value):
        _scalar(shape, value, member)


def _structure(shape: Shape, value: Any) -> None:
    if not isinstance(value, dict):
        raise unreadable("Expecting start of Json Object.")
    for name, item in value.items():
        if name not in shape.members:
            raise unreadable(f"Unknown Argument member '{name}'.")
        _value(shape.members[name], item, name)


def _scalar(shape: Shape, value: Any, member: str) -> None:
    if isinstance(value, dict | list):
        raise unreadable(f"Expecting a primitive or a function for '{member}'.")
    try:
        given = _typed(shape, value)
    except ValueError:
        raise unreadable(
            f"Model Validation failed: Value '{text(value)}' for '{shape.name}' is not of type {shape.type_name}"
        ) from None
    if (choices := shape.metadata.get("enum")) and given not in choices:
        raise unreadable(
            f"Model Validation failed:\nValue '{given}' for '{shape.name}' failed to satisfy enum value set: "
            f"[{', '.join(choices)}]"
        )


def typed(shape: Shape, value: Any) -> Any:
    """Evaluated arguments in the types of the call, without what is null. Raises ValueError."""
    if shape.type_name == "structure" and isinstance(value, dict):
        return {
            name: typed(shape.members[name], item)
            for name, item in value.items()
            if item is not None and name in shape.members
        }
    if shape.type_name == "list" and isinstance(value, list):
        return [typed(shape.member, item) for item in value if item is not None]
    if shape.type_name == "map" and isinstance(value, dict):
        return {name: typed(shape.value, item) for name, item in value.items() if item is not None}
    return _typed(shape, value)


def _typed(shape: Shape, value: Any) -> Any:
    """Raises ValueError for a value that cannot be taken for one of the shape."""
    if shape.type_name == "string" and not isinstance(value, str):
        return text(value)
    if shape.type_name in NUMBERS and (isinstance(value, str) or isinstance(value, bool)):
        if isinstance(value, bool):
            raise ValueError(value)
        return int(value) if shape.type_name in ("integer", "long") else float(value)
    if shape.type_name in ("integer", "long") and isinstance(value, float):
        if not value.is_integer():
            raise ValueError(value)
        return int(value)
    if shape.type_name == "boolean" and not isinstance(value, bool):
        if str(value).lower() not in ("true", "false"):
            raise ValueError(value)
        return str(value).lower() == "true"
    return value
