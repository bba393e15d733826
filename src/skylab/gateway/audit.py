"""Every call as CloudTrail records it, committed before its answer leaves.

    management events     always: also the denied, the failed, and those that another program answered for us
    data events           where a trail that is logging selects them; otherwise they cost one look at a flag
    not at all            calls whose signature is not proved: nobody's account is to blame, and AWS does the same

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-record-contents.html
"""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from botocore.model import OperationModel, ServiceModel

from skylab.gateway import audited, concerned, identities, parameters
from skylab.kernel.clock import Clock, Ids
from skylab.kernel.key import Key
from skylab.kernel.store import Store
from skylab.services.call import Principal
from skylab.services.cloudtrail.history import username
from skylab.services.cloudtrail.ledger import Event, Ledger
from skylab.services.cloudtrail.selection import Facts
from skylab.services.cloudtrail.watch import Watch
from skylab.wire.errors import AwsError
from skylab.wire.http import HttpRequest, HttpResponse
from skylab.wire.model import error_shape

VERSION = "1.11"
FIELD_BYTES, WORD_CHARS = 100 * 1024, 1024  # the longest field, and the longest error message or user agent
CUT = ("requestParameters", "responseElements", "additionalEventData", "serviceEventDetails")


@dataclass
class Seen:
    """A call as far as the gateway understood it. An operation without a principal was let in without a signature."""

    request: HttpRequest
    service: str  # what it was signed for
    region: str
    request_id: str
    model: ServiceModel | None = None
    operation: OperationModel | None = None
    name: str = ""  # of the operation, also where there is no model of it
    principal: Principal | None = None
    parameters: Mapping[str, Any] | None = None
    result: Mapping[str, Any] | None = None
    error: AwsError | None = None


class Audit:
    def __init__(self, store: Store, ledger: Ledger, watch: Watch, clock: Clock, ids: Ids) -> None:
        self.store, self.ledger, self.watch, self.clock, self.ids = store, ledger, watch, clock, ids
        self.identities = identities.Identities(store)
        watch.load(store)

    async def record(self, seen: Seen, response: HttpResponse) -> None:
        """Returns once the event is committed. Raises what the disk says: then the answer must not leave."""
        name = seen.name or (seen.operation.name if seen.operation else "")
        if not name:
            return
        if seen.principal is not None and seen.principal.type == "Anonymous":
            seen.principal = None
        data = audited.data_type(seen.service, name, seen.operation)
        if data is not None and not (data and self.watch.data):
            return
        for event in self._events(seen, response, name, data):
            if self.ledger.durable == "power":  # a commit waits for the disk: not on the event loop
                await asyncio.get_running_loop().run_in_executor(None, self.ledger.append, event)
            else:
                self.ledger.append(event)

    def service_event(
        self,
        service: str,
        name: str,
        account: str,
        region: str,
        resources: list[dict[str, Any]],
        details: Mapping[str, Any] | None = None,
    ) -> None:
        """What a service did of itself (KMS rotated a key), as an AwsServiceEvent."""
        now = self.clock.now()
        source = f"{service}.amazonaws.com"
        record: dict[str, Any] = {
            "eventVersion": VERSION,
            "userIdentity": {"accountId": account, "invokedBy": source},
            "eventTime": shown(now),
            "eventSource": source,
            "eventName": name,
            "awsRegion": region,
            "sourceIPAddress": source,
            "userAgent": source,
            "requestParameters": None,
            "responseElements": None,
            "eventID": self._uuid(),
            "readOnly": False,
            "resources": resources,
            "eventType": "AwsServiceEvent",
            "managementEvent": True,
            "recipientAccountId": account,
            "eventCategory": "Management",
        }
        if details:
            record["serviceEventDetails"] = details
        trails = self.watch.selecting(account, region, Facts(False, source, name, False))
        named = tuple((each.get("type", ""), each.get("ARN", "")) for each in resources)
        self.ledger.append(_event(record, now, trails, named))

    # -- one call

    def _events(self, seen: Seen, response: HttpResponse, name: str, data: str | None) -> list[Event]:
        """The caller's record, and that of each other account whose resource it was about."""
        asked, result = seen.parameters or {}, seen.result or {}
        owner = self._bucket_owner(seen, asked)
        account = seen.principal.account if seen.principal else ""
        about = concerned.resources(seen.service, seen.region, account, asked, result, owner or account, data or "")
        owners = [each["accountId"] for each in about if each.get("accountId") not in ("", None, account)]
        others = sorted(set(owners))
        account = account or (others.pop(0) if others else "")
        if not account:
            return []
        facts = self._facts(seen, name, data, account, asked)
        own = seen.principal.source_arn if seen.principal else ""
        trails = {each: self.watch.selecting(each, seen.region, facts, own) for each in (account, *others)}
        if data is not None and not any(trails.values()):
            return []
        now = self.clock.now()
        record = self._record(seen, response, name, data, now, about) | {"recipientAccountId": account}
        found = concerned.looked_up(seen.service, asked, about)
        if not others:
            return [_event(record, now, trails[account], found)]
        record["sharedEventID"] = self._uuid()
        told = {"userIdentity": identities.foreigner(record["userIdentity"])}
        copies = [record | told | {"eventID": self._uuid(), "recipientAccountId": each} for each in others]
        return [
            _event(each, now, trails[each["recipientAccountId"]], found)
            for each in (record, *copies)
            if data is None or trails[each["recipientAccountId"]]
        ]

    def _facts(self, seen: Seen, name: str, data: str | None, account: str, asked: Mapping[str, Any]) -> Facts:
        return Facts(
            data=data is not None,
            source=f"{seen.service}.amazonaws.com",
            name=audited.event_name(seen.service, name),
            read_only=audited.read_only(seen.service, name),
            type=data or "",
            arn=concerned.data_arn(seen.service, seen.region, account, data, asked) if data else "",
            user=seen.principal.arn if seen.principal else "",
        )

    def _bucket_owner(self, seen: Seen, asked: Mapping[str, Any]) -> str:
        if seen.service != "s3" or not asked.get("Bucket"):
            return ""
        with self.store.reading() as tx:
            bucket = tx.find(Key("", "", "s3", "bucket", str(asked["Bucket"])))
        return str(bucket["_owner"]) if bucket else ""

    def _record(
        self,
        seen: Seen,
        response: HttpResponse,
        name: str,
        data: str | None,
        now: datetime,
        about: list[dict[str, Any]],
    ) -> dict[str, Any]:
        by = identities.invoked_by(seen.principal)
        read = audited.read_only(seen.service, name)
        record: dict[str, Any] = {
            "eventVersion": VERSION,
            "userIdentity": self._who(seen, name),
            "eventTime": shown(now),
            "eventSource": f"{seen.service}.amazonaws.com",
            "eventName": audited.event_name(seen.service, name),
            "awsRegion": seen.region,
            "sourceIPAddress": by or seen.request.source,
            "userAgent": by or seen.request.headers.get("user-agent", "")[:WORD_CHARS],
        }
        if seen.error is not None:
            record |= {"errorCode": error_code(seen), "errorMessage": seen.error.message[:WORD_CHARS]}
        record |= {"requestParameters": _requested(seen), "responseElements": _answered(seen, response, name, read)}
        if more := _additional(seen, response):
            record["additionalEventData"] = more
        record |= {"requestID": seen.request_id, "eventID": self._uuid(), "readOnly": read}
        if about:
            record["resources"] = about
        record |= {"eventType": "AwsApiCall", "managementEvent": data is None}
        record |= {"eventCategory": "Management" if data is None else "Data"}
        if seen.request.secure:
            record["tlsDetails"] = {"clientProvidedHostHeader": seen.request.headers.get("host", "")}
        return record

    def _who(self, seen: Seen, name: str) -> dict[str, Any]:
        if seen.principal is not None:
            return self.identities.shown(seen.principal)
        return identities.nobody(name, seen.parameters or {}) | identities.of_web(seen.result or {})

    def _uuid(self) -> str:
        digits = self.ids.new() + self.ids.new() + self.ids.new()
        return f"{digits[:8]}-{digits[8:12]}-{digits[12:16]}-{digits[16:20]}-{digits[20:32]}"


def _requested(seen: Seen) -> dict[str, Any] | None:
    if seen.service == "s3":
        return parameters.of_s3(seen.request, seen.parameters)
    return parameters.written(seen.operation.input_shape if seen.operation else None, seen.parameters)


def _answered(seen: Seen, response: HttpResponse, name: str, read: bool) -> dict[str, Any] | None:
    """Only of what changes something, and of what hands out credentials."""
    if seen.error is not None or (read and name not in audited.CREDENTIALS):
        return None
    if seen.service == "s3":
        return parameters.answered_by_s3(response)
    return parameters.written(seen.operation.output_shape if seen.operation else None, seen.result)


def _additional(seen: Seen, response: HttpResponse) -> dict[str, Any] | None:
    if seen.service == "kms":
        material = (seen.result or {}).get("KeyMaterialId")
        return {"keyMaterialId": material} if material else None
    if seen.service != "s3":
        return None
    length = seen.request.headers.get("content-length", "0")
    presigned = "X-Amz-Signature=" in seen.request.query
    more: dict[str, Any] = {
        "SignatureVersion": "SigV4",
        "AuthenticationMethod": "QueryString" if presigned else "AuthHeader",
        "bytesTransferredIn": int(length) if length.isdecimal() else 0,
        "bytesTransferredOut": _size(response),
    }
    if (token := response.headers.get("x-amz-id-2")) is not None:
        more["x-amz-id-2"] = token
    return more if seen.principal is not None else {"bytesTransferredOut": _size(response)}


def _size(response: HttpResponse) -> int:
    """Bytes of the body; of a stream what its header announces."""
    if isinstance(response.body, bytes):
        return len(response.body)
    return next((int(value) for name, value in response.headers.items() if name.lower() == "content-length"), 0)


def error_code(seen: Seen) -> str:
    """As CloudTrail names it: by its shape, and a denial by one name in all services."""
    assert seen.error is not None
    code = seen.error.code
    if code.startswith("AccessDenied"):
        return "AccessDenied"
    if seen.service == "ec2":
        return f"{'Server' if (seen.error.status or 400) >= 500 else 'Client'}.{code}"
    shape = error_shape(seen.model, code) if seen.model is not None else None
    return str(shape.name) if shape is not None else code


def _event(record: dict[str, Any], now: datetime, trails: tuple[str, ...], found: concerned.Pairs) -> Event:
    text = _text(record)
    if len(text) > FIELD_BYTES:
        text = _text(record | {name: _cut(record[name]) for name in CUT if record.get(name) is not None})
    return Event(
        account=record["recipientAccountId"],
        region=record["awsRegion"],
        ms=round(now.timestamp() * 1000),
        data=not record["managementEvent"],
        trails=trails,
        record=text,
        event_id=record["eventID"],
        name=record["eventName"],
        source=record["eventSource"],
        read_only=record["readOnly"],
        username=username(record["userIdentity"]),
        access_key=record["userIdentity"].get("accessKeyId"),
        resources=found,
    )


def _cut(value: Any) -> Any:
    size = len(_text(value))
    return {"omitted": True, "originalSize": size, "reason": "field exceeds 100 KB"} if size > FIELD_BYTES else value


def _text(value: Any) -> bytes:
    """Surrogates, which JSON's escapes can bring in and UTF-8 has not, are replaced."""
    try:
        return orjson.dumps(value, default=str)
    except orjson.JSONEncodeError:
        return json.dumps(value, default=str, separators=(",", ":")).encode()


def shown(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")
