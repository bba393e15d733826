"""The encryption context as the bytes that are authenticated: the order of its pairs does not matter, all else does."""

from collections.abc import Mapping


def canonical(context: Mapping[str, str] | None) -> bytes:
    """Each name and value with its length before it, by name: no two contexts are the same bytes."""
    pairs = sorted((name.encode(), value.encode()) for name, value in (context or {}).items())
    return b"".join(len(text).to_bytes(4, "big") + text for pair in pairs for text in pair)
