"""A lifecycle rule: which objects it is about, and from when on. No protocol here but the errors.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/intro-lifecycle-rules.html
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from skylab.wire.errors import AwsError

MOST = 1000
ACTIONS = (
    "Expiration",
    "Transitions",
    "NoncurrentVersionExpiration",
    "NoncurrentVersionTransitions",
    "AbortIncompleteMultipartUpload",
)
DAY = timedelta(days=1)
Rule = Mapping[str, Any]


def checked(rules: Sequence[Rule], unique: Sequence[str]) -> list[dict[str, Any]]:
    """The rules as they are stored, each with an ID. unique: ids for those that have none. Raises AwsError."""
    if not 1 <= len(rules) <= MOST:
        raise malformed()
    kept = [dict(rule) | {"ID": rule.get("ID") or name} for rule, name in zip(rules, unique, strict=True)]
    if len({rule["ID"] for rule in kept}) < len(kept):
        raise AwsError("InvalidArgument", "Rule ID must be unique. Found same ID for more than one rule", 400)
    for rule in kept:
        _check(rule)
    return kept


def _check(rule: Rule) -> None:
    if len(rule["ID"]) > 255:
        raise AwsError("InvalidArgument", "ID length should not exceed allowed limit of 255", 400)
    if ("Filter" in rule) == ("Prefix" in rule) or len(rule.get("Filter", {})) > 1:
        raise malformed()
    if not any(rule.get(action) for action in ACTIONS):
        raise AwsError("InvalidRequest", "At least one action needs to be specified in a rule", 400)
    expiration = rule.get("Expiration", {})
    if len([name for name in ("Days", "Date", "ExpiredObjectDeleteMarker") if name in expiration]) > 1:
        raise malformed()
    dated = [expiration, *rule.get("Transitions", [])]
    for action in dated:
        if "Date" in action and action["Date"] != midnight(action["Date"]):
            raise AwsError("InvalidArgument", "'Date' must be at midnight GMT", 400)
    _check_days(rule, expiration)
    if _tags(rule) and ("AbortIncompleteMultipartUpload" in rule or "ExpiredObjectDeleteMarker" in expiration):
        what = "AbortIncompleteMultipartUpload" if "AbortIncompleteMultipartUpload" in rule else "Expired delete marker"
        raise AwsError("InvalidRequest", f"{what} cannot be specified with Tags.", 400)


def _check_days(rule: Rule, expiration: Mapping[str, Any]) -> None:
    positive = {
        "'Days' for Expiration action": expiration.get("Days"),
        "'NoncurrentDays' for NoncurrentVersionExpiration action": rule.get("NoncurrentVersionExpiration", {}).get(
            "NoncurrentDays"
        ),
        "'DaysAfterInitiation' for AbortIncompleteMultipartUpload action": rule.get(
            "AbortIncompleteMultipartUpload", {}
        ).get("DaysAfterInitiation"),
    }
    for what, days in positive.items():
        if days is not None and days < 1:
            raise AwsError("InvalidArgument", f"{what} must be a positive integer", 400)
    for transition in rule.get("Transitions", []):
        if "StorageClass" not in transition or ("Days" in transition) == ("Date" in transition):
            raise malformed()


def malformed() -> AwsError:
    message = "The XML you provided was not well-formed or did not validate against our published schema"
    return AwsError("MalformedXML", message, 400)


# -- whom


def prefix(rule: Rule) -> str:
    of = rule.get("Filter", {})
    found: str = rule.get("Prefix") or of.get("Prefix") or of.get("And", {}).get("Prefix") or ""
    return found


def _tags(rule: Rule) -> list[Mapping[str, str]]:
    of = rule.get("Filter", {})
    return [of["Tag"]] if "Tag" in of else list(of.get("And", {}).get("Tags", []))


def about(rule: Rule, key: str, size: int, tags: Sequence[Mapping[str, str]]) -> bool:
    """Whether the rule is in force and this object one of those it is about."""
    of = rule.get("Filter", {})
    bounds = of.get("And", of)
    return (
        rule["Status"] == "Enabled"
        and key.startswith(prefix(rule))
        and size > bounds.get("ObjectSizeGreaterThan", -1)
        and size < bounds.get("ObjectSizeLessThan", size + 1)
        and all({"Key": tag["Key"], "Value": tag["Value"]} in tags for tag in _tags(rule))
    )


def sized(rule: Rule) -> bool:
    """Whether the rule says itself how large its objects are."""
    of = rule.get("Filter", {})
    return not {"ObjectSizeGreaterThan", "ObjectSizeLessThan"}.isdisjoint(of.get("And", of))


# -- when


def midnight(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(hour=0, minute=0, second=0, microsecond=0)


def after(moment: datetime, days: int) -> datetime:
    """So many days later, rounded to the next midnight UTC, as S3 counts."""
    later = moment + days * DAY
    return later if later == midnight(later) else midnight(later) + DAY


def due(action: Mapping[str, Any], since: datetime) -> datetime | None:
    """When an Expiration or a Transition happens to what was made then."""
    if "Date" in action:
        date: datetime = action["Date"]
        return date
    return after(since, action["Days"]) if "Days" in action else None


def expiry(rules: Sequence[Rule], key: str, size: int, tags: Sequence[Mapping[str, str]], made: datetime) -> Any:
    """(when, rule id) of the first expiration of a current version; None where there is none."""
    dates = [
        (at, rule["ID"])
        for rule in rules
        if about(rule, key, size, tags) and (at := due(rule.get("Expiration", {}), made))
    ]
    return min(dates, default=None)
