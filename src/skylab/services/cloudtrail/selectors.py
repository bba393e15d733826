"""PutEventSelectors and GetEventSelectors: which events a trail is to log.

https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_PutEventSelectors.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from skylab.services.call import Call
from skylab.services.cloudtrail import names
from skylab.services.cloudtrail.selection import BASIC_TYPES, DEFAULT, TESTS
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.cloudtrail import *

MOST, MOST_RESOURCES, MOST_VALUES = 5, 250, 500
EXCLUDABLE = {"kms.amazonaws.com", "rdsdata.amazonaws.com"}
COMMON = {"eventCategory", "readOnly", "eventSource", "eventName", "eventType"}
COMMON |= {"sessionCredentialFromConsole", "userIdentity.arn"}
FIELDS = {"Management": COMMON, "Data": COMMON | {"resources.type", "resources.ARN"}}
EQUALS_ONLY = {"eventCategory", "readOnly", "resources.type"}


class Selectors:
    def put_event_selectors(self, call: Call, request: PutEventSelectorsRequest) -> dict[str, Any]:
        basic, advanced = request.get("EventSelectors"), request.get("AdvancedEventSelectors")
        if bool(basic) == bool(advanced):
            raise _bad("Specify either EventSelectors or AdvancedEventSelectors, and at least one selector.")
        chosen: dict[str, Any]
        if advanced:
            _check_advanced(advanced)
            chosen = {"AdvancedEventSelectors": advanced}
        else:
            chosen = {"EventSelectors": _checked_basic(basic or [])}
        with call.writing() as tx:
            doc = names.own(call, tx, request["TrailName"])
            doc["_"]["selectors"] = chosen
            doc["HasCustomEventSelectors"] = chosen != {"EventSelectors": [DEFAULT]}
            tx.put(names.key(doc["TrailARN"]), doc, call.now)
        call.part["watch"].load(call.store)
        return {"TrailARN": doc["TrailARN"]} | chosen

    def get_event_selectors(self, call: Call, request: GetEventSelectorsRequest) -> dict[str, Any]:
        with call.reading() as tx:
            doc = names.find(call, tx, request["TrailName"])
        return {"TrailARN": doc["TrailARN"]} | doc["_"]["selectors"]


def _checked_basic(selectors: list[Any]) -> list[dict[str, Any]]:
    made = [DEFAULT | {member: value for member, value in each.items() if value is not None} for each in selectors]
    if len(made) > MOST:
        raise _bad(f"A trail can have up to {MOST} event selectors.")
    resources = [resource for selector in made for resource in selector["DataResources"]]
    for resource in resources:
        if resource.get("Type") not in BASIC_TYPES:
            raise _bad(f"The resource type {resource.get('Type')} is not one of {', '.join(BASIC_TYPES)}.")
        for value in resource.setdefault("Values", []):
            if not value.startswith(f"arn:aws:{_service(resource['Type'])}"):
                raise _bad(f"Value {value} for DataResources.Values is invalid.")
    if sum(len(resource["Values"]) for resource in resources) > MOST_RESOURCES:
        raise _bad(f"A trail is limited to {MOST_RESOURCES} data resources.")
    for selector in made:
        if not set(selector["ExcludeManagementEventSources"]) <= EXCLUDABLE:
            raise _bad(f"ExcludeManagementEventSources may hold {', '.join(sorted(EXCLUDABLE))} only.")
    return made


def _service(type: str) -> str:
    return type.split("::")[1].lower()


def _check_advanced(selectors: list[Any]) -> None:
    values = 0
    for selector in selectors:
        fields = {condition["Field"]: condition for condition in selector["FieldSelectors"]}
        if len(fields) != len(selector["FieldSelectors"]):
            raise _bad("A field can be used once in a selector only.")
        _check_fields(fields)
        values += sum(len(condition.get(test) or []) for condition in fields.values() for test in TESTS)
    if values > MOST_VALUES:
        raise _bad(f"A maximum of {MOST_VALUES} values for all conditions is allowed.")


def _check_fields(fields: Mapping[str, Any]) -> None:
    category = (fields.get("eventCategory") or {}).get("Equals") or []
    if len(category) != 1 or category[0] not in ("Management", "Data", "NetworkActivity"):
        raise _bad("Each selector needs eventCategory with one value of Equals: Management or Data.")
    if category[0] not in FIELDS:
        raise AwsError("NotImplemented", "Network activity events are not implemented.", 501)
    if category[0] == "Data" and len((fields.get("resources.type") or {}).get("Equals") or []) != 1:
        raise _bad("A selector of data events needs resources.type with one value of Equals.")
    for name, condition in fields.items():
        if name not in FIELDS[category[0]]:
            raise _bad(f"The field {name} cannot be used in a selector of {category[0]} events.")
        used = [test for test in TESTS if condition.get(test)]
        if not used or (name in EQUALS_ONLY and used != ["Equals"]):
            raise _bad(f"The operators of the field {name} are not valid.")
    if read := (fields.get("readOnly") or {}).get("Equals"):
        if read not in (["true"], ["false"]):
            raise _bad("The field readOnly is true or false.")


def _bad(message: str) -> AwsError:
    return AwsError("InvalidEventSelectorsException", message)
