"""UpdateEndpointWeightsAndCapacities of real endpoints."""

import pytest
from botocore.exceptions import ClientError
from endpoint_steps import Load, until, variant_of


def change(hosting, name="A", **wanted):
    hosting.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="e", DesiredWeightsAndCapacities=[{"VariantName": name} | wanted]
    )


@pytest.fixture
def two(hosting):
    hosting.model("a")
    hosting.model("b")
    hosting.config("c", ("A", "a", 2, 1), ("B", "b", 1, 1))
    hosting.endpoint("e", "c")
    return hosting


def test_instances_that_go_finish_what_they_were_asked(two):
    slow = Load(lambda: two.ask("e", {"sleep": 0.5}, TargetVariant="A")["born"], callers=4)
    with slow:
        change(two, DesiredInstanceCount=1)
        two.settled("e")
        until(lambda: len(slow.answers) > 4)

    assert not slow.failures
    described = two.settled("e")["ProductionVariants"][0]
    assert (described["CurrentInstanceCount"], described["DesiredInstanceCount"]) == (1, 1)
    assert "VariantStatus" not in described
    change(two, DesiredInstanceCount=2)  # while the one that goes may still be there
    assert two.settled("e")["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    assert len({two.ask("e", TargetVariant="A")["born"] for _ in range(4)}) == 2


def test_weights_count_from_the_next_request_on(two):
    change(two, "B", DesiredWeight=0)
    assert {two.ask("e")["model"] for _ in range(4)} == {"a"}
    assert two.ask("e", TargetVariant="B")["model"] == "b", "a variant without weight can be named"
    two.settled("e")
    change(two, "B", DesiredWeight=3)
    assert sorted(two.ask("e")["model"] for _ in range(8)) == ["a"] * 2 + ["b"] * 6


def test_what_cannot_be_is_refused(two):
    with pytest.raises(ClientError, match="DesiredInstanceCount of variant A must be at least 1"):
        change(two, DesiredInstanceCount=0)
    with pytest.raises(ClientError, match="Could not find production variant C"):
        change(two, "C", DesiredWeight=1)
    with pytest.raises(ClientError, match="weight greater than 0"):
        two.sagemaker.update_endpoint_weights_and_capacities(
            EndpointName="e", DesiredWeightsAndCapacities=[{"VariantName": each, "DesiredWeight": 0} for each in "AB"]
        )


def test_an_instance_that_does_not_come_up_takes_the_change_back(hosting):
    hosting.model("a")
    hosting.config("c", ("A", "a", 1, 1))
    hosting.endpoint("e", "c")
    break_next(hosting)

    change(hosting, DesiredInstanceCount=2, DesiredWeight=5)
    described = hosting.settled("e")

    assert described["EndpointStatus"] == "InService"
    assert "did not pass the ping health check" in described["FailureReason"]
    (variant,) = described["ProductionVariants"]
    assert (variant["DesiredInstanceCount"], variant["CurrentInstanceCount"], variant["CurrentWeight"]) == (1, 1, 1)


def break_next(hosting):
    """The model's data that new replicas are given has lost a file."""
    (name,) = hosting.cloud.root.glob("endpoints/*/models/0/name")
    name.unlink()


def test_replicas_are_drawn_by_lot_where_the_variant_says_so(hosting):
    hosting.model("a")
    variant = variant_of("A", "a", 2, RoutingConfig={"RoutingStrategy": "RANDOM"})
    hosting.sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
    described = hosting.endpoint("e", "c")
    assert described["ProductionVariants"][0]["RoutingConfig"] == {"RoutingStrategy": "RANDOM"}
    born = [hosting.ask("e")["born"] for _ in range(40)]
    assert len(set(born)) == 2
    assert any(one == next for one, next in zip(born, born[1:], strict=False)), "taking turns they never repeat"


@pytest.mark.parametrize(
    ("member", "value"),
    [
        ("CoreDumpConfig", {"DestinationS3Uri": "s3://b/k"}),
        ("EnableSSMAccess", True),
        ("InferenceAmiVersion", "al2-ami-sagemaker-inference-gpu-2"),
        ("ManagedInstanceScaling", {"Status": "ENABLED"}),
        ("RoutingConfig", {"RoutingStrategy": "PREFIX_AWARE"}),
    ],
)
def test_what_a_variant_cannot_have_is_refused_by_name(hosting, member, value):
    hosting.model("a")
    with pytest.raises(ClientError, match="is not offered yet"):
        hosting.sagemaker.create_endpoint_config(
            EndpointConfigName="c", ProductionVariants=[variant_of("A", "a", **{member: value})]
        )


def test_an_explainer_is_refused_by_name(hosting):
    hosting.model("a")
    baseline = {"ShapConfig": {"ShapBaselineConfig": {"ShapBaseline": "1"}}}
    with pytest.raises(ClientError, match="ExplainerConfig is not offered yet"):
        hosting.config("c", ("A", "a", 1, 1), ExplainerConfig={"ClarifyExplainerConfig": baseline})


def test_model_data_that_takes_too_long_fails_the_endpoint(hosting, monkeypatch):
    hosting.model("a")
    variant = variant_of("A", "a", ModelDataDownloadTimeoutInSeconds=60)
    hosting.sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant])
    real = hosting.cloud.world.background.done
    monkeypatch.setattr(hosting.cloud.world.background, "done", lambda key, do: "models" not in key and real(key, do))
    hosting.sagemaker.create_endpoint(EndpointName="e", EndpointConfigName="c")
    with hosting.cloud.store.writing() as tx:
        (task,) = [each for each in tx.tasks() if each.kind == "endpoint"]
        tx.move(task.id, task.state, began=task.data["began"] - 61)
    assert "within ModelDataDownloadTimeoutInSeconds" in hosting.settled("e")["FailureReason"]


def test_an_update_keeps_the_properties_of_variants_that_stay_but_for_those_excluded(two):
    two.config("again", ("A", "b", 1, 5), ("C", "b", 1, 5))
    change(two, "A", DesiredWeight=2)
    two.settled("e")
    two.sagemaker.update_endpoint(
        EndpointName="e",
        EndpointConfigName="again",
        RetainAllVariantProperties=True,
        ExcludeRetainedVariantProperties=[{"VariantPropertyType": "DesiredInstanceCount"}],
    )
    kept, new = two.settled("e")["ProductionVariants"]
    assert (kept["CurrentWeight"], kept["CurrentInstanceCount"]) == (2, 1)
    assert (new["CurrentWeight"], new["CurrentInstanceCount"]) == (5, 1)
