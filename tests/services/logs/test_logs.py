import pytest
from botocore.exceptions import ClientError
from conftest import connect

GROUP = "/aws/sagemaker/TrainingJobs"
ARN = f"arn:aws:logs:us-east-1:000000000000:log-group:{GROUP}"


@pytest.fixture
def logs(cloud):
    logs = connect(cloud, "logs")
    logs.create_log_group(logGroupName=GROUP, tags={"team": "ml"})
    return logs


def now(cloud):
    return round(cloud.clock.now().timestamp() * 1000)


def put(logs, stream, events):
    if not logs.describe_log_streams(logGroupName=GROUP, logStreamNamePrefix=stream)["logStreams"]:
        logs.create_log_stream(logGroupName=GROUP, logStreamName=stream)
    events = [{"timestamp": ms, "message": message} for ms, message in events]
    return logs.put_log_events(logGroupName=GROUP, logStreamName=stream, logEvents=events)


def get(logs, stream="job/algo-1", **how):
    return logs.get_log_events(logGroupName=GROUP, logStreamName=stream, **how)


def messages(answer):
    return [event["message"] for event in answer["events"]]


def refused(call, **request):
    with pytest.raises(ClientError) as caught:
        call(**request)
    return caught.value.response["Error"]["Code"], caught.value.response["Error"]["Message"]


def test_a_group_is_described_with_both_of_its_arns(logs, cloud):
    put(logs, "s", [(now(cloud), "four")])
    (group,) = logs.describe_log_groups(logGroupNamePrefix="/aws/sagemaker/")["logGroups"]
    assert (group["arn"], group["logGroupArn"]) == (f"{ARN}:*", ARN)
    assert (group["storedBytes"], group["creationTime"]) == (4 + 26, now(cloud))


def test_groups_come_in_pages_that_do_not_move_when_one_is_added(logs):
    for name in ("b", "c", "d"):
        logs.create_log_group(logGroupName=name)
    first = logs.describe_log_groups(limit=2)
    logs.create_log_group(logGroupName="a")
    second = logs.describe_log_groups(limit=2, nextToken=first["nextToken"])
    assert [g["logGroupName"] for g in first["logGroups"] + second["logGroups"]] == [GROUP, "b", "c", "d"]
    assert "nextToken" not in second


def test_errors_are_worded_as_awss(logs):
    assert refused(logs.create_log_group, logGroupName=GROUP) == (
        "ResourceAlreadyExistsException",
        "The specified log group already exists",
    )
    missing = ("ResourceNotFoundException", "The specified log group does not exist.")
    assert refused(logs.describe_log_streams, logGroupName="no") == missing
    assert refused(logs.filter_log_events, logGroupName="no") == missing
    assert refused(logs.get_log_events, logGroupName="no", logStreamName="s") == missing
    assert refused(logs.delete_log_group, logGroupName="no") == missing
    assert refused(logs.get_log_events, logGroupName=GROUP, logStreamName="no") == (
        "ResourceNotFoundException",
        "The specified log stream does not exist.",
    )
    logs.create_log_stream(logGroupName=GROUP, logStreamName="s")
    assert refused(logs.create_log_stream, logGroupName=GROUP, logStreamName="s")[1] == (
        "The specified log stream already exists"
    )


def test_reading_from_the_head_ends_with_a_token_that_comes_back(logs, cloud):
    put(logs, "job/algo-1", [(now(cloud) + i, f"line {i}") for i in range(5)])
    seen, token = [], None
    while True:
        answer = get(logs, startFromHead=True, limit=2, **({"nextToken": token} if token else {}))
        seen += messages(answer)
        if answer["nextForwardToken"] == token:
            break
        token = answer["nextForwardToken"]
    assert seen == [f"line {i}" for i in range(5)]

    put(logs, "job/algo-1", [(now(cloud) + 9, "later")])
    assert messages(get(logs, nextToken=token)) == ["later"]


def test_an_empty_stream_can_be_followed(logs, cloud):
    logs.create_log_stream(logGroupName=GROUP, logStreamName="job/algo-1")
    first = get(logs, startFromHead=True)
    assert first["events"] == []
    put(logs, "job/algo-1", [(now(cloud), "at last")])
    assert messages(get(logs, nextToken=first["nextForwardToken"])) == ["at last"]


def test_without_a_direction_the_newest_events_come_and_backward_leads_to_older(logs, cloud):
    put(logs, "job/algo-1", [(now(cloud) + i, str(i)) for i in range(5)])
    newest = get(logs, limit=2)
    assert messages(newest) == ["3", "4"]
    older = get(logs, limit=2, nextToken=newest["nextBackwardToken"])
    assert messages(older) == ["1", "2"]
    assert messages(get(logs, limit=2, nextToken=older["nextForwardToken"])) == ["3", "4"]
    oldest = get(logs, nextToken=get(logs, nextToken=older["nextBackwardToken"])["nextBackwardToken"])
    assert oldest["events"] == []


def test_the_end_of_a_read_is_exclusive_and_that_of_a_search_is_not(logs, cloud):
    at = now(cloud)
    put(logs, "job/algo-1", [(at, "a"), (at + 1, "b")])
    assert messages(get(logs, startTime=at, endTime=at + 1)) == ["a"]
    assert messages(logs.filter_log_events(logGroupName=GROUP, startTime=at, endTime=at + 1)) == ["a", "b"]


@pytest.mark.parametrize("token", ["x", "f/1/s", "f/" + "9" * 56 + "/s", "b/" + "٣" * 56 + "/s"])
def test_a_token_that_is_not_ours_is_refused(logs, token):
    logs.create_log_stream(logGroupName=GROUP, logStreamName="job/algo-1")
    wrong = ("InvalidParameterException", "The specified nextToken is invalid.")
    assert refused(get, logs=logs, nextToken=token) == wrong
    assert refused(logs.filter_log_events, logGroupName=GROUP, nextToken=token) == wrong
    assert refused(logs.describe_log_streams, logGroupName=GROUP, nextToken=token) == wrong


def test_events_too_old_or_too_new_are_rejected_by_index_and_the_others_taken(logs, cloud):
    at, day, hour = now(cloud), 86_400_000, 3_600_000
    answer = put(
        logs, "job/algo-1", [(at - 15 * day, "a"), (at - 14 * day - 1, "b"), (at, "c"), (at + 2 * hour + 1, "d")]
    )
    assert answer["rejectedLogEventsInfo"] == {"tooOldLogEventEndIndex": 2, "tooNewLogEventStartIndex": 3}
    assert messages(get(logs)) == ["c"]


def test_events_before_the_retention_are_rejected_as_expired(logs, cloud):
    logs.put_retention_policy(logGroupName=GROUP, retentionInDays=1)
    answer = put(logs, "job/algo-1", [(now(cloud) - 86_400_001, "a"), (now(cloud), "b")])
    assert answer["rejectedLogEventsInfo"] == {"expiredLogEventEndIndex": 1}


def test_a_batch_out_of_order_too_large_or_over_a_day_is_refused_whole(logs, cloud):
    at = now(cloud)
    assert "chronological" in refused(put, logs=logs, stream="s", events=[(at, "a"), (at - 1, "b")])[1]
    assert "exceeds limit of 1048576" in refused(put, logs=logs, stream="s", events=[(at, "x" * 1_048_551)])[1]
    assert "24 hours" in refused(put, logs=logs, stream="s", events=[(at - 86_400_001, "a"), (at, "b")])[1]
    assert get(logs, "s")["events"] == []


def test_the_sequence_token_is_given_and_not_asked_for(logs, cloud):
    first = put(logs, "s", [(now(cloud), "a")])["nextSequenceToken"]
    assert put(logs, "s", [(now(cloud), "b")])["nextSequenceToken"] != first


def test_streams_are_described_by_name_or_newest_event_first(logs, cloud):
    put(logs, "job/algo-2", [(now(cloud), "x")])
    put(logs, "job/algo-1", [(now(cloud) + 5, "x")])
    put(logs, "other", [(now(cloud) + 1, "x")])

    def names(**how):
        pages = logs.get_paginator("describe_log_streams").paginate(
            logGroupName=GROUP, PaginationConfig={"PageSize": 1}, **how
        )
        return [stream["logStreamName"] for page in pages for stream in page["logStreams"]]

    assert names(logStreamNamePrefix="job/", orderBy="LogStreamName") == ["job/algo-1", "job/algo-2"]
    assert names(orderBy="LastEventTime", descending=True) == ["job/algo-1", "other", "job/algo-2"]
    stream = logs.describe_log_streams(logGroupIdentifier=ARN, limit=1)["logStreams"][0]
    assert stream["arn"] == f"{ARN}:log-stream:job/algo-1"
    assert stream["lastEventTimestamp"] == now(cloud) + 5
    both = {"orderBy": "LastEventTime", "logStreamNamePrefix": "x"}
    assert "LastEventTime" in refused(logs.describe_log_streams, logGroupName=GROUP, **both)[1]


def test_a_search_merges_streams_and_goes_on_page_by_page(logs, cloud):
    at = now(cloud)
    put(logs, "job/algo-1", [(at + i, f"loss {i}") for i in (0, 2, 4)])
    put(logs, "job/algo-2", [(at + i, f"loss {i}") for i in (1, 3)])
    put(logs, "other", [(at, "loss other")])
    pages = logs.get_paginator("filter_log_events").paginate(
        logGroupName=GROUP, logStreamNamePrefix="job/", filterPattern="loss", PaginationConfig={"PageSize": 2}
    )
    found = [event for page in pages for event in page["events"]]
    assert [event["message"] for event in found] == [f"loss {i}" for i in range(5)]
    assert len({event["eventId"] for event in found}) == 5
    newest = logs.filter_log_events(logGroupName=GROUP, startTime=at, startFromHead=False, limit=2)
    assert newest["searchedLogStreams"] == []
    assert messages(newest) == ["loss 4", "loss 3"]


def test_a_search_of_named_streams_wants_them_to_exist(logs, cloud):
    put(logs, "a", [(now(cloud), "x")])
    assert messages(logs.filter_log_events(logGroupName=GROUP, logStreamNames=["a", "a"])) == ["x"]
    assert refused(logs.filter_log_events, logGroupName=GROUP, logStreamNames=["no"])[0] == "ResourceNotFoundException"


def test_an_unsupported_pattern_is_refused(logs):
    code, message = refused(logs.filter_log_events, logGroupName=GROUP, filterPattern="[a, b]")
    assert code == "InvalidParameterException" and "not supported" in message


def test_retention_is_one_of_awss_periods_and_can_be_taken_away(logs):
    assert refused(logs.put_retention_policy, logGroupName=GROUP, retentionInDays=2)[0] == "InvalidParameterException"
    logs.put_retention_policy(logGroupName=GROUP, retentionInDays=7)
    assert logs.describe_log_groups()["logGroups"][0]["retentionInDays"] == 7
    logs.delete_retention_policy(logGroupName=GROUP)
    assert "retentionInDays" not in logs.describe_log_groups()["logGroups"][0]


def test_tags_are_the_same_by_arn_and_by_name(logs):
    logs.tag_resource(resourceArn=ARN, tags={"stage": "dev"})
    logs.untag_log_group(logGroupName=GROUP, tags=["team"])
    assert logs.list_tags_log_group(logGroupName=GROUP)["tags"] == {"stage": "dev"}
    logs.tag_log_group(logGroupName=GROUP, tags={"stage": "prod"})
    assert logs.list_tags_for_resource(resourceArn=ARN)["tags"] == {"stage": "prod"}
    logs.untag_resource(resourceArn=ARN, tagKeys=["stage"])
    assert logs.list_tags_for_resource(resourceArn=ARN)["tags"] == {}


def test_a_protected_group_is_not_deleted(logs):
    logs.put_log_group_deletion_protection(logGroupIdentifier=GROUP, deletionProtectionEnabled=True)
    assert refused(logs.delete_log_group, logGroupName=GROUP)[0] == "ValidationException"
    logs.put_log_group_deletion_protection(logGroupIdentifier=GROUP, deletionProtectionEnabled=False)
    logs.delete_log_group(logGroupName=GROUP)
    assert logs.describe_log_groups()["logGroups"] == []


def test_a_deleted_stream_is_gone(logs, cloud):
    put(logs, "s", [(now(cloud), "x")])
    logs.delete_log_stream(logGroupName=GROUP, logStreamName="s")
    assert refused(logs.delete_log_stream, logGroupName=GROUP, logStreamName="s")[0] == "ResourceNotFoundException"


def test_regions_do_not_see_one_another(logs, cloud):
    assert connect(cloud, "logs", region="eu-west-1").describe_log_groups()["logGroups"] == []


def test_a_key_that_nothing_can_encrypt_with_is_refused(logs):
    key = "arn:aws:kms:us-east-1:000000000000:key/x"
    assert refused(logs.create_log_group, logGroupName="k", kmsKeyId=key)[0] == "NotImplemented"
