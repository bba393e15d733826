"""A Dockerfile, read: its stages and their steps, with ARG and ENV put in where Docker puts them in.

https://docs.docker.com/reference/dockerfile/ What has no effect here is refused by name, not passed over.
"""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

from dockerfile_parse import DockerfileParser
from dockerfile_parse.util import WordSplitter, extract_key_values

KNOWN = "FROM ARG ENV LABEL COPY ADD RUN WORKDIR USER ENTRYPOINT CMD EXPOSE SHELL MAINTAINER".split()
CHOICE = re.compile(r"\$\{(\w+):([-+])([^{}$]*)\}")
FLAG = re.compile(r"--([a-z-]+)=(\S+)\s+")
SHELL = ["/bin/sh", "-c"]


class Malformed(Exception):
    """The Dockerfile cannot be built; the text says which line, and why."""


@dataclass(frozen=True)
class Step:
    """What changes files. kind: RUN, COPY, ADD or WORKDIR. text: as the progress shows it.

    argv: of a RUN. sources, target, chmod, stage: of a copy; stage is the stage or image that it copies from.
    env: what a RUN sees, ARGs included."""

    kind: str
    text: str
    workdir: str
    user: str
    argv: tuple[str, ...] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    target: str = ""
    chmod: str = ""
    stage: str = ""


@dataclass
class Stage:
    """One FROM and what follows. config: Entrypoint, Cmd, Labels … as an OCI image's config has them; Env, WorkingDir,
    User are what the stage says, over its base's."""

    base: str
    name: str
    config: dict[str, Any] = field(default_factory=dict)
    steps: list[Step] = field(default_factory=list)
    lines: list[tuple[str, str, str]] = field(default_factory=list)  # instruction, value, where: not yet evaluated


def read(content: bytes, given: Mapping[str, str]) -> list[Stage]:
    """The stages, not yet evaluated: what a base's environment says is known when the base is. given: --build-arg.
    Raises Malformed."""
    stages: list[Stage] = []
    args: dict[str, str] = {}
    for instruction, value, where in _lines(content):
        if instruction == "FROM":
            stages.append(_stage(value, args, where))
        elif stages:
            stages[-1].lines.append((instruction, value, where))
        elif instruction == "ARG":
            args |= _arguments(value, args, args, given, where)
        else:
            raise Malformed(f"{where}: {instruction} before the first FROM.")
    if not stages:
        raise Malformed("The Dockerfile has no FROM.")
    for stage in stages:
        stage.config["args"] = args
    return stages


def _lines(content: bytes) -> list[tuple[str, str, str]]:
    try:
        found = DockerfileParser(fileobj=BytesIO(content)).structure
    except (ValueError, IndexError, UnicodeDecodeError) as problem:
        raise Malformed(f"The Dockerfile cannot be read: {problem}") from None
    lines = []
    for each in found:
        where, instruction = f"line {each['startline'] + 1}", each["instruction"]
        if instruction == "COMMENT":
            continue
        if instruction not in KNOWN:
            raise Malformed(f"{where}: {instruction} is not supported. Known are {', '.join(KNOWN)}.")
        if instruction in ("RUN", "COPY") and re.search(r"<<-?['\"]?\w+", each["value"]):
            raise Malformed(f"{where}: here-documents are not supported; put the text into a file and COPY it.")
        lines.append((instruction, each["value"], where))
    return lines


def _stage(value: str, args: Mapping[str, str], where: str) -> Stage:
    _, value = _flags(value, ("platform",), where)
    words = put(value, args, where).split()
    if len(words) == 3 and words[1].upper() == "AS":
        return Stage(words[0], words[2].lower())
    if len(words) != 1:
        raise Malformed(f"{where}: FROM takes an image, and AS and a name.")
    return Stage(words[0], "")


def evaluate(stage: Stage, base: Mapping[str, Any], given: Mapping[str, str]) -> None:
    """Fills config and steps, on top of the config of the stage's base. Raises Malformed."""
    declared, args = stage.config.pop("args"), dict[str, str]()
    config = {"Env": {}, "WorkingDir": "/", "User": "", "Labels": {}, "Shell": SHELL} | dict(base)
    config |= {"Env": dict(config["Env"]), "Labels": dict(config["Labels"])}
    for instruction, value, where in stage.lines:
        known = args | config["Env"]
        if instruction == "ARG":
            args |= _arguments(value, known, declared, given, where)
        elif instruction in ("ENV", "LABEL"):
            config["Env" if instruction == "ENV" else "Labels"] |= _pairs(value, known, where)
        elif instruction in ("ENTRYPOINT", "CMD"):
            config["Entrypoint" if instruction == "ENTRYPOINT" else "Cmd"] = _command(value, config["Shell"], where)
            if instruction == "ENTRYPOINT":
                config.pop("Cmd", None)  # Docker's rule: the base's CMD was for the base's ENTRYPOINT
        elif instruction == "SHELL":
            config["Shell"] = _array(value, where)
        elif instruction == "USER":
            config["User"] = put(value, known, where)
        elif instruction == "EXPOSE":
            config["ExposedPorts"] = config.get("ExposedPorts", {}) | {
                port: {} for port in put(value, known, where).split()
            }
        elif instruction in ("RUN", "COPY", "ADD", "WORKDIR"):
            stage.steps.append(_step(instruction, value, config, args, where))
    stage.config = config


def _step(instruction: str, value: str, config: dict[str, Any], args: dict[str, str], where: str) -> Step:
    known = args | config["Env"]
    if instruction == "WORKDIR":
        config["WorkingDir"] = _below(config["WorkingDir"], put(value, known, where))
    common = {"kind": instruction, "text": f"{instruction} {value}", "workdir": config["WorkingDir"]}
    if instruction == "WORKDIR":
        return Step(**common, user="")
    if instruction == "RUN":
        _flags(value, (), where)
        argv = tuple(_command(value, config["Shell"], where))
        return Step(**common, user=config["User"], argv=argv, env=args | config["Env"])
    flags, value = _flags(put(value, known, where, split=False), ("from", "chown", "chmod"), where)
    words = _array(value, where) if value.startswith("[") else [*WordSplitter(value).split()]
    if len(words) < 2:
        raise Malformed(f"{where}: {instruction} takes what to copy, and where to.")
    target = _below(config["WorkingDir"], words[-1]) + ("/" if words[-1].endswith(("/", ".")) else "")
    if len(words) > 2 and not target.endswith("/"):
        raise Malformed(f"{where}: a copy of several files needs a folder, with a / at its end.")
    stage, chmod = flags.get("from", ""), flags.get("chmod", "")
    return Step(**common, user="", sources=tuple(words[:-1]), target=target, stage=stage.lower(), chmod=chmod)


def put(text: str, known: Mapping[str, str], where: str, split: bool = True) -> str:
    """text with its variables put in; split: also without its quotes."""

    words = WordSplitter(_chosen(text, known, where), args={}, envs=dict(known))
    return str(words.dequote()) if split else "".join(words.split(maxsplit=0, dequote=False))


def _chosen(text: str, known: Mapping[str, str], where: str) -> str:
    """text with ${NAME:-other} and ${NAME:+other} put in, which the parser does not know."""

    def chosen(match: re.Match[str]) -> str:
        name, way, other = match.groups()
        return (known.get(name) or other) if way == "-" else (other if known.get(name) else "")

    text = CHOICE.sub(chosen, text)
    if re.search(r"\$\{\w+[^\w}]", text):
        raise Malformed(f"{where}: of the forms of ${{…}}, :- and :+ are supported.")
    return text


def _pairs(value: str, known: Mapping[str, str], where: str) -> dict[str, str]:
    value = _chosen(value, known, where)
    try:
        return dict(extract_key_values(True, {}, dict(known), value))
    except (ValueError, IndexError) as problem:
        raise Malformed(f"{where}: {problem}") from None


def _arguments(
    value: str, known: Mapping[str, str], declared: Mapping[str, str], given: Mapping[str, str], where: str
) -> dict[str, str]:
    """ARG name[=default] …: what was given, else the default, else what stood before the first FROM."""
    found = {}
    for word in WordSplitter(value).split(dequote=False):
        name, _, default = str(word).partition("=")
        if name in given or "=" in word or name in declared:
            found[name] = given.get(name, put(default, known, where) if "=" in word else declared.get(name, ""))
    return found


def _command(value: str, shell: list[str], where: str) -> list[str]:
    return _array(value, where) if value.lstrip().startswith("[") else [*shell, value]


def _array(value: str, where: str) -> list[str]:
    try:
        found = json.loads(value)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list) or not found or not all(isinstance(word, str) for word in found):
        raise Malformed(f"{where}: {value[:60]} is not a JSON array of strings.")
    return found


def _flags(value: str, known: tuple[str, ...], where: str) -> tuple[dict[str, str], str]:
    flags: dict[str, str] = {}
    while match := FLAG.match(value):
        if match[1] not in known:
            raise Malformed(f"{where}: --{match[1]} is not supported.")
        flags[match[1]], value = match[2], value[match.end() :]
    return flags, value.strip()


def _below(folder: str, path: str) -> str:
    """A path that may be relative to the working folder, plain."""
    parts: list[str] = []
    for part in f"{folder}/{path}".split("/") if not path.startswith("/") else path.split("/"):
        if part == "..":
            parts[-1:] = []
        elif part not in ("", "."):
            parts.append(part)
    return "/" + "/".join(parts)
