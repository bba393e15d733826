"""The rules of tags: fifty at most, none of AWS's own, and a key is the same in capitals and in small letters.

https://docs.aws.amazon.com/IAM/latest/UserGuide/id_tags.html
"""

from collections.abc import Callable, Iterable
from typing import Any

from skylab.wire.errors import AwsError

MOST = 50
Edit = Callable[[dict[str, Any]], None]


def checked(tags: Iterable[Any]) -> list[dict[str, str]]:
    """Tags of a resource, in order. Raises InvalidInput, LimitExceeded."""
    tags = [dict(tag) for tag in tags]
    if len({tag["Key"].lower() for tag in tags}) < len(tags):
        raise AwsError("InvalidInput", "Duplicate tag keys found. Please note that Tag keys are case insensitive.")
    if any(tag["Key"].lower().startswith("aws:") for tag in tags):
        raise AwsError("InvalidInput", "Tag keys that begin with aws: are reserved.")
    if len(tags) > MOST:
        raise AwsError("LimitExceeded", f"The number of tags has reached the maximum limit of {MOST}.", 409)
    return sorted(tags, key=lambda tag: tag["Key"].lower())


def tagged(request: Any) -> dict[str, Any]:
    """The member Tags of a new resource's document, if the request gives any."""
    return {"Tags": checked(request["Tags"])} if request.get("Tags") else {}


def adding(tags: Iterable[Any]) -> Edit:
    new = checked(tags)
    keys = {tag["Key"].lower() for tag in new}

    def edit(doc: dict[str, Any]) -> None:
        doc["Tags"] = checked([tag for tag in doc.get("Tags", []) if tag["Key"].lower() not in keys] + new)

    return edit


def removing(keys: Iterable[str]) -> Edit:
    gone = {key.lower() for key in keys}

    def edit(doc: dict[str, Any]) -> None:
        doc["Tags"] = [tag for tag in doc.get("Tags", []) if tag["Key"].lower() not in gone]

    return edit
