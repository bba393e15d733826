"""XML by shape, both ways: names, attributes, namespaces, flattened lists and maps as the models say."""

import re
from typing import Any
from xml.etree.ElementTree import Element, ParseError

from botocore.model import Shape
from defusedxml.common import DefusedXmlException
from defusedxml.ElementTree import fromstring

from skylab.wire.values import DEPTH, Malformed, scalar, scalar_text, too_deep

_ESCAPES = str.maketrans(
    # Carriage returns would come back as line feeds; other control characters have no place in XML at all.
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\r": "&#13;", "\ufffe": "\ufffd", "\uffff": "\ufffd"}
    | {chr(c): "\ufffd" for c in range(32) if chr(c) not in "\t\n\r"}
)
_UNSAFE = re.compile('[&<>"\\x00-\\x08\\x0b-\\x1f\\ufffe\\uffff]')


def root(body: bytes) -> Element:
    """The document's root element. No DTD, no entities, no bombs: Malformed."""
    try:
        element = fromstring(body, forbid_dtd=True)
    except (ParseError, DefusedXmlException, ValueError, LookupError):
        raise Malformed("The XML is not well-formed") from None
    if body.count(b"<") > DEPTH and too_deep([element]):
        raise Malformed("The XML nests too deeply")
    return element


def _local(tag: str) -> str:
    return tag.rpartition("}")[2]


def read(shape: Shape, element: Element) -> Any:
    match shape.type_name:
        case "structure":
            return _read_structure(shape, element)
        case "list":
            return [read(shape.member, child) for child in element]
        case "map":
            return _read_map(shape, element)
    return scalar(shape, element.text or "")


def _read_structure(shape: Shape, element: Element) -> dict[str, Any]:
    children: dict[str, list[Element]] = {}
    for child in element:
        children.setdefault(_local(child.tag), []).append(child)
    result = {}
    name = ""
    try:
        for name, member in shape.members.items():
            traits = member.serialization
            if traits.get("xmlAttribute"):
                if (text := _attribute(element, traits["name"])) is not None:
                    result[name] = scalar(member, text)
            elif "location" not in traits and (found := _found(children, name, member)):
                result[name] = _read_member(member, found)
    except Malformed as wrong:
        raise wrong.at(name) from None
    return result


def _attribute(element: Element, name: str) -> str | None:
    wanted = name.rpartition(":")[2]
    return next((text for key, text in element.attrib.items() if _local(key) == wanted), None)


def _found(children: dict[str, list[Element]], name: str, member: Shape) -> list[Element] | None:
    found = children.get(member.serialization.get("name", name))
    if found is None and member.type_name == "list" and member.serialization.get("flattened"):
        return children.get(member.member.serialization.get("name", ""))
    return found


def _read_member(member: Shape, found: list[Element]) -> Any:
    if not member.serialization.get("flattened"):
        return read(member, found[0])
    if member.type_name == "list":
        return [read(member.member, element) for element in found]
    return dict(_read_entry(member, element) for element in found)


def _read_map(shape: Shape, element: Element) -> dict[str, Any]:
    return dict(_read_entry(shape, entry) for entry in element)


def _read_entry(shape: Shape, entry: Element) -> tuple[str, Any]:
    parts = {_local(child.tag): child for child in entry}
    key = parts.get(shape.key.serialization.get("name", "key"))
    value = parts.get(shape.value.serialization.get("name", "value"))
    if key is None or value is None:
        raise Malformed("A map entry lacks its key or value")
    return key.text or "", read(shape.value, value)


def escape(text: str) -> str:
    return text.translate(_ESCAPES) if _UNSAFE.search(text) else text


def write(out: list[str], shape: Shape, name: str, value: Any, time: str = "iso8601") -> None:
    """Append value as an element of that name. time: the format of timestamps whose shape names none."""
    match shape.type_name:
        case "structure":
            out.append(f"<{name}{_attributes(shape, value)}>")
            write_members(out, shape, value, time)
        case "list":
            out.append(f"<{name}{_namespace(shape)}>")
            for item in value:
                write(out, shape.member, shape.member.serialization.get("name", "member"), item, time)
        case "map":
            out.append(f"<{name}{_namespace(shape)}>")
            for key, item in value.items():
                _write_entry(out, shape, "entry", key, item, time)
        case _:
            out.append(f"<{name}{_namespace(shape)}>{escape(scalar_text(shape, value, time))}")
    out.append(f"</{name}>")


def write_members(out: list[str], shape: Shape, value: dict[str, Any], time: str = "iso8601") -> None:
    """Append the members of a structure that are elements, in the model's order."""
    for name, member in shape.members.items():
        traits = member.serialization
        if (item := value.get(name)) is None or "location" in traits or traits.get("xmlAttribute"):
            continue
        tag = traits.get("name", name)
        if not traits.get("flattened"):
            write(out, member, tag, item, time)
        elif member.type_name == "list":
            for each in item:
                write(out, member.member, member.member.serialization.get("name", tag), each, time)
        else:
            for key, each in item.items():
                _write_entry(out, member, tag, key, each, time)


def _write_entry(out: list[str], shape: Shape, name: str, key: str, value: Any, time: str) -> None:
    if value is not None:
        out.append(f"<{name}>")
        write(out, shape.key, shape.key.serialization.get("name", "key"), key, time)
        write(out, shape.value, shape.value.serialization.get("name", "value"), value, time)
        out.append(f"</{name}>")


def _namespace(shape: Shape) -> str:
    namespace = shape.serialization.get("xmlNamespace")
    if namespace is None:
        return ""
    if isinstance(namespace, str):
        return f' xmlns="{namespace}"'
    prefix = f":{namespace['prefix']}" if namespace.get("prefix") else ""
    return f' xmlns{prefix}="{namespace["uri"]}"'


def _attributes(shape: Shape, value: dict[str, Any]) -> str:
    attributes = "".join(
        f' {member.serialization["name"]}="{escape(scalar_text(member, value[name]))}"'
        for name, member in shape.members.items()
        if member.serialization.get("xmlAttribute") and value.get(name) is not None
    )
    return _namespace(shape) + attributes
