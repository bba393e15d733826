"""The form of a body at rest: AES-256-GCM in chunks, each of which can be opened by itself.

    whole    head | chunk | chunk | …
    joined   head | count 8 | head and size 8 of each part | seal | part | part | …

    head     "SKS3" | version | kind | log2 of a chunk's size | layers | salt 16
    chunk    ciphertext, and a tag for each layer
    part     a whole, as it was uploaded

A whole is encrypted under keys made of the object's keys and its head, so no other object, body, version, chunk size or
salt opens it. The nonce is the chunk's number and whether it is the last one: chunks that are exchanged, repeated, cut
off or added do not open. The table of a joined body is sealed by S3's own key, and so says which parts, in which order.
"""

import os
from collections.abc import Sequence
from hashlib import sha256
from hmac import digest

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from skylab.kernel.vault import Tampered

MAGIC, VERSION = b"SKS3", 1
WHOLE, JOINED = 0, 1
HEAD, TAG = 24, 16  # bytes
BITS = 17  # a chunk is 128 KiB: what a small range costs at least
_MOST_BITS = 24


def head(kind: int, layers: int) -> bytes:
    return MAGIC + bytes((VERSION, kind, BITS, layers)) + os.urandom(16)


def kind_of(head: bytes) -> int:
    """Raises Tampered for what is no head of a version that is known."""
    known = len(head) == HEAD and head[:4] == MAGIC and head[4] == VERSION
    if not known or head[5] not in (WHOLE, JOINED) or not 10 <= head[6] <= _MOST_BITS or not 1 <= head[7] <= 2:
        raise Tampered("this file has no head of a body")
    return head[5]


def sealed_size(head: bytes, size: int) -> int:
    """Bytes on disk of a whole of size plain bytes; an empty one has a chunk too, which proves that it is empty."""
    return HEAD + size + TAG * head[7] * (max(size - 1, 0) // (1 << head[6]) + 1)


class Cipher:
    """The chunks of one whole. keys: one for each layer, the inner one first."""

    def __init__(self, keys: Sequence[bytes], head: bytes) -> None:
        if head[7] != len(keys):
            raise Tampered("the body has another number of layers than the object has keys")
        self._layers = [AESGCM(digest(key, head, sha256)) for key in keys]
        self.chunk = 1 << head[6]
        self.sealed = self.chunk + TAG * len(keys)

    def seal(self, number: int, last: bool, plain: bytes | memoryview) -> bytes:
        nonce = _nonce(number, last)
        out = self._layers[0].encrypt(nonce, plain, None)
        for layer in self._layers[1:]:
            out = layer.encrypt(nonce, out, None)
        return out

    def open_into(self, number: int, last: bool, sealed: memoryview, plain: memoryview) -> None:
        """Raises Tampered."""
        nonce = _nonce(number, last)
        try:
            for layer in self._layers[:0:-1]:
                sealed = memoryview(layer.decrypt(nonce, sealed, None))
            self._layers[0].decrypt_into(nonce, sealed, None, plain)
        except InvalidTag:
            raise Tampered("a chunk is not the one that was written here") from None


def _nonce(number: int, last: bool) -> bytes:
    return number.to_bytes(11, "big") + (b"\1" if last else b"\0")


class Sealing:
    """Plain bytes in, the bytes of a whole out. The last chunk is known only at the end, so one is always held back."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        self._head = head(WHOLE, len(keys))
        self._cipher = Cipher(keys, self._head)
        self._held, self._number = b"", 0

    def update(self, plain: bytes) -> bytes:
        """What is to be written now; empty while less than a chunk has come."""
        self._held += plain
        chunk, count = self._cipher.chunk, max(len(self._held) - 1, 0) >> BITS
        if not count:
            return b""
        view, first = memoryview(self._held), self._number
        out = [self._begun()]
        out += [self._cipher.seal(first + n, False, view[n * chunk : (n + 1) * chunk]) for n in range(count)]
        self._held, self._number = bytes(view[count * chunk :]), first + count
        return b"".join(out)

    def end(self) -> bytes:
        return self._begun() + self._cipher.seal(self._number, True, self._held)

    def _begun(self) -> bytes:
        return b"" if self._number else self._head
