"""How the reading of a definition is refused: SageMaker's words, where they are known."""

from typing import Any

from skylab.wire.errors import AwsError, invalid

HEAD = "Unable to parse pipeline definition."


def array(value: Any) -> list[Any]:
    """Raises AwsError for what is none."""
    if not isinstance(value, list):
        raise unreadable("Expecting start of Json Array.")
    return value


def unreadable(why: str) -> AwsError:
    return invalid(f"{HEAD} {why}")
