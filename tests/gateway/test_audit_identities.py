"""Who a record says has called, on whose behalf, and from where.

https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-event-reference-user-identity.html
"""

import json
from dataclasses import replace

from gateway.recorded import of, seen

from skylab.wire.http import HttpRequest


def test_a_session_tells_its_role_its_beginning_and_its_mfa(cloud, caught):
    principal = of(
        cloud,
        mfa=True,
        issued=1735689600,
        source_identity="alice",
        provider="accounts.example.com",
        issuer={"arn": "arn:aws:iam::000000000000:role/path/r", "id": "AROAX", "name": "r"},
    )

    (record,) = caught(seen("iam", "ListUsers", {}, principal=principal))

    assert record["userIdentity"] == {
        "type": "AssumedRole",
        "principalId": "AROAX:s",
        "arn": "arn:aws:sts::000000000000:assumed-role/r/s",
        "accountId": "000000000000",
        "accessKeyId": principal.access_key,
        "sessionContext": {
            "sessionIssuer": {
                "type": "Role",
                "principalId": "AROAX",
                "arn": "arn:aws:iam::000000000000:role/path/r",
                "accountId": "000000000000",
                "userName": "r",
            },
            "webIdFederationData": {"federatedProvider": "accounts.example.com", "attributes": {}},
            "attributes": {"creationDate": "2025-01-01T00:00:00Z", "mfaAuthenticated": "true"},
            "sourceIdentity": "alice",
        },
    }


def test_root_is_root(cloud, records):
    (record, *_) = records("CreateRole")
    assert record["userIdentity"]["type"] == "Root"
    assert record["userIdentity"]["arn"] == "arn:aws:iam::000000000000:root"


def test_a_token_of_the_web_vouches_for_who_has_no_key(cloud, caught):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html#stscloudtrailexample-assumerolewithwebidentity"""
    asked = {"RoleArn": "arn:aws:iam::000000000000:role/r", "RoleSessionName": "s", "WebIdentityToken": "ey"}
    result = {"SubjectFromWebIdentityToken": "sub", "Provider": "idp", "Audience": "app"}

    (record,) = caught(seen("sts", "AssumeRoleWithWebIdentity", asked, result=result))

    assert record["userIdentity"] == {
        "type": "WebIdentityUser",
        "principalId": "idp:app:sub",
        "userName": "sub",
        "identityProvider": "idp",
    }
    assert record["recipientAccountId"] == "000000000000"
    assert "ey" not in json.dumps(record["requestParameters"])


def test_another_accounts_role_is_recorded_in_both_accounts(cloud, caught):
    """sharedEventID: the same action, as each of the accounts gets to see it."""
    asked = {"RoleArn": "arn:aws:iam::111111111111:role/r", "RoleSessionName": "s"}

    mine, theirs = caught(seen("sts", "AssumeRole", asked, principal=of(cloud)))

    assert (mine["recipientAccountId"], theirs["recipientAccountId"]) == ("000000000000", "111111111111")
    assert mine["sharedEventID"] == theirs["sharedEventID"] and mine["eventID"] != theirs["eventID"]
    assert theirs["userIdentity"] == {"type": "AWSAccount", "principalId": "AROAX:s", "accountId": "000000000000"}


def test_a_service_that_asks_in_the_callers_name_is_where_the_call_comes_from(cloud, caught):
    principal = replace(of(cloud), via=("s3.amazonaws.com",))

    (record,) = caught(seen("kms", "Decrypt", {"KeyId": "k"}, principal=principal))

    assert record["userIdentity"]["invokedBy"] == "s3.amazonaws.com" == record["sourceIPAddress"] == record["userAgent"]


def test_the_address_and_tls_are_those_of_the_connection(cloud, caught):
    request = HttpRequest("POST", "/", "", {"host": "iam.amazonaws.com"}, b"", "203.0.113.7", secure=True)

    (record,) = caught(seen("iam", "ListUsers", {}, principal=of(cloud), request=request))

    assert record["sourceIPAddress"] == "203.0.113.7"
    assert record["tlsDetails"] == {"clientProvidedHostHeader": "iam.amazonaws.com"}
