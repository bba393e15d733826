"""https://docs.aws.amazon.com/awscloudtrail/latest/APIReference/API_CreateTrail.html and its neighbours."""

import json

import pytest
from botocore.exceptions import ClientError
from conftest import connect

ARN = "arn:aws:cloudtrail:us-east-1:000000000000:trail/audit"


def refused(call, **parameters):
    with pytest.raises(ClientError) as caught:
        call(**parameters)
    return caught.value.response["Error"]["Code"]


def made(trail, **more):
    return trail.create_trail(**{"Name": "audit", "S3BucketName": "the-logs"} | more)


def test_a_trail_is_described_as_it_was_made(trail):
    answer = made(trail, S3KeyPrefix="here", EnableLogFileValidation=True, IsMultiRegionTrail=True)

    assert answer["TrailARN"] == ARN and answer["LogFileValidationEnabled"]
    (shown,) = trail.describe_trails()["trailList"]
    assert shown == trail.get_trail(Name="audit")["Trail"] == trail.get_trail(Name=ARN)["Trail"]
    assert shown["HomeRegion"] == "us-east-1" and shown["S3KeyPrefix"] == "here"
    assert trail.list_trails()["Trails"] == [{"TrailARN": ARN, "Name": "audit", "HomeRegion": "us-east-1"}]


@pytest.mark.parametrize("name", ["ab", "a" * 129, "-ab", "ab.", "a--b", "a_-b", "192.168.5.4", "tr/ail", "trail é"])
def test_a_name_against_the_rules_is_refused(trail, name):
    """https://docs.aws.amazon.com/awscloudtrail/latest/userguide/cloudtrail-trail-naming-requirements.html"""
    assert refused(trail.create_trail, Name=name, S3BucketName="the-logs") == "InvalidTrailNameException"


@pytest.mark.parametrize(
    "more, code",
    [
        ({"S3BucketName": "nowhere"}, "S3BucketDoesNotExistException"),
        ({"S3BucketName": "Not_A_Bucket"}, "InvalidS3BucketNameException"),
        ({"S3KeyPrefix": "/x"}, "InvalidS3PrefixException"),
        ({"SnsTopicName": "topic"}, "NotImplemented"),
        ({"IsOrganizationTrail": True}, "OrganizationsNotInUseException"),
        ({"IsMultiRegionTrail": True, "IncludeGlobalServiceEvents": False}, "InvalidParameterCombinationException"),
        ({"KmsKeyId": "not a key"}, "InvalidKmsKeyIdException"),
        ({"CloudWatchLogsRoleArn": "arn:aws:iam::000000000000:role/r"}, "InvalidCloudWatchLogsLogGroupArnException"),
        (
            {
                "CloudWatchLogsLogGroupArn": "arn:aws:logs:us-east-1:000000000000:log-group:none:*",
                "CloudWatchLogsRoleArn": "arn:aws:iam::000000000000:role/Administrator",
            },
            "InvalidCloudWatchLogsLogGroupArnException",
        ),
        ({"TagsList": [{"Key": "k", "Value": "1"}, {"Key": "k", "Value": "2"}]}, "InvalidTagParameterException"),
    ],
)
def test_a_trail_that_cannot_work_is_refused(trail, more, code):
    assert refused(made, trail=trail, **more) == code
    assert trail.list_trails()["Trails"] == []


def test_a_name_is_taken_once_and_a_region_has_five_trails(trail):
    made(trail)
    assert refused(made, trail=trail) == "TrailAlreadyExistsException"

    for n in range(4):
        made(trail, Name=f"more-{n}")
    assert refused(made, trail=trail, Name="sixth") == "MaximumNumberOfTrailsExceededException"


def test_a_trail_of_all_regions_is_seen_everywhere_and_changed_at_home_only(cloud, trail):
    made(trail, IsMultiRegionTrail=True)
    made(trail, Name="local")
    away = connect(cloud, "cloudtrail", "eu-west-1")

    assert [each["Name"] for each in away.describe_trails()["trailList"]] == ["audit"]
    assert away.describe_trails(includeShadowTrails=False)["trailList"] == []
    assert away.get_trail(Name="audit")["Trail"]["TrailARN"] == ARN
    assert refused(away.stop_logging, Name=ARN) == "InvalidHomeRegionException"
    assert refused(away.get_trail, Name="local") == "TrailNotFoundException"


def test_describing_by_name_leaves_out_what_is_not_there(trail):
    made(trail)
    made(trail, Name="other")

    found = trail.describe_trails(trailNameList=["audit", "missing"])["trailList"]

    assert [each["Name"] for each in found] == ["audit"]
    assert refused(trail.describe_trails, trailNameList=["arn:x"]) == "CloudTrailARNInvalidException"


def test_updating_changes_what_is_given_and_an_empty_text_takes_away(trail):
    made(trail, S3KeyPrefix="old", EnableLogFileValidation=True)

    trail.update_trail(Name="audit", S3KeyPrefix="", EnableLogFileValidation=False, IsMultiRegionTrail=True)

    shown = trail.get_trail(Name="audit")["Trail"]
    assert "S3KeyPrefix" not in shown
    assert (shown["LogFileValidationEnabled"], shown["IsMultiRegionTrail"]) == (False, True)
    assert refused(trail.update_trail, Name="audit", S3BucketName="nowhere") == "S3BucketDoesNotExistException"
    assert refused(trail.update_trail, Name="missing", S3KeyPrefix="x") == "TrailNotFoundException"


def test_a_deleted_trail_is_gone_and_delivers_no_more(trail, passes, delivered):
    made(trail)
    trail.start_logging(Name="audit")
    trail.delete_trail(Name="audit")

    passes(seconds=61)

    assert refused(trail.get_trail_status, Name="audit") == "TrailNotFoundException"
    assert refused(trail.delete_trail, Name="audit") == "TrailNotFoundException"
    assert delivered() == {}


def test_tags_come_and_go(trail):
    made(trail, TagsList=[{"Key": "a", "Value": "1"}])
    trail.add_tags(ResourceId=ARN, TagsList=[{"Key": "b", "Value": "2"}, {"Key": "a", "Value": "3"}])
    trail.remove_tags(ResourceId=ARN, TagsList=[{"Key": "b"}])

    assert trail.list_tags(ResourceIdList=[ARN])["ResourceTagList"] == [
        {"ResourceId": ARN, "TagsList": [{"Key": "a", "Value": "3"}]}
    ]
    assert refused(trail.add_tags, ResourceId="x", TagsList=[]) == "CloudTrailARNInvalidException"
    assert refused(trail.list_tags, ResourceIdList=[f"{ARN}2"]) == "ResourceNotFoundException"
    many = [{"Key": f"k{n}", "Value": "v"} for n in range(50)]
    assert refused(trail.add_tags, ResourceId=ARN, TagsList=many) == "TagsLimitExceededException"


def test_the_status_tells_when_logging_began_and_ended(trail, passes, clock):
    made(trail)
    assert trail.get_trail_status(Name="audit")["IsLogging"] is False

    trail.start_logging(Name="audit")
    passes(seconds=61)
    status = trail.get_trail_status(Name="audit")
    assert status["IsLogging"] and status["LatestDeliveryTime"] == clock.now()
    assert status["TimeLoggingStarted"] == "2025-01-01T00:00:00Z"

    trail.stop_logging(Name="audit")
    assert trail.get_trail_status(Name="audit")["StopLoggingTime"] == clock.now()


@pytest.mark.parametrize("operation", ["list_event_data_stores", "list_channels", "list_queries", "list_imports"])
def test_what_is_not_done_says_so_by_name(trail, operation):
    parameters = {"EventDataStore": "arn:aws:x"} if operation == "list_queries" else {}
    with pytest.raises(ClientError) as caught:
        getattr(trail, operation)(**parameters)

    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert operation.replace("_", "") in caught.value.response["Error"]["Message"].lower()


@pytest.mark.parametrize(
    "given, code",
    [
        ({"EventSelectors": []}, "InvalidEventSelectorsException"),
        ({"EventSelectors": [{}] * 6}, "InvalidEventSelectorsException"),
        ({"EventSelectors": [{"DataResources": [{"Type": "AWS::X::Y"}]}]}, "InvalidEventSelectorsException"),
        (
            {"EventSelectors": [{"DataResources": [{"Type": "AWS::S3::Object", "Values": ["bucket"]}]}]},
            "InvalidEventSelectorsException",
        ),
        (
            {"EventSelectors": [{"ExcludeManagementEventSources": ["s3.amazonaws.com"]}]},
            "InvalidEventSelectorsException",
        ),
        (
            {"AdvancedEventSelectors": [{"FieldSelectors": [{"Field": "readOnly", "Equals": ["true"]}]}]},
            "InvalidEventSelectorsException",
        ),
        (
            {"AdvancedEventSelectors": [{"FieldSelectors": [{"Field": "eventCategory", "Equals": ["Data"]}]}]},
            "InvalidEventSelectorsException",
        ),
        (
            {
                "AdvancedEventSelectors": [
                    {"FieldSelectors": [{"Field": "eventCategory", "Equals": ["NetworkActivity"]}]}
                ]
            },
            "NotImplemented",
        ),
    ],
)
def test_selectors_against_the_rules_are_refused(trail, given, code):
    made(trail)
    assert refused(trail.put_event_selectors, TrailName="audit", **given) == code


def test_selectors_are_kept_as_they_were_given(trail):
    made(trail)
    assert trail.get_event_selectors(TrailName="audit")["EventSelectors"][0]["ReadWriteType"] == "All"
    assert trail.get_trail(Name="audit")["Trail"]["HasCustomEventSelectors"] is False
    advanced = [{"Name": "n", "FieldSelectors": [{"Field": "eventCategory", "Equals": ["Management"]}]}]

    trail.put_event_selectors(TrailName="audit", AdvancedEventSelectors=advanced)

    answer = trail.get_event_selectors(TrailName="audit")
    assert answer["AdvancedEventSelectors"] == advanced and "EventSelectors" not in answer
    assert trail.get_trail(Name="audit")["Trail"]["HasCustomEventSelectors"] is True


def test_a_record_of_the_trail_itself_is_json(trail):
    made(trail)
    (event,) = trail.lookup_events(LookupAttributes=[{"AttributeKey": "EventName", "AttributeValue": "CreateTrail"}])[
        "Events"
    ]
    assert json.loads(event["CloudTrailEvent"])["requestParameters"] == {"name": "audit", "s3BucketName": "the-logs"}
