"""How the reading of a definition is refused: SageMaker's words, where they are known."""

from skylab.wire.errors import AwsError, invalid

HEAD = "Unable to parse pipeline definition."


def unreadable(why: str) -> AwsError:
    return invalid(f"{HEAD} {why}")
