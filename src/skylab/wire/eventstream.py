"""The binary framing of event streams: one message is a prelude, headers, a payload, and two checksums.

    total length (4) | headers length (4) | CRC32 of these (4) | headers | payload | CRC32 of all before (4)
https://docs.aws.amazon.com/transcribe/latest/dg/streaming-setting-up.html#streaming-event-stream
"""

from collections.abc import Mapping
from struct import pack
from zlib import crc32

_STRING = 7
_MAX_HEADERS = 128 * 1024  # bytes; the readers of the SDKs refuse more
_MAX_PAYLOAD = 24 * 1024 * 1024


def encode(headers: Mapping[str, str], payload: bytes) -> bytes:
    """One message whose headers are all strings. ValueError when a part is longer than the format or the SDKs allow."""
    block = b"".join(_header(name, value) for name, value in headers.items())
    if len(block) > _MAX_HEADERS or len(payload) > _MAX_PAYLOAD:
        raise ValueError(f"message too long: {len(block)} bytes of headers, {len(payload)} of payload")
    lengths = pack("!II", 16 + len(block) + len(payload), len(block))
    message = b"".join((lengths, pack("!I", crc32(lengths)), block, payload))
    return message + pack("!I", crc32(message))


def _header(name: str, value: str) -> bytes:
    name_bytes, value_bytes = name.encode(), value.encode()
    if not 0 < len(name_bytes) < 256 or len(value_bytes) > 32767:
        raise ValueError(f"header {name[:64]!r} has a name or value of a length that cannot be written")
    return pack("!B", len(name_bytes)) + name_bytes + pack("!BH", _STRING, len(value_bytes)) + value_bytes


def event(kind: str, payload: bytes, content_type: str) -> bytes:
    """A message that carries one event; kind is the member of the stream's shape."""
    headers = {":message-type": "event", ":event-type": kind, ":content-type": content_type}
    return encode(headers, payload)
