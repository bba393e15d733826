"""A body on its way in: chunk by chunk to its draft, never whole in memory, never a large write on the event loop."""

import asyncio
from collections.abc import Callable, Sequence
from typing import TypeVar

from skylab.services.s3.bodies import Bodies, Draft
from skylab.services.s3.digests import Digest, Promise
from skylab.wire.errors import AwsError
from skylab.wire.http import Stream

LARGEST = 5 * 1024**3  # bytes of one PutObject, of one part, of one copy
SMALL = 128 * 1024  # bytes that are sooner written than handed to a thread
_PIECE = 1024 * 1024

T = TypeVar("T")


async def aside(work: Callable[[], T]) -> T:
    """Runs in a thread. A caller that goes away does not stop it: what it began to publish it ends."""
    return await asyncio.shield(asyncio.get_running_loop().run_in_executor(None, work))


async def apart(here: bool, work: Callable[[], T]) -> T:
    """Runs in a thread what may wait for another service, and at once what does not."""
    return work() if here else await aside(work)


async def receive(
    bodies: Bodies, keys: Sequence[bytes], body: bytes | Stream, promise: Promise, algorithm: str | None = None
) -> tuple[Draft, Digest]:
    """A whole draft, sealed under keys, checked against what was promised; the caller keeps it or lets it go.

    algorithm: the checksum to keep, where it is not the one that was promised.
    """
    if promise.length is not None and promise.length > LARGEST:
        raise too_large(promise.length)
    draft, digest = bodies.draft(keys), Digest(algorithm or promise.algorithm, promise.algorithm)
    try:
        if isinstance(body, bytes):
            await _write(draft, digest, body)
        else:
            await _drain(draft, digest, body)
        promise.check(digest, getattr(body, "trailers", {}))
    except BaseException:
        draft.discard()
        raise
    return draft, digest


async def _drain(draft: Draft, digest: Digest, body: Stream) -> None:
    """The next piece comes in while the last one is hashed and written."""
    pending: list[bytes] = []
    size = 0
    writing: asyncio.Future[None] = _nothing()
    try:
        async for chunk in body:
            pending.append(chunk)
            size += len(chunk)
            if size >= _PIECE:
                await writing
                writing = asyncio.ensure_future(_write(draft, digest, b"".join(pending)))
                pending, size = [], 0
    finally:
        await asyncio.gather(writing, return_exceptions=True)
    await writing
    await _write(draft, digest, b"".join(pending))


async def _write(draft: Draft, digest: Digest, data: bytes) -> None:
    if digest.size + len(data) > LARGEST:
        raise too_large(digest.size + len(data))

    def work() -> None:
        draft.write(data)
        digest.update(data)

    if len(data) <= SMALL:
        work()
    else:
        await aside(work)


def _nothing() -> asyncio.Future[None]:
    done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
    done.set_result(None)
    return done


def too_large(size: int) -> AwsError:
    message = "Your proposed upload exceeds the maximum allowed size"
    return AwsError("EntityTooLarge", message, 400, ProposedSize=str(size), MaxSizeAllowed=str(LARGEST))
