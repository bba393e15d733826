"""https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_LookupEvents.html"""

import pytest
from botocore.exceptions import ClientError
from conftest import connect


def looked_up(trail, key, value, **more):
    return trail.lookup_events(LookupAttributes=[{"AttributeKey": key, "AttributeValue": value}], **more)["Events"]


def test_events_are_found_by_what_they_are_about(cloud, trail):
    iam = connect(cloud, "iam")
    iam.create_user(UserName="alice")
    iam.get_user(UserName="alice")
    iam.create_user(UserName="bob")

    assert [e["EventName"] for e in looked_up(trail, "ResourceName", "alice")] == ["GetUser", "CreateUser"]
    assert len(looked_up(trail, "EventName", "CreateUser")) == 2
    (event,) = looked_up(trail, "EventId", looked_up(trail, "ResourceName", "bob")[0]["EventId"])
    assert event["Resources"] == [{"ResourceType": "AWS::IAM::User", "ResourceName": "bob"}]
    assert (event["Username"], event["ReadOnly"], event["EventSource"]) == ("skylab", "false", "iam.amazonaws.com")
    assert {e["EventName"] for e in looked_up(trail, "ResourceType", "AWS::IAM::User")} == {"CreateUser", "GetUser"}
    assert {e["Username"] for e in looked_up(trail, "EventSource", "iam.amazonaws.com")} == {"root", "skylab"}
    assert {e["Username"] for e in looked_up(trail, "AccessKeyId", event["AccessKeyId"])} == {"skylab"}
    assert all(e["ReadOnly"] == "true" for e in looked_up(trail, "ReadOnly", "true"))
    assert looked_up(trail, "Username", "nobody") == []


def test_pages_go_on_where_they_ended_while_new_events_come_in(cloud, trail, clock):
    iam = connect(cloud, "iam")
    for n in range(7):
        clock.advance(seconds=n % 2)  # some in the same millisecond
        iam.create_user(UserName=f"user-{n}")
    wanted = [{"AttributeKey": "EventName", "AttributeValue": "CreateUser"}]

    page = trail.lookup_events(LookupAttributes=wanted, MaxResults=3)
    seen = page["Events"]
    while token := page.get("NextToken"):
        iam.create_user(UserName=f"late-{len(seen)}")
        page = trail.lookup_events(LookupAttributes=wanted, MaxResults=3, NextToken=token)
        seen += page["Events"]

    assert [e["Resources"][0]["ResourceName"] for e in seen] == [f"user-{n}" for n in range(6, -1, -1)]


def test_a_token_is_good_for_its_question_only(cloud, trail):
    for n in range(3):
        connect(cloud, "iam").create_user(UserName=f"user-{n}")
    token = trail.lookup_events(MaxResults=1)["NextToken"]

    for more in ({"LookupAttributes": [{"AttributeKey": "ReadOnly", "AttributeValue": "true"}]}, {"NextToken": "x"}):
        with pytest.raises(ClientError) as caught:
            trail.lookup_events(**{"MaxResults": 1, "NextToken": token} | more)
        assert caught.value.response["Error"]["Code"] == "InvalidNextTokenException"


def test_times_are_inclusive_and_go_back_ninety_days(cloud, trail, clock, passes):
    iam, begin = connect(cloud, "iam"), clock.now()
    iam.create_user(UserName="old")
    passes(days=50)
    middle = clock.now()
    iam.create_user(UserName="new")

    def found(**when):
        return [e["Resources"][0]["ResourceName"] for e in looked_up(trail, "EventName", "CreateUser", **when)]

    assert found(StartTime=middle, EndTime=middle) == ["new"]
    assert found(EndTime=begin) == ["old"]
    assert found() == ["new", "old"]
    with pytest.raises(ClientError, match="InvalidTimeRange"):
        trail.lookup_events(StartTime=middle, EndTime=begin)
    passes(days=41)
    assert found() == ["new"]


def test_a_region_shows_its_own_events(cloud, trail):
    connect(cloud, "logs", "eu-west-1").create_log_group(logGroupName="there")
    connect(cloud, "logs").create_log_group(logGroupName="here")

    away = looked_up(connect(cloud, "cloudtrail", "eu-west-1"), "EventName", "CreateLogGroup")
    assert [e["Resources"][0]["ResourceName"] for e in away] == ["there"]


def test_one_attribute_at_a_time(trail):
    two = [{"AttributeKey": "EventName", "AttributeValue": "x"}, {"AttributeKey": "ReadOnly", "AttributeValue": "true"}]
    with pytest.raises(ClientError, match="InvalidLookupAttributes"):
        trail.lookup_events(LookupAttributes=two)


def test_old_events_are_forgotten_in_bites(cloud, trail, clock):
    iam = connect(cloud, "iam")
    for n in range(5):
        iam.create_user(UserName=f"user-{n}")
    ledger = cloud.world.parts["cloudtrail"]["ledger"]
    last = ledger.last()

    assert ledger.purge(clock.now()) == 0
    later = clock.advance(days=91)
    assert ledger.purge(later, limit=3) == 3
    assert ledger.purge(later) == last - 3
    assert ledger.purge(later) == 0
    assert ledger.last() == last  # numbers are never used twice
