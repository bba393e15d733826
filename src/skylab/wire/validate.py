"""Whether parameters satisfy their shape: types, required, lengths, ranges, patterns, enums; in AWS's own words.

All that is wrong is said at once, as AWS does:

    2 validation errors detected: Value 'x_' at 'trainingJobName' failed to satisfy constraint: Member must satisfy
    regular expression pattern: …; Value null at 'roleArn' failed to satisfy constraint: Member must not be null
"""

from datetime import datetime
from typing import Any

from botocore.model import Shape

from skylab.wire.errors import AwsError
from skylab.wire.patterns import matches

_MOST = 50  # errors told at once
_LONGEST = 1024  # characters of a value that are repeated
_NOT_NULL = "Member must not be null"
_TYPES: dict[str, tuple[type, ...]] = {
    "structure": (dict,),
    "map": (dict,),
    "list": (list, tuple),
    "string": (str,),
    "character": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "long": (int,),
    "float": (int, float),
    "double": (int, float),
    "timestamp": (datetime, int, float, str),
    "blob": (bytes, bytearray, str),
}


def validate(shape: Shape | None, params: dict[str, Any], code: str = "ValidationException") -> None:
    """AwsError with that code, if params is not a value of shape."""
    wrong: list[str] = []
    if shape is not None:
        _structure(shape, params, "", wrong)
    if wrong:
        count = f"{len(wrong)} validation error{'s' if len(wrong) > 1 else ''} detected"
        raise AwsError(code, f"{count}: {'; '.join(wrong[:_MOST])}")


def _structure(shape: Shape, value: dict[str, Any], path: str, wrong: list[str]) -> None:
    members = shape.members
    for name in shape.required_members:
        if value.get(name) is None:
            wrong.append(f"Value null at '{_join(path, _spelt(name))}' failed to satisfy constraint: {_NOT_NULL}")
    for name, item in value.items():
        if item is not None and name in members:
            _value(members[name], item, _join(path, _spelt(name)), wrong)
    if getattr(shape, "is_tagged_union", False) and sum(item is not None for item in value.values()) != 1:
        wrong.append(_sentence(shape, value, path, "Member must have exactly one member set"))


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _spelt(name: str) -> str:
    return name[:1].lower() + name[1:]


def _value(shape: Shape, value: Any, path: str, wrong: list[str]) -> None:
    kind: str = shape.type_name
    if kind == "blob" and not isinstance(value, _TYPES[kind]):
        return  # a body that streams by: its length is known only at its end
    if shape.serialization.get("streaming") or shape.serialization.get("eventstream"):
        return
    if getattr(shape, "is_document_type", False):
        return
    if not _typed(kind, value):
        wrong.append(_sentence(shape, value, path, f"Member must be a {kind}"))
        return
    wrong.extend(_sentence(shape, value, path, broken) for broken in _broken(shape, value))
    if kind == "structure":
        _structure(shape, value, path, wrong)
    elif kind == "list":
        _list(shape, value, path, wrong)
    elif kind == "map":
        _map(shape, value, path, wrong)


def _typed(kind: str, value: Any) -> bool:
    return isinstance(value, _TYPES[kind]) and (not isinstance(value, bool) or kind == "boolean")


def _list(shape: Shape, value: list[Any], path: str, wrong: list[str]) -> None:
    member = shape.member
    if member.type_name in ("structure", "list", "map"):
        for number, item in enumerate(value, 1):
            _value_or_null(member, item, f"{path}.{number}.member", wrong)
    elif any(_is_wrong(member, item) for item in value):
        wrong.append(_sentence(shape, value, path, f"Member must satisfy constraint: {_all(member)}"))


def _map(shape: Shape, value: dict[str, Any], path: str, wrong: list[str]) -> None:
    if any(_is_wrong(shape.key, key) for key in value):
        wrong.append(_sentence(shape, value, path, f"Map keys must satisfy constraint: {_all(shape.key)}"))
    if shape.value.type_name in ("structure", "list", "map"):
        for key, item in value.items():
            _value_or_null(shape.value, item, f"{path}.{key[:_LONGEST]}.member", wrong)
    elif any(_is_wrong(shape.value, item) for item in value.values()):
        wrong.append(_sentence(shape, value, path, f"Map value must satisfy constraint: {_all(shape.value)}"))


def _value_or_null(shape: Shape, value: Any, path: str, wrong: list[str]) -> None:
    if value is None:
        wrong.append(f"Value null at '{path}' failed to satisfy constraint: {_NOT_NULL}")
    else:
        _value(shape, value, path, wrong)


def _is_wrong(shape: Shape, value: Any) -> bool:
    if value is None or not _typed(shape.type_name, value):
        return True
    return bool(_broken(shape, value))


def _all(shape: Shape) -> str:
    """Every constraint of a scalar: AWS lists them all when an element of a collection breaks one."""
    return f"[{', '.join([*_constraints(shape).values(), _NOT_NULL])}]"


def _constraints(shape: Shape) -> dict[str, str]:
    """The constraints of a shape in words, by trait."""
    meta = shape.metadata
    said = {}
    size = "value" if shape.type_name in ("integer", "long", "float", "double") else "length"
    if "max" in meta:
        said["max"] = f"Member must have {size} less than or equal to {meta['max']}"
    if "min" in meta:
        said["min"] = f"Member must have {size} greater than or equal to {meta['min']}"
    if "pattern" in meta:
        said["pattern"] = f"Member must satisfy regular expression pattern: {meta['pattern']}"
    if meta.get("enum"):
        said["enum"] = f"Member must satisfy enum value set: [{', '.join(meta['enum'])}]"
    return said


def _broken(shape: Shape, value: Any) -> list[str]:
    """The constraints that value breaks."""
    meta = shape.metadata
    size = value if isinstance(value, int | float) else len(value) if hasattr(value, "__len__") else None
    broken = []
    if size is not None and shape.type_name not in ("structure", "timestamp", "boolean"):
        broken += ["max"] if size > meta.get("max", size) else []
        broken += ["min"] if size < meta.get("min", size) else []
    if isinstance(value, str):
        if "pattern" in meta and not matches(meta["pattern"], value):
            broken.append("pattern")
        if meta.get("enum") and value not in meta["enum"]:
            broken.append("enum")
    if not broken:
        return []
    said = _constraints(shape)
    return [said[trait] for trait in broken]


def _sentence(shape: Shape, value: Any, path: str, constraint: str) -> str:
    text = "" if shape.metadata.get("sensitive") else f" '{_java(value)}'"
    return f"Value{text} at '{path}' failed to satisfy constraint: {constraint}"


def _java(value: Any) -> str:
    """A value as Java's toString shows it."""
    if isinstance(value, list | tuple):
        text = f"[{', '.join(_java(item) for item in value[:_MOST])}]"
    elif isinstance(value, dict):
        text = f"{{{', '.join(f'{key}={_java(item)}' for key, item in list(value.items())[:_MOST])}}}"
    elif isinstance(value, bool):
        text = str(value).lower()
    else:
        text = str(value)
    return text if len(text) <= _LONGEST else text[:_LONGEST] + "…"
