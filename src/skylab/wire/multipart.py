"""A browser's form as it comes in: its fields, then one file, whose bytes pass by and are never all in memory.

https://www.rfc-editor.org/rfc/rfc7578. The parser is python-multipart; the bounds are ours.
"""

from collections import deque
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from skylab.wire.http import Stream

FILE = "file"  # the name of the field that is the file; what comes behind it is ignored
MOST = 20 * 1024  # bytes of all fields, names and values; and of what comes behind the file
_HEADERS = 4 * 1024  # bytes that may be around them before the file
_STEP = 1024  # bytes that are parsed at once before the file
PART, DATA, END, DONE = "part", "data", "end", "done"


class Malformed(ValueError):
    """Not a form."""


class TooLarge(ValueError):
    """More fields than are taken."""


@dataclass
class Form:
    """fields: by their names in lower case. file: None where there was none. filename: as the browser says it."""

    fields: dict[str, str] = field(default_factory=dict)
    filename: str = ""
    file: Stream | None = None


async def read(body: bytes | Stream, content_type: str) -> Form:
    """Up to where the file begins. Raises Malformed or TooLarge; the file does, too, while it is iterated."""
    kind, options = parse_options_header(content_type)
    if kind != b"multipart/form-data" or not options.get(b"boundary"):
        raise Malformed("no boundary")
    reader, form = _Reader(body, options[b"boundary"]), Form()
    while (event := await reader.next())[0] != DONE:
        if event[0] != PART:
            raise Malformed("data outside of a part")
        name, filename = _disposition(event[1])
        if name == FILE:
            form.filename, form.file = filename, _file(reader)
            return form
        if name in form.fields:
            raise Malformed(f"{name} is there twice")
        form.fields[name] = await _value(reader)
    return form


def _disposition(header: bytes) -> tuple[str, str]:
    """A part's name, in lower case, and that of its file."""
    kind, options = parse_options_header(header)
    try:
        name, filename = (options.get(key, b"").decode() for key in (b"name", b"filename"))
    except UnicodeDecodeError:
        raise Malformed("a name is no UTF-8") from None
    if kind != b"form-data" or not name:
        raise Malformed("a part has no name")
    return name.lower(), filename


async def _value(reader: "_Reader") -> str:
    pieces = []
    while (event := await reader.next())[0] == DATA:
        pieces.append(event[1])
    try:
        return b"".join(pieces).decode()
    except UnicodeDecodeError:
        raise Malformed("a field is no UTF-8") from None


async def _file(reader: "_Reader") -> AsyncIterator[bytes]:
    """To the form's end: a file without a boundary behind it was cut off."""
    reader.step, reader.left = 0, 2**62
    while (event := await reader.next())[0] == DATA:
        yield event[1]
    reader.step, reader.left = _STEP, MOST + _HEADERS
    while (await reader.next())[0] != DONE:
        pass


class _Reader:
    """The parser's callbacks as events, one after the other: (kind, bytes), of a part its Content-Disposition."""

    def __init__(self, body: bytes | Stream, boundary: bytes) -> None:
        self._source, self._rest = _pieces(body), memoryview(b"")
        self._events: deque[tuple[str, bytes]] = deque()
        self._headers: dict[str, bytes] = {}
        self._name = self._value = b""
        self.step, self.left = _STEP, MOST + _HEADERS  # bytes to parse at once (0: all), and at most
        try:
            self._parser = MultipartParser(boundary, {
                "on_part_begin": self._headers.clear,
                "on_header_field": self._on_name,
                "on_header_value": self._on_value,
                "on_header_end": self._on_header,
                "on_headers_finished": self._on_part,
                "on_part_data": lambda data, start, end: self._events.append((DATA, data[start:end])),
                "on_part_end": lambda: self._events.append((END, b"")),
                "on_end": lambda: self._events.append((DONE, b"")),
            })  # fmt: skip
        except FormParserError as problem:
            raise Malformed(str(problem)) from None

    async def next(self) -> tuple[str, bytes]:
        while not self._events:
            await self._feed()
        return self._events.popleft()

    async def _feed(self) -> None:
        if not self._rest:
            try:
                self._rest = memoryview(await anext(self._source))
            except StopAsyncIteration:
                raise Malformed("the form is cut off") from None
        size = self.step or len(self._rest)
        piece, self._rest = bytes(self._rest[:size]), self._rest[size:]
        self.left -= len(piece)
        if self.left < 0:
            raise TooLarge
        try:
            self._parser.write(piece)
        except FormParserError as problem:
            raise Malformed(str(problem)) from None

    def _on_name(self, data: bytes, start: int, end: int) -> None:
        self._name += data[start:end]

    def _on_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _on_header(self) -> None:
        self._headers[self._name.decode("latin-1").lower()] = self._value
        self._name = self._value = b""

    def _on_part(self) -> None:
        self._events.append((PART, self._headers.get("content-disposition", b"")))


async def _pieces(body: bytes | Stream) -> AsyncIterator[bytes]:
    if isinstance(body, bytes):
        yield body
        return
    async for piece in body:
        yield piece
