"""Updates of real endpoints whose callers never stop asking."""

import pytest
from botocore.exceptions import ClientError
from endpoint_steps import Load, until
from services.sagemaker.test_deployments import blue_green, count, percent, rolling


@pytest.fixture
def pair(hosting):
    """An endpoint of one instance of the model old, and a configuration of the model new."""
    hosting.model("old")
    hosting.model("new")
    hosting.config("c1", ("A", "old", 1, 1))
    hosting.config("c2", ("B", "new", 1, 1))
    hosting.endpoint("e", "c1")
    return hosting


def update(hosting, config="c2", deployment=None, **more):
    given = {"DeploymentConfig": deployment} if deployment else {}
    hosting.sagemaker.update_endpoint(EndpointName="e", EndpointConfigName=config, **given, **more)


def under_load(hosting):
    return Load(lambda: hosting.ask("e")["model"])


def baking(hosting):
    """The share of the traffic, while it stays."""
    doc = hosting.doc("e")
    pending = doc.get("PendingDeploymentSummary", {}).get("ProductionVariants", [{}])[0]
    return pending.get("VariantStatus", [{}])[0].get("Status") == "Baking" and doc["_"]["shift"]["share"]


def test_new_models_counts_weights_and_a_new_endpoint_of_the_name_fail_no_request(pair):
    pair.config("c3", ("B", "new", 2, 3), ("A", "old", 1, 1))
    with under_load(pair) as load:
        update(pair)
        assert pair.settled("e")["EndpointConfigName"] == "c2"
        update(pair, "c3")
        assert len(pair.settled("e")["ProductionVariants"]) == 2
        for wanted in ({"DesiredInstanceCount": 1}, {"DesiredInstanceCount": 2, "DesiredWeight": 1}):
            pair.sagemaker.update_endpoint_weights_and_capacities(
                EndpointName="e", DesiredWeightsAndCapacities=[{"VariantName": "B"} | wanted]
            )
            pair.settled("e")

    assert not load.failures and {"old", "new"} == set(load.answers)

    pair.sagemaker.delete_endpoint(EndpointName="e")
    pair.sagemaker.get_waiter("endpoint_deleted").wait(EndpointName="e", WaiterConfig={"Delay": 1})
    pair.endpoint("e", "c1")
    assert pair.ask("e")["model"] == "old"


def test_a_canary_gets_its_share_and_then_the_rest(pair):
    deployment = blue_green("CANARY", wait=2, CanarySize=percent(25))
    with under_load(pair) as load:
        update(pair, deployment=deployment)
        until(lambda: baking(pair) == 0.25)
    assert sorted(pair.ask("e")["model"] for _ in range(8)) == ["new"] * 2 + ["old"] * 6
    assert pair.ask("e", TargetVariant="A")["model"] == "old" and pair.ask("e", TargetVariant="B")["model"] == "new"
    with pytest.raises(ClientError, match="Cannot update in-progress endpoint"):
        update(pair)
    pending = pair.doc("e")["PendingDeploymentSummary"]
    assert pending["EndpointConfigName"] == "c2"
    assert pending["ProductionVariants"][0]["CurrentInstanceCount"] == 1
    with under_load(pair) as rest:
        until(lambda: baking(pair) == 1)
        described = pair.settled("e")

    assert described["EndpointConfigName"] == "c2" and described["LastDeploymentConfig"] == deployment
    assert "PendingDeploymentSummary" not in described and pair.ask("e")["model"] == "new"
    assert not load.failures + rest.failures


def test_a_rolling_update_replaces_instances_in_batches_and_repeats_the_last_deployment(pair):
    pair.config("c3", ("B", "new", 2, 1))
    update(pair, "c3")
    pair.settled("e")
    with under_load(pair) as load:
        pair.config("c4", ("B", "old", 2, 1))
        update(pair, "c4", rolling(count(1), wait=1))
        until(lambda: baking(pair) == 0.5)
        assert pair.doc("e")["PendingDeploymentSummary"]["ProductionVariants"][0]["CurrentInstanceCount"] == 1
        until(lambda: baking(pair) == 1)
        assert pair.doc("e")["ProductionVariants"][0]["CurrentInstanceCount"] == 1
        pair.settled("e")
    assert not load.failures
    update(pair, "c3", RetainDeploymentConfig=True)
    assert len(pair.doc("e")["_"]["shift"]["stages"]) == 2
    pair.settled("e")
    assert [each["CurrentInstanceCount"] for each in pair.doc("e")["ProductionVariants"]] == [2]
    assert len({pair.ask("e")["born"] for _ in range(4)}) == 2


@pytest.mark.parametrize(
    "deployment",
    [blue_green("CANARY", 30, CanarySize=percent(50)), pytest.param(rolling(percent(50), 30), marks=pytest.mark.slow)],
)
def test_a_new_instance_that_dies_while_the_traffic_moves_sends_it_back(pair, deployment):
    update(pair, deployment=deployment)
    until(lambda: baking(pair) == 0.5)

    with pytest.raises(ClientError, match="ModelError"):
        pair.ask("e", {"die": True}, TargetVariant="B")
    described = pair.settled("e")

    assert described["EndpointStatus"] == "InService" and described["EndpointConfigName"] == "c1"
    assert "did not pass the ping health check" in described["FailureReason"]
    with under_load(pair) as load:
        until(lambda: len(load.answers) > 20)
    assert not load.failures and set(load.answers) == {"old"}
    until(lambda: len(pair.doc("e")["_"]["fleets"]) == 1)


@pytest.mark.slow
def test_a_rolling_update_goes_back_in_batches_and_serves_throughout(pair):
    pair.config("c3", ("B", "new", 3, 1))
    update(pair, "c3")
    pair.settled("e")
    pair.config("c4", ("B", "old", 3, 1))
    with under_load(pair) as load:
        update(pair, "c4", rolling(count(1), wait=2, RollbackMaximumBatchSize=count(1)))
        until(lambda: (baking(pair) or 0) > 0.6)
        with pair.cloud.store.reading() as tx:
            (green,) = [task.id for task in tx.tasks() if task.state == "shifting"]
        (replica,) = pair.cloud.world.processes.root.glob(f"{green}/0-0-*")
        pair.cloud.world.processes.stop(f"{green}/{replica.name}", hard=True)
        until(lambda: pair.doc("e")["EndpointStatus"] == "RollingBack")
        assert pair.doc("e")["ProductionVariants"][0]["DesiredInstanceCount"] == 3
        described = pair.settled("e")

    assert described["EndpointConfigName"] == "c3" and described["FailureReason"]
    lost = [each for each in load.failures if "The connection was closed" not in str(each)]
    assert not lost and len(load.failures) <= 3, "only what the killed instance was just answering"
    until(lambda: pair.doc("e")["ProductionVariants"][0]["CurrentInstanceCount"] == 3)
    assert {pair.ask("e")["model"] for _ in range(6)} == {"new"}


def test_a_deployment_that_takes_too_long_goes_back(pair):
    deployment = blue_green("ALL_AT_ONCE", wait=500, limit=600)
    with under_load(pair) as load:
        update(pair, deployment=deployment)
        until(lambda: baking(pair) == 1)
        with pair.cloud.store.writing() as tx:
            (task,) = [each for each in tx.tasks() if each.state == "shifting"]
            tx.move(task.id, task.state, began=task.data["began"] - 601)
        described = pair.settled("e")

    assert described["EndpointConfigName"] == "c1" and "MaximumExecutionTimeout" in described["FailureReason"]
    assert not load.failures


def test_alarms_are_refused_and_so_are_two_deployments(pair):
    alarms = blue_green("ALL_AT_ONCE") | {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "5xx"}]}}
    with pytest.raises(ClientError, match="CloudWatch alarms are not offered yet"):
        update(pair, deployment=alarms)
    with pytest.raises(ClientError, match="RetainDeploymentConfig"):
        update(pair, deployment=rolling(percent(50)), RetainDeploymentConfig=True)
    assert pair.doc("e")["EndpointStatus"] == "InService"
