"""Which events a trail selects: a pure function of its selectors and what is known of the event.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-data-events-with-cloudtrail.html
https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_AdvancedFieldSelector.html
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

DEFAULT = {
    "ReadWriteType": "All",
    "IncludeManagementEvents": True,
    "DataResources": [],
    "ExcludeManagementEventSources": [],
}
BASIC_TYPES = ("AWS::S3::Object", "AWS::Lambda::Function", "AWS::DynamoDB::Table")
EXACT = "AWS::Lambda::Function"  # its ARNs are not prefixes
TESTS: dict[str, Callable[[str, str], bool]] = {
    "Equals": str.__eq__,
    "StartsWith": str.startswith,
    "EndsWith": str.endswith,
    "NotEquals": str.__eq__,
    "NotStartsWith": str.startswith,
    "NotEndsWith": str.endswith,
}


@dataclass(frozen=True)
class Facts:
    """What selectors ask of an event. type and arn are those of the resource of a data event."""

    data: bool
    source: str  # sagemaker.amazonaws.com
    name: str
    read_only: bool
    type: str = ""
    arn: str = ""
    user: str = ""

    def field(self, name: str) -> str | None:
        """By the name that advanced selectors use; None for what this event has not."""
        return {
            "eventCategory": "Data" if self.data else "Management",
            "eventSource": self.source,
            "eventName": self.name,
            "readOnly": "true" if self.read_only else "false",
            "resources.type": self.type or None,
            "resources.ARN": self.arn or None,
            "userIdentity.arn": self.user or None,
            "eventType": "AwsApiCall",
            "sessionCredentialFromConsole": "false",
        }.get(name)


def selects(trail: Mapping[str, Any], facts: Facts) -> bool:
    """trail: what PutEventSelectors stored: EventSelectors or AdvancedEventSelectors."""
    if advanced := trail.get("AdvancedEventSelectors"):
        return any(_advanced(selector, facts) for selector in advanced)
    return any(_basic(selector, facts) for selector in trail.get("EventSelectors") or [DEFAULT])


def any_data(trail: Mapping[str, Any]) -> bool:
    """Whether the trail selects data events at all."""
    if advanced := trail.get("AdvancedEventSelectors"):
        return any(_category(selector) == "Data" for selector in advanced)
    return any(selector.get("DataResources") for selector in trail.get("EventSelectors") or [])


def _category(selector: Mapping[str, Any]) -> str:
    values = [each["Equals"][0] for each in selector["FieldSelectors"] if each["Field"] == "eventCategory"]
    return str(values[0])


def _basic(selector: Mapping[str, Any], facts: Facts) -> bool:
    kind = selector.get("ReadWriteType", "All")
    if kind != "All" and (kind == "ReadOnly") != facts.read_only:
        return False
    if not facts.data:
        excluded = selector.get("ExcludeManagementEventSources") or []
        return bool(selector.get("IncludeManagementEvents", True)) and facts.source not in excluded
    return any(
        resource["Type"] == facts.type and any(_covers(facts.type, value, facts.arn) for value in resource["Values"])
        for resource in selector.get("DataResources") or []
    )


def _covers(type: str, value: str, arn: str) -> bool:
    """A value is the beginning of an ARN; of a function it is all of it, or arn:aws:lambda for all functions."""
    return arn == value if type == EXACT and value != "arn:aws:lambda" else arn.startswith(value)


def _advanced(selector: Mapping[str, Any], facts: Facts) -> bool:
    return all(_holds(condition, facts.field(condition["Field"])) for condition in selector["FieldSelectors"])


def _holds(condition: Mapping[str, Any], value: str | None) -> bool:
    """All operators of a field must hold: one of the values for the positive ones, none for the negative."""
    for operator, test in TESTS.items():
        if operator not in condition:
            continue
        hit = value is not None and any(test(value, wanted) for wanted in condition[operator])
        if hit == operator.startswith("Not"):
            return False
    return True
