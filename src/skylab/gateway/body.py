"""The whole body of a request, no longer than it may be."""

from skylab.wire.errors import AwsError
from skylab.wire.http import HttpRequest


async def read(request: HttpRequest, most: int) -> bytes:
    """The whole body. Raises AwsError (413) when it is longer than most."""
    if isinstance(request.body, bytes):
        if len(request.body) > most:
            raise _too_large(most)
        return request.body
    pieces, size = [], 0
    async for piece in request.body:
        size += len(piece)
        if size > most:
            raise _too_large(most)
        pieces.append(piece)
    return b"".join(pieces)


def _too_large(most: int) -> AwsError:
    return AwsError("RequestEntityTooLarge", f"The request is larger than {most} bytes.", 413)
