"""Records of calls: those that history has, and those that the audit makes of a call that a test describes."""

import asyncio
import json
from datetime import timedelta

import pytest
from conftest import connect

from skylab.gateway.audit import Seen
from skylab.kernel import credentials
from skylab.services.call import Principal
from skylab.wire.http import HttpRequest, HttpResponse
from skylab.wire.model import service_model


@pytest.fixture
def records(cloud):
    """records("CreateUser"): all that history has of this name, the oldest first."""

    def find(name, region=None):
        wanted = [{"AttributeKey": "EventName", "AttributeValue": name}]
        events = connect(cloud, "cloudtrail", region).lookup_events(LookupAttributes=wanted)["Events"]
        return [json.loads(event["CloudTrailEvent"]) for event in reversed(events)]

    return find


@pytest.fixture
def caught(cloud):
    """caught(seen, response): the records that the audit appends for it."""

    def record(seen, response=HttpResponse(200)):
        got, append = [], cloud.audit.ledger.append
        cloud.audit.ledger.append = lambda event: got.append(json.loads(event.record))
        try:
            asyncio.run(cloud.audit.record(seen, response))
        finally:
            cloud.audit.ledger.append = append
        return got

    return record


def seen(service, operation, parameters, **more):
    model = service_model(service)
    request = more.pop("request", HttpRequest("POST", "/", "", {"user-agent": "test"}))
    known = model.operation_model(operation)
    return Seen(request, model.signing_name, "us-east-1", "r", model, known, parameters=parameters, **more)


def of(cloud, **more):
    """The principal of a session that STS wrote these members into."""
    now = cloud.clock.now()
    said = {"arn": "arn:aws:sts::000000000000:assumed-role/r/s", "id": "AROAX:s", "account": "000000000000"}
    with cloud.store.writing() as tx:
        key = credentials.issue_temporary(tx, said | more, "AROAX", now, now + timedelta(hours=1))["AccessKeyId"]
    return Principal(said["arn"], said["id"], said["account"], key, "arn:aws:iam::000000000000:role/r", "AssumedRole")
