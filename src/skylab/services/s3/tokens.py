"""Continuation tokens: the smallest name that the next page may begin with; they outlive inserts and deletes."""

from base64 import urlsafe_b64decode, urlsafe_b64encode

from skylab.wire.errors import AwsError


def write(bound: str) -> str:
    return urlsafe_b64encode(b"1" + bound.encode()).decode()


def read(token: str) -> str:
    """InvalidArgument for what write() did not make."""
    try:
        text = urlsafe_b64decode(token.encode("ascii"))
        if not text.startswith(b"1"):
            raise ValueError(token)
        return text[1:].decode()
    except ValueError:  # not ASCII, not base64 or not UTF-8
        message = "The continuation token provided is incorrect"
        raise AwsError("InvalidArgument", message, 400, ArgumentName="continuation-token") from None
