"""The points of metrics: put in batches, got as series, summed up in the trial component."""

from datetime import timedelta

import pytest
from botocore.exceptions import ClientError
from conftest import connect

ARN = "arn:aws:sagemaker:us-east-1:000000000000:experiment-trial-component/run"


@pytest.fixture
def sagemaker(cloud):
    sagemaker = connect(cloud, "sagemaker")
    sagemaker.create_trial_component(TrialComponentName="run")
    return sagemaker


@pytest.fixture
def metrics(cloud, sagemaker):
    return connect(cloud, "sagemaker-metrics")


def put(metrics, now, *values, name="loss", component="run", first=0):
    """One point a minute, with steps that count up."""
    data = [
        {"MetricName": name, "Timestamp": now + timedelta(minutes=n), "Step": n, "Value": value}
        for n, value in enumerate(values, first)
    ]
    return metrics.batch_put_metrics(TrialComponentName=component, MetricData=data)["Errors"]


def got(metrics, arn=ARN, **members):
    query = {"MetricName": "loss", "ResourceArn": arn, "MetricStat": "Last"}
    query |= {"Period": "IterationNumber", "XAxisType": "IterationNumber"} | members
    (result,) = metrics.batch_get_metrics(MetricQueries=[query])["MetricQueryResults"]
    return result["Status"], list(zip(result["XAxisValues"], result["MetricValues"], strict=True))


def test_points_are_summed_up_in_the_component(metrics, sagemaker, clock):
    assert put(metrics, clock.now(), 3.0, 1.0, 2.0) == []
    assert put(metrics, clock.now(), 6.0, first=3) == []

    (summary,) = sagemaker.describe_trial_component(TrialComponentName="run")["Metrics"]

    assert {name: summary[name] for name in ("MetricName", "Min", "Max", "Avg", "Count", "Last")} == {
        "MetricName": "loss", "Min": 1.0, "Max": 6.0, "Avg": 3.0, "Count": 4, "Last": 6.0
    }  # fmt: skip
    assert summary["StdDev"] == pytest.approx(1.8708287)
    assert summary["TimeStamp"] == clock.now() + timedelta(minutes=3) and summary["SourceArn"] == ARN


def test_series_are_drawn_by_iteration_and_by_time(metrics, clock):
    put(metrics, clock.now(), 3.0, 1.0, 2.0, 4.0, 5.0, 9.0)
    start = round(clock.now().timestamp() * 1000)

    assert got(metrics, Start=1, End=3) == ("Complete", [(1, 1.0), (2, 2.0), (3, 4.0)])
    five = {"Period": "FiveMinute", "XAxisType": "Timestamp"}
    assert got(metrics, **five, MetricStat="Avg") == ("Complete", [(start, 3.0), (start + 300_000, 9.0)])
    assert got(metrics, **five, MetricStat="Count")[1] == [(start, 5.0), (start + 300_000, 1.0)]
    assert got(metrics, **five, MetricStat="Min", Start=start + 1)[1] == [(start + 300_000, 9.0)]


def test_a_query_that_cannot_be_answered_says_so_beside_the_others(metrics, clock):
    assert got(metrics, Period="OneHour")[0] == "ValidationError"
    assert got(metrics, arn=f"{ARN}x")[0] == "ValidationError"
    assert got(metrics, MetricName="none") == ("Complete", [])


def test_a_point_that_is_there_already_is_not_counted_again_and_another_value_is_a_conflict(metrics, sagemaker, clock):
    put(metrics, clock.now(), 1.0, 2.0)
    assert put(metrics, clock.now(), 1.0, 7.0) == [{"Code": "CONFLICT_ERROR", "MetricIndex": 1}]
    (summary,) = sagemaker.describe_trial_component(TrialComponentName="run")["Metrics"]
    assert (summary["Count"], summary["Max"]) == (2, 2.0)


def test_a_component_that_is_not_there_has_no_metrics(metrics, clock):
    assert put(metrics, clock.now(), 1.0, component="none") == [{"Code": "VALIDATION_ERROR", "MetricIndex": 0}]
    with pytest.raises(ClientError, match="failed to satisfy constraint"):
        put(metrics, clock.now(), 1.0, component="Run")


def test_metrics_go_with_their_component(metrics, sagemaker, clock):
    put(metrics, clock.now(), 1.0)
    sagemaker.delete_trial_component(TrialComponentName="run")
    sagemaker.create_trial_component(TrialComponentName="run")
    assert sagemaker.describe_trial_component(TrialComponentName="run").get("Metrics", []) == []


def test_the_runtime_is_still_told_apart_from_metrics(cloud, sagemaker):
    """Both sign as "sagemaker" and neither has targets."""
    runtime = connect(cloud, "sagemaker-runtime")
    with pytest.raises(ClientError, match="Endpoint none of account"):
        runtime.invoke_endpoint(EndpointName="none", Body=b"x")
