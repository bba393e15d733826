"""What rest-json and rest-xml share: which operation a URL means, and the members that travel outside the body.

An operation is found in three steps, each from the most to the least specific: the path template, the literals of its
query string (?uploads), then the required members in query and headers (UploadPart is PutObject with an uploadId).
A literal is binding: DELETE /bucket?analytics without its id is a bad DeleteBucketAnalyticsConfiguration, and never
DeleteBucket.
"""

import base64
import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from typing import Any
from urllib.parse import unquote, unquote_plus

import orjson
from botocore.model import OperationModel, ServiceModel, Shape

from skylab.wire.values import Malformed, scalar, scalar_text

_LABEL = re.compile(r"\{([^}]+)\}")
_LIST_ITEM = re.compile(r'\s*(?:"((?:[^"\\]|\\.)*)"|([^,]*))\s*(?:,|$)')
_CONTROL = re.compile(r"[\x00-\x1f\x7f]+")


def fields(query: str) -> dict[str, list[str]]:
    """A query string or form, decoded; a name alone has the value "". UnicodeDecodeError for bytes not UTF-8."""
    result: dict[str, list[str]] = {}
    for part in query.split("&"):
        if part:
            name, _, value = part.partition("=")
            if "%" in part or "+" in part:
                name, value = unquote_plus(name, errors="strict"), unquote_plus(value, errors="strict")
            result.setdefault(name, []).append(value)
    return result


@dataclass(frozen=True)
class Candidate:
    operation: OperationModel
    literals: dict[str, str]  # "" is any value
    queries: tuple[str, ...]
    headers: tuple[str, ...]

    def named(self, query: dict[str, list[str]]) -> bool:
        return all(name in query and (not value or value in query[name]) for name, value in self.literals.items())

    def satisfied(self, query: dict[str, list[str]], headers: dict[str, str]) -> bool:
        return all(name in query for name in self.queries) and all(name in headers for name in self.headers)

    @property
    def order(self) -> tuple[int, int, bool]:
        return -len(self.literals), -len(self.queries) - len(self.headers), self.operation.deprecated


@dataclass(frozen=True)
class Path:
    pattern: re.Pattern[str]
    labels: tuple[str, ...]

    def match(self, path: str) -> dict[str, str] | None:
        """The labels, percent-decoded once; None if the path is another's."""
        found = self.pattern.fullmatch(path)
        if found is None:
            return None
        return {
            label: unquote(text, errors="strict") if "%" in text else text
            for label, text in zip(self.labels, found.groups(), strict=True)
        }


@cache
def path_of(template: str) -> Path:
    """A requestUri as a pattern. {Key+} takes slashes; a slash at the end matters only to it."""
    path = template.partition("?")[0]
    pieces, labels, at = [], [], 0
    for label in _LABEL.finditer(path):
        pieces += [re.escape(path[at : label.start()]), "(.+)" if label[1].endswith("+") else "([^/]+)"]
        labels.append(label[1].rstrip("+"))
        at = label.end()
    pieces.append(re.escape(path[at:].rstrip("/")))
    end = "" if path.endswith("+}") else "/?"
    return Path(re.compile("".join(pieces) + end, re.DOTALL), tuple(labels))


def _specificity(template: str) -> tuple[int, bool]:
    path = template.partition("?")[0]
    return -len(_LABEL.sub("", path)), "+}" in path


class Routes:
    """Every operation of a REST model, ready to be asked."""

    def __init__(self, model: ServiceModel) -> None:
        found: dict[str, dict[str, list[Candidate]]] = {}
        for name in model.operation_names:
            operation = model.operation_model(name)
            template = operation.http["requestUri"].partition("?")[0]
            found.setdefault(operation.http["method"], {}).setdefault(template, []).append(_candidate(operation))
        self._methods = {
            method: [
                (path_of(template), sorted(paths[template], key=lambda candidate: candidate.order))
                for template in sorted(paths, key=_specificity)
            ]
            for method, paths in found.items()
        }

    def find(self, method: str, path: str, query: dict[str, list[str]], headers: dict[str, str]) -> OperationModel:
        """KeyError if no operation has this method and path."""
        for route, candidates in self._methods.get(method, ()):
            if route.pattern.fullmatch(path) and (chosen := _choose(candidates, query, headers)):
                return chosen.operation
        raise KeyError(path)


def _candidate(operation: OperationModel) -> Candidate:
    literals = {n: v[0] for n, v in fields(operation.http["requestUri"].partition("?")[2]).items() if n != "x-id"}
    places = locations(operation.input_shape) if operation.input_shape is not None else Locations()
    required = set(operation.input_shape.required_members) if operation.input_shape is not None else set()
    queries = tuple(name for name, (member, _) in places.query.items() if member in required)
    headers = tuple(name for name, (member, _) in places.headers.items() if member in required)
    return Candidate(operation, literals, queries, headers)


def _choose(candidates: list[Candidate], query: dict[str, list[str]], headers: dict[str, str]) -> Candidate | None:
    """The most demanding operation that is satisfied; with its literals given but nobody satisfied, the least."""
    best: Candidate | None = None
    for candidate in candidates:
        if best is not None and candidate.literals != best.literals:
            continue
        if candidate.named(query):
            if candidate.satisfied(query, headers):
                return candidate
            best = candidate
    return best


@dataclass
class Locations:
    """Where the members of a request, answer or error travel, by the names they have there."""

    uri: dict[str, tuple[str, Shape]] = field(default_factory=dict)
    query: dict[str, tuple[str, Shape]] = field(default_factory=dict)
    query_map: str | None = None  # the map member that takes every query parameter nobody else wants
    headers: dict[str, tuple[str, Shape]] = field(default_factory=dict)  # lower-case names
    prefixes: list[tuple[str, str]] = field(default_factory=list)  # (lower-case prefix, member)
    status: str | None = None
    payload: tuple[str, Shape] | None = None
    in_body: bool = False  # some member is a part of a structured body


@cache
def locations(shape: Shape) -> Locations:
    places = Locations()
    payload = shape.serialization.get("payload")
    for name, member in shape.members.items():
        wire_name = member.serialization.get("name", name)
        match member.serialization.get("location"):
            case "uri":
                places.uri[wire_name] = name, member
            case "querystring" if member.type_name == "map":
                places.query_map = name
            case "querystring":
                places.query[wire_name] = name, member
            case "header":
                places.headers[wire_name.lower()] = name, member
            case "headers":
                places.prefixes.append((wire_name.lower(), name))
            case "statusCode":
                places.status = name
            case _ if name == payload:
                places.payload = name, member
            case _:
                places.in_body = True
    return places


def read_labels(places: Locations, labels: dict[str, str]) -> Iterable[tuple[str, Any]]:
    for label, text in labels.items():
        name, member = places.uri[label]
        yield name, _at(name, member, text)


def read_query(places: Locations, query: dict[str, list[str]]) -> Iterable[tuple[str, Any]]:
    for key, values in query.items():
        if key in places.query:
            name, member = places.query[key]
            if member.type_name == "list":
                yield name, [_at(name, member.member, value) for value in values]
            else:
                yield name, _at(name, member, values[0])
    if places.query_map is not None:
        yield places.query_map, {key: values[0] for key, values in query.items() if key not in places.query}


def _at(name: str, member: Shape, text: str) -> Any:
    try:
        return scalar(member, text)
    except Malformed as wrong:
        raise wrong.at(name) from None


def read_headers(places: Locations, headers: dict[str, str]) -> Iterable[tuple[str, Any]]:
    maps: dict[str, dict[str, str]] = {}
    for key, text in headers.items():
        if key in places.headers:
            name, member = places.headers[key]
            if (value := _read_header(name, member, text)) is not None:
                yield name, value
        for prefix, name in places.prefixes:
            if key.startswith(prefix):
                maps.setdefault(name, {})[key[len(prefix) :]] = text
    yield from maps.items()


def _read_header(name: str, member: Shape, text: str) -> Any:
    try:
        if member.type_name == "list":
            return [scalar(member.member, item) for item in _items(text)]
        if member.serialization.get("jsonvalue"):
            return orjson.loads(base64.b64decode(text))
        return scalar(member, text, "rfc822")
    except Malformed as wrong:
        # RFC 9110, 13.1.3: a date that is none is a header that is not there.
        if member.type_name == "timestamp":
            return None
        raise wrong.at(name) from None
    except ValueError:
        raise Malformed("JSON in Base64 expected").at(name) from None


def _items(text: str) -> list[str]:
    return [
        quoted.replace('\\"', '"') if quoted else plain.strip()
        for quoted, plain in _LIST_ITEM.findall(text)
        if quoted or plain.strip()
    ]


def write_headers(places: Locations, result: dict[str, Any]) -> dict[str, str]:
    headers = {}
    for key, (name, member) in places.headers.items():
        if (value := result.get(name)) is not None:
            headers[key] = header_text(_header_value(member, value))
    for prefix, name in places.prefixes:
        for key, text in (result.get(name) or {}).items():
            headers[prefix + header_text(key)] = header_text(text)
    return headers


def _header_value(member: Shape, value: Any) -> str:
    if member.type_name == "list":
        texts = [scalar_text(member.member, item, "rfc822") for item in value]
        return ",".join('"' + t.replace('"', '\\"') + '"' if '"' in t or "," in t else t for t in texts)
    if member.serialization.get("jsonvalue"):
        return base64.b64encode(orjson.dumps(value)).decode()
    return scalar_text(member, value, "rfc822")


def header_text(text: str) -> str:
    """Text that is one header and stays one: no line breaks, and RFC 2047 for what Latin-1 cannot say, as S3 does."""
    text = _CONTROL.sub(" ", text)
    try:
        text.encode("latin-1")
        return text
    except UnicodeEncodeError:
        return f"=?UTF-8?B?{base64.b64encode(text.encode()).decode()}?="
