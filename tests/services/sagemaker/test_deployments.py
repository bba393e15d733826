"""What a DeploymentConfig means, stage by stage, and what of it is refused."""

import pytest

from skylab.services.sagemaker.hosting import deployments, shifts
from skylab.wire.errors import AwsError


def blue_green(kind, wait=10, termination=None, limit=None, **sizes):
    policy = {"TrafficRoutingConfiguration": {"Type": kind, "WaitIntervalInSeconds": wait} | sizes}
    given = {"TerminationWaitInSeconds": termination, "MaximumExecutionTimeoutInSeconds": limit}
    return {"BlueGreenUpdatePolicy": policy | {name: value for name, value in given.items() if value is not None}}


def rolling(size, wait=10, **more):
    return {"RollingUpdatePolicy": {"MaximumBatchSize": size, "WaitIntervalInSeconds": wait} | more}


def percent(value):
    return {"Type": "CAPACITY_PERCENT", "Value": value}


def count(value):
    return {"Type": "INSTANCE_COUNT", "Value": value}


def test_all_at_once_bakes_and_then_waits():
    """https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green-all-at-once.html"""
    assert deployments.stages(blue_green("ALL_AT_ONCE", termination=5), [2]) == [(1, 1, 1, 10), (1, 1, 1, 5)]


def test_a_canary_bakes_before_the_rest_and_after_it():
    """ "there is a final baking period":
    https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green-canary.html"""
    stages = deployments.stages(blue_green("CANARY", CanarySize=percent(30)), [4])
    assert [(stage.share, stage.wait) for stage in stages] == [(0.3, 10), (1, 10), (1, 0)]
    assert {(stage.green, stage.blue) for stage in stages} == {(1, 1)}
    by_count = deployments.stages(blue_green("CANARY", CanarySize=count(1)), [4])
    assert by_count[0].share == 0.25


def test_linear_steps_end_at_the_whole():
    """https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-blue-green-linear.html"""
    stages = deployments.stages(blue_green("LINEAR", LinearStepSize=percent(40)), [4])
    assert [stage.share for stage in stages] == [0.4, 0.8, 1, 1]
    assert [stage.share for stage in deployments.stages(blue_green("LINEAR", LinearStepSize=count(1)), [3])] == [
        pytest.approx(1 / 3), pytest.approx(2 / 3), 1, 1,
    ]  # fmt: skip


def test_a_rolling_update_replaces_batch_by_batch():
    """https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails-rolling.html"""
    stages = deployments.stages(rolling(count(1)), [3])
    whole = [(deployments.instances(3, stage.green), deployments.instances(3, stage.blue)) for stage in stages]
    assert whole == [(1, 3), (2, 2), (3, 1)]
    assert [round(stage.share, 3) for stage in stages] == [0.333, 0.667, 1]


def test_the_way_back_of_a_rolling_update_is_in_batches_too():
    config = rolling(count(1), RollbackMaximumBatchSize=count(1))
    whole = [(deployments.instances(3, s.green), deployments.instances(3, s.blue), round(s.share, 3))
             for s in deployments.retreat(config, [3], 1 / 3)]  # fmt: skip
    assert whole == [(2, 2, 0.333), (1, 3, 0)]
    assert [stage.blue for stage in deployments.retreat(rolling(count(1)), [3], 1 / 3)] == [1]
    assert [(s.blue, s.share) for s in deployments.retreat(blue_green("ALL_AT_ONCE"), [3], 1.0)] == [(1, 0)]


def test_without_a_policy_there_are_no_stages():
    assert deployments.stages({}, [1]) == []


@pytest.mark.parametrize(
    ("config", "counts", "words"),
    [
        ({"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "a"}]}}, [1], "AutoRollbackConfiguration.Alarms"),
        (blue_green("ALL_AT_ONCE") | rolling(percent(10)), [1], "Only one of"),
        (blue_green("CANARY"), [4], "CanarySize must be given"),
        (blue_green("ALL_AT_ONCE", CanarySize=percent(5)), [4], "CanarySize must be given"),
        (blue_green("CANARY", CanarySize=percent(60)), [4], "CanarySize must be less than or equal to 50%"),
        (blue_green("CANARY", CanarySize=count(3)), [4], "CanarySize must be less than or equal to 50%"),
        (blue_green("LINEAR", LinearStepSize=percent(5)), [4], "LinearStepSize must be between 10% and 50%"),
        (rolling(percent(4)), [4], "MaximumBatchSize must be between 5% and 50%"),
        (blue_green("CANARY", wait=300, limit=600, CanarySize=percent(5)), [4], "MaximumExecutionTimeoutInSeconds"),
    ],
)
def test_what_is_not_allowed_is_refused_by_name(config, counts, words):
    with pytest.raises(AwsError, match=words):
        deployments.stages(config, counts)


def shift_of(config, counts):
    return shifts.begun("green", deployments.stages(config, counts), {}, {}, 0.0)


def test_a_shift_waits_for_instances_then_bakes_then_goes_on():
    shift = shift_of(blue_green("CANARY", CanarySize=percent(50)), [2])
    assert shifts.onward(shift, False, 1.0) == shift and shifts.status(shift) == "Creating"
    shift = shifts.onward(shift, True, 2.0)
    assert shift["share"] == 0.5 and shifts.status(shift) == "Baking"
    assert shifts.onward(shift, True, 11.9) == shift
    shift = shifts.onward(shift, True, 12.0)
    assert shift["share"] == 1 and shifts.status(shift) == "Baking"
    shift = shifts.onward(shift, True, 22.0)
    assert shift["share"] == 1 and shifts.status(shift) == "ActivatingTraffic"
    assert shifts.onward(shift, True, 22.1) is None


def test_a_batch_of_a_rolling_update_waits_for_its_instances():
    shift = shifts.onward(shift_of(rolling(count(1), wait=0), [2]), True, 1.0)
    shift = shifts.onward(shift, True, 2.0)
    assert (shift["share"], shift["green"], shift["blue"]) == (0.5, 1, 0.5) and shifts.status(shift) == "Updating"
    assert shifts.onward(shift, False, 3.0) == shift
    assert shifts.onward(shift, True, 4.0)["share"] == 1


def test_a_shift_that_turns_back_leaves_the_traffic_until_the_old_fleet_is_whole():
    shift = shifts.onward(shift_of(rolling(count(1)), [2]), True, 1.0)
    shift = shifts.back(shift, deployments.retreat(rolling(count(1)), [2], 0.5), "it died")
    assert shift["share"] == 0.5 and shift["blue"] == 1 and shifts.status(shift) == "Deleting"
    shift = shifts.onward(shift, True, 2.0)
    assert shift["share"] == 0
    assert shifts.onward(shift, True, 3.0) is None
