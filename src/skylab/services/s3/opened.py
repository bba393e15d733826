"""A body at rest that is being read: any span of it, opened chunk by chunk, and the stream that answers a GetObject."""

import asyncio
import os
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from skylab.kernel.vault import Tampered, Vault
from skylab.services.s3 import sealed
from skylab.services.s3.sealed import HEAD, Cipher

PIECE = 1024 * 1024
INLINE = 64 * 1024  # bytes that are sooner opened than handed to a thread
_COUNT, _SIZE, _SEAL = 8, 8, 29


class _Segment(NamedTuple):
    at: int  # of its first chunk, in the file
    start: int  # of its first byte, in the body
    size: int
    head: bytes


class Opened:
    """One open file. Used by one thread at a time; a body that is replaced or deleted meanwhile can still be read.

    size: plain bytes, as the row says. Raises Tampered, here and in read, for a file that is not what was written.
    """

    def __init__(self, path: str, keys: Sequence[bytes], size: int, vault: Vault) -> None:
        self._file = -1
        self._file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
        self._keys = keys
        head = os.pread(self._file, HEAD, 0)
        joined = sealed.kind_of(head) == sealed.JOINED
        self._segments = _joined(self._file, head, vault) if joined else [_Segment(HEAD, 0, size, head)]
        self._starts = [segment.start for segment in self._segments]
        last = self._segments[-1]
        whole = last.at - HEAD + sealed.sealed_size(last.head, last.size)
        if last.start + last.size != size or os.fstat(self._file).st_size != whole:
            raise Tampered("the file is longer or shorter than its object")
        self._cipher: tuple[_Segment | None, Cipher | None] = None, None

    def read(self, start: int, length: int) -> bytearray:
        out = bytearray(length)
        view, done = memoryview(out), 0
        while done < length:
            done += self._read(start + done, view[done:])
        return out

    def pieces(self, start: int, length: int) -> Iterator[bytearray]:
        """The span, in pieces that end where chunks do."""
        end = start + length
        while start < end:
            until = min(end, (start // PIECE + 1) * PIECE)
            yield self.read(start, until - start)
            start = until

    def _read(self, start: int, out: memoryview) -> int:
        """As much of out as lies in one segment."""
        segment = self._segments[bisect_right(self._starts, start) - 1]
        cipher = self._cipher_of(segment)
        begin = start - segment.start
        length = min(len(out), segment.size - begin)
        first, last = begin // cipher.chunk, (begin + length - 1) // cipher.chunk
        final = max(segment.size - 1, 0) // cipher.chunk
        data = self._load(segment, cipher, first, last)
        done = 0
        for number in range(first, last + 1):
            chunk = data[(number - first) * cipher.sealed : (number - first + 1) * cipher.sealed]
            skip = begin + done - number * cipher.chunk
            size = min(cipher.chunk, segment.size - number * cipher.chunk)
            wanted = min(size - skip, length - done)
            if wanted == size:
                cipher.open_into(number, number == final, chunk, out[done : done + size])
            else:
                plain = memoryview(bytearray(size))
                cipher.open_into(number, number == final, chunk, plain)
                out[done : done + wanted] = plain[skip : skip + wanted]
            done += wanted
        return length

    def _load(self, segment: _Segment, cipher: Cipher, first: int, last: int) -> memoryview:
        at = segment.at + first * cipher.sealed
        end = segment.at - HEAD + sealed.sealed_size(segment.head, segment.size)
        size = min((last + 1 - first) * cipher.sealed, end - at)
        data = os.pread(self._file, size, at)
        if len(data) != size:
            raise Tampered("the file became shorter")
        return memoryview(data)

    def _cipher_of(self, segment: _Segment) -> Cipher:
        of, cipher = self._cipher
        if cipher is None or of is not segment:
            cipher = Cipher(self._keys, segment.head)
            self._cipher = segment, cipher
        return cipher

    def close(self) -> None:
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    # An answer whose client went away is only dropped; the thread that reads ahead for it still holds this.
    __del__ = close


def table(parts: Sequence[tuple[bytes, int]], layers: int, vault: Vault) -> bytes:
    """What stands before the parts of a joined body. parts: the head and the plain size of each."""
    entries = b"".join(head + size.to_bytes(_SIZE, "big") for head, size in parts)
    text = sealed.head(sealed.JOINED, layers) + len(parts).to_bytes(_COUNT, "big") + entries
    return text + vault.seal(b"", text)


def _joined(file: int, head: bytes, vault: Vault) -> list[_Segment]:
    count = int.from_bytes(os.pread(file, _COUNT, HEAD), "big")
    first, entry = HEAD + _COUNT, HEAD + _SIZE
    if not 1 <= count <= 10_000:
        raise Tampered("no such number of parts")
    text = os.pread(file, first + count * entry + _SEAL, 0)
    vault.unseal(text[-_SEAL:], text[:-_SEAL])
    segments, at, start = [], len(text), 0
    for n in range(first, len(text) - _SEAL, entry):
        part, size = text[n : n + HEAD], int.from_bytes(text[n + HEAD : n + entry], "big")
        segments.append(_Segment(at + HEAD, start, size, part))
        at, start = at + sealed.sealed_size(part, size), start + size
    return segments


class Answer:
    """A stream of a span: a piece is read and opened in a thread while the one before it goes out."""

    def __init__(self, opened: Opened, start: int, length: int) -> None:
        self._pieces = opened.pieces(start, length)
        self._opened = opened
        self._ahead = self._next()

    def _next(self) -> "asyncio.Future[bytearray | None]":
        return asyncio.get_running_loop().run_in_executor(None, next, self._pieces, None)

    async def begin(self) -> None:
        """Waits for the first piece: a body that does not open is an error, and not half an answer."""
        await asyncio.shield(self._ahead)

    def __aiter__(self) -> "Answer":
        return self

    async def __anext__(self) -> bytearray:
        piece = await self._ahead
        if piece is None:
            self._opened.close()
            raise StopAsyncIteration
        self._ahead = self._next()
        return piece
