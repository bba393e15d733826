"""Streams of chunks as clients send them, and what is read of them."""

import asyncio

import pytest

from skylab.wire.chunked import verified
from skylab.wire.errors import AwsError


async def pieces_of(data, sizes):
    at = 0
    for size in sizes:
        yield data[at : at + size]
        at += size
    yield data[at:]


async def collect(checked):
    return b"".join([piece async for piece in checked])


def unframed(body, request, signature=None, key=b""):
    checked = verified(body, request, signature, key)
    return asyncio.run(collect(checked)), checked


def refusal(body, request, signature=None, key=b""):
    with pytest.raises(AwsError) as raised:
        unframed(body, request, signature, key)
    return raised.value.code
