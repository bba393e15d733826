"""The names of properties in search expressions, made into functions that read them from a document.

    TrainingJobName    InputDataConfig.DataSource.S3DataSource.S3Uri    HyperParameters.eta    Metrics.accuracy
    Metrics.loss.Min   Parameters.lr    Parents.ExperimentName          Tags.team              Source.SourceArn

A name is followed through the shape of the record: a member that it does not have is refused. A list is each of its
items; the rest of a name in a map is a key, dots and all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.model import Shape

from skylab.services.sagemaker.tracking.subjects import Beside, Subject
from skylab.wire.errors import invalid

Read = Callable[[Any], Iterable[Any]]
STATISTICS = {"min": "Min", "max": "Max", "avg": "Avg", "last": "Last", "count": "Count", "stddev": "StdDev"}
NUMBERS = ("integer", "long", "float", "double")


@dataclass(frozen=True)
class Property:
    """kind: "text", "number", "time", "boolean", "any" (a text or a number, as its value reads) or "structure"."""

    name: str
    kind: str
    read: Callable[[dict[str, Any], Beside], Iterable[Any]]


def named(subject: Subject, name: str) -> Property:
    """Raises AwsError for a name that the subject has not."""
    root, _, rest = name.partition(".")
    special = {"tags": _tag, "metrics": _metric, "parameters": _parameter}.get(root.lower())
    if special and rest and (root.lower() != "parameters" or "Parameters" in subject.shape.members):
        return Property(name, *special(subject, rest))
    if root.lower() == "hyperparameters" and rest and "HyperParameters" in subject.shape.members:
        return Property(name, "any", lambda doc, beside: _key(doc.get("HyperParameters", {}), rest))
    kind, read = _compiled(subject.shape, name, name)
    return Property(name, kind, _from(subject, root, read))


def nested(subject: Subject, list_name: str, name: str) -> Property:
    """A property of the items of a list, whose name begins with the list's. Its read is given an item."""
    shape = subject.shape
    for part in list_name.split("."):
        shape = _member(shape, part, list_name)[1]
    if shape.type_name != "list":
        raise invalid(f"NestedPropertyName {list_name} is not a list.")
    if not name.lower().startswith(f"{list_name.lower()}."):
        raise invalid(f"The filter {name} is not of the nested property {list_name}.")
    kind, read = _compiled(shape.member, name[len(list_name) + 1 :], name)
    return Property(name, kind, lambda item, beside: read(item))


def items(subject: Subject, list_name: str) -> Property:
    """The items themselves."""
    read: Read = iter
    shape, reads = subject.shape, []
    for part in list_name.split("."):
        found, shape = _member(shape, part, list_name)
        reads.append(found)

    def through(doc: Any) -> Iterable[Any]:
        for part in reads:
            doc = doc.get(part, {}) if isinstance(doc, dict) else {}
        return read(doc) if isinstance(doc, list) else ()

    return Property(list_name, "structure", _from(subject, list_name.partition(".")[0], through))


def _from(subject: Subject, root: str, read: Read) -> Callable[[dict[str, Any], Beside], Iterable[Any]]:
    """What is not in the document itself is looked up beside it."""
    whole = {"tags", "metrics", "parents", "sourcedetail", "trialcomponentsummaries"}
    if root.lower() in whole:
        return lambda doc, beside: read(beside.record(doc))
    return lambda doc, beside: read(doc)


def _tag(subject: Subject, key: str) -> tuple[str, Any]:
    return "text", lambda doc, beside: _key(beside.tags(doc), key)


def _metric(subject: Subject, name: str) -> tuple[str, Any]:
    """A metric's last value, or the statistic of it that the name ends with."""
    base, _, last = name.rpartition(".")
    statistic = STATISTICS.get(last.lower()) if base else None

    def read(doc: dict[str, Any], beside: Beside) -> Iterator[Any]:
        for metric in beside.metrics(doc):
            if statistic and metric["MetricName"] == base:
                yield metric.get(statistic, metric.get("Value"))
            elif metric["MetricName"] == name:
                yield metric.get("Last", metric.get("Value"))

    return "number", read


def _parameter(subject: Subject, name: str) -> tuple[str, Any]:
    def read(doc: dict[str, Any], beside: Beside) -> Iterator[Any]:
        for value in _key(doc.get("Parameters", {}), name):
            yield value.get("NumberValue", value.get("StringValue"))

    return "any", read


def _key(found: dict[str, Any], key: str) -> Iterable[Any]:
    return (found[key],) if key in found else ()


def _member(shape: Shape, part: str, name: str) -> tuple[str, Shape]:
    """Without regard to the size of letters."""
    found = getattr(shape, "members", {})
    for member, inner in found.items():
        if member.lower() == part.lower():
            return member, inner
    raise invalid(f"Unknown property name: {name}")


def _compiled(shape: Shape, path: str, name: str) -> tuple[str, Read]:
    """The kind of what a path leads to, and how to read it from a value of this shape."""
    if shape.type_name == "list":
        kind, inner = _compiled(shape.member, path, name)
        return kind, lambda value: (found for item in value or () for found in inner(item))
    if shape.type_name == "map":
        if not path:
            return "structure", lambda value: () if value is None else (value,)
        kind = _kind(shape.value)
        return ("any" if kind == "text" else kind), lambda value: _key(value or {}, path)
    if not path:
        return _kind(shape), lambda value: () if value is None else (value,)
    part, _, rest = path.partition(".")
    member, next_shape = _member(shape, part, name)
    kind, after = _compiled(next_shape, rest, name)
    return kind, lambda value: after(value.get(member)) if isinstance(value, dict) and member in value else ()


def _kind(shape: Shape) -> str:
    if shape.type_name in NUMBERS:
        return "number"
    return {"timestamp": "time", "boolean": "boolean", "string": "text"}.get(shape.type_name, "structure")
