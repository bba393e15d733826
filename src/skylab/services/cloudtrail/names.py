"""How trails are named and found.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-trail-naming-requirements.html
"""

import re
from typing import Any

from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.wire.errors import AwsError

ARN = re.compile(r"arn:aws:cloudtrail:(?P<region>[a-z0-9-]+):(?P<account>\d{12}):trail/(?P<name>.+)")
ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+")
Doc = dict[str, Any]


def check(name: str) -> None:
    """Raises AwsError in AWS's words for a name that no trail may have."""
    if not 3 <= len(name) <= 128:
        raise _bad("Trail name must be between 3 and 128 characters long.")
    if not re.fullmatch(r"[A-Za-z0-9._-]+", name):
        raise _bad(
            "Trail name can only contain uppercase letters, lowercase letters, numbers, periods (.), hyphens (-), "
            "and underscores (_)."
        )
    if not (name[0].isalnum() and name[-1].isalnum()):
        raise _bad("Trail name must start and end with a letter or number.")
    if re.search(r"[._-]{2}", name):
        raise _bad("Trail name cannot have adjacent periods, underscores or dashes.")
    if ADDRESS.fullmatch(name):
        raise _bad("Trail name must not be formatted as an IP address.")


def _bad(message: str) -> AwsError:
    return AwsError("InvalidTrailNameException", message)


def arn(call: Call, name: str) -> str:
    """Of a trail that is at home in the region of the call, unless name is an ARN already. Raises AwsError."""
    if not name.startswith("arn:"):
        check(name)
        return call.arn(f"trail/{name}")
    found = ARN.fullmatch(name)
    if found is None:
        raise AwsError("CloudTrailARNInvalidException", f"Invalid trail ARN: {name}")
    check(found["name"])
    return name


def key(arn: str) -> Key:
    """All trails are in one name space, by ARN: one of all regions is seen from each of them."""
    return Key("", "", "cloudtrail", "trail", arn)


def find(call: Call, tx: Transaction, name: str) -> Doc:
    """By name, of this region or of all regions, or by ARN. Raises AwsError."""
    wanted = arn(call, name)
    doc = tx.find(key(wanted))
    if doc is None and not name.startswith("arn:"):
        doc = next((each for each in mine(call, tx) if each["Name"] == name and each["IsMultiRegionTrail"]), None)
    if doc is None or not _owned(call, doc):
        raise AwsError("TrailNotFoundException", f"Unknown trail: {wanted} for the user: {call.account}")
    return doc


def own(call: Call, tx: Transaction, name: str) -> Doc:
    """find(), of a trail that is to be changed: that is done at its home only. Raises AwsError."""
    doc = find(call, tx, name)
    if doc["HomeRegion"] != call.region:
        raise AwsError(
            "InvalidHomeRegionException",
            f"The trail {doc['Name']} cannot be changed from {call.region}: its home region is {doc['HomeRegion']}.",
        )
    return doc


def mine(call: Call, tx: Transaction) -> list[Doc]:
    """Every trail of the account, of all regions, by ARN."""
    return [doc for doc in tx.all("", "", "cloudtrail", "trail", "arn:aws:cloudtrail:") if _owned(call, doc)]


def _owned(call: Call, doc: Doc) -> bool:
    return bool(doc["TrailARN"].split(":")[4] == call.account)
