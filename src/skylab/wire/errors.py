"""The one exception an operation raises on purpose; everything else is a bug and becomes a 500."""

from typing import Any


class AwsError(Exception):
    """An error the caller sees, by its AWS code.

    status: None takes the status that the service model gives the code, else 400.
    members: further members of the modelled error (ModelError's OriginalStatusCode, say).
    headers: of the answer, beside those that its members make.
    """

    def __init__(self, code: str, message: str, status: int | None = None, **members: Any) -> None:
        super().__init__(message)
        self.code, self.message, self.status, self.members = code, message, status, members
        self.headers: dict[str, str] = {}


def invalid(message: str) -> AwsError:
    return AwsError("ValidationException", message)
