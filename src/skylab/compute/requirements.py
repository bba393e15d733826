"""The text of a requirements.txt, as far as an environment made of it may be shared: names and versions, nothing else.

What is accepted is written anew from what was understood, and only that reaches pip: two texts that come to the same
are one environment, and nothing of a text that is not understood can mean something else to pip than to us.
"""

import hashlib
import re
import sys
import sysconfig
from pathlib import Path

LONGEST, MOST = 64 * 1024, 500  # bytes of a text, requirements in it
COMMENT = re.compile(r"(^|\s+)#.*$")  # as pip has it
ARCHIVE = re.compile(r"\.(whl|zip|tar|tgz|tar\.\w+|tbz|txz|tlz)$", re.IGNORECASE)  # pip takes such a name for a file
CONFIGURED = "/etc/pip.conf"  # the only configuration of pip that reaches a job


class NotPlain(Exception):
    """Why an environment of these requirements is not shared, in a clause."""


def plain(text: str) -> list[str]:
    """The requirements, each in its one spelling, sorted. Raises NotPlain.

    Version specifiers, extras and markers are plain (https://packaging.python.org/specifications/dependency-specifiers);
    options, URLs, paths, variables and continued lines are not.
    """
    if len(text.encode(errors="replace")) > LONGEST:
        raise NotPlain(f"{len(text)} characters are too many")
    lines = (COMMENT.sub("", line).strip() for line in text.splitlines())
    found = sorted({_plain(line) for line in lines if line})
    if len(found) > MOST:
        raise NotPlain(f"{len(found)} requirements are too many")
    return found


def _plain(line: str) -> str:
    # imported here, since a server that starts need not wait for them
    from packaging.requirements import InvalidRequirement, Requirement
    from packaging.utils import canonicalize_name

    try:
        read = Requirement(line)
    except InvalidRequirement:
        raise NotPlain(f"{line[:80]!r} is not a plain requirement") from None
    if read.url or ARCHIVE.search(read.name) or not line.isascii():
        raise NotPlain(f"{line[:80]!r} names a place, not a package of the index")
    read.name, read.extras = canonicalize_name(read.name), {canonicalize_name(extra) for extra in read.extras}
    return str(read)


def key(wanted: list[str]) -> str:
    """Of the requirements, the interpreter, what is installed for it already, and how pip is configured."""
    places = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    base = sorted(found.name for place in places for found in Path(place).glob("*.dist-info"))
    pip = Path(CONFIGURED).read_bytes() if Path(CONFIGURED).is_file() else b""
    told = "\0".join([*wanted, "", sys.version, sys.prefix, *base, ""])
    return hashlib.sha256(told.encode() + pip).hexdigest()[:40]
