"""A shadow gets copies of requests, and its callers never notice it."""

import time

import pytest
from botocore.exceptions import ClientError
from endpoint_steps import Load, until, variant_of

from skylab.services.call import Call
from skylab.services.sagemaker.hosting import access
from skylab.services.sagemaker_runtime import shadows

SHADOW = """
import os, time

def model_fn(folder):
    return open(folder + "/name").read()

def transform_fn(model, body, content_type, accept):
    print("ASKED", model, body, flush=True)
    if os.environ.get("SLOW"):
        time.sleep(1)
    if os.environ.get("FAILS"):
        raise ValueError("never")
    return model, "text/plain"
"""


def deploy(hosting, weight=1.0, count=1, **environment):
    hosting.model("a")
    hosting.model("s", SHADOW, **environment)
    shadow = variant_of("Shadow", "s", count, weight)
    hosting.config("c", ("A", "a", 1, 1), ShadowProductionVariants=[shadow])
    return hosting.endpoint("e", "c")


def asked(hosting):
    """What the shadow was asked, by its log."""
    try:
        events = hosting.logs.filter_log_events(logGroupName="/aws/sagemaker/Endpoints/e", filterPattern="ASKED")
    except hosting.logs.exceptions.ResourceNotFoundException:
        return []
    return [event["message"].split(" ", 2)[2] for event in events["events"] if event["message"].startswith("ASKED")]


def test_every_second_request_is_copied_where_the_weights_say_so(hosting):
    described = deploy(hosting, weight=0.5)
    (shadow,) = described["ShadowProductionVariants"]
    assert (shadow["VariantName"], shadow["CurrentInstanceCount"], shadow["CurrentWeight"]) == ("Shadow", 1, 0.5)
    assert [each["VariantName"] for each in described["ProductionVariants"]] == ["A"]
    config = hosting.sagemaker.describe_endpoint_config(EndpointConfigName="c")
    assert config["ShadowProductionVariants"][0]["ModelName"] == "s"

    answers = [hosting.runtime.invoke_endpoint(EndpointName="e", Body=f'{{"n": {n}}}') for n in range(10)]

    assert {answer["InvokedProductionVariant"] for answer in answers} == {"A"}
    until(lambda: len(asked(hosting)) == 5)
    with pytest.raises(ClientError, match="Variant Shadow of endpoint e not found"):
        hosting.ask("e", TargetVariant="Shadow")


def test_a_shadow_that_is_slow_fails_or_dies_delays_and_fails_nobody(hosting):
    deploy(hosting, SLOW="yes", FAILS="yes")
    begin = time.perf_counter()
    for n in range(10):
        assert hosting.ask("e", {"n": n})["sent"] == {"n": n}
    assert time.perf_counter() - begin < 5, "the shadow takes a second for each"

    (process,) = [f"{path.parent.name}/{path.name}" for path in hosting.cloud.world.processes.root.glob("*/1-*")]
    with Load(lambda: hosting.ask("e")) as load:
        hosting.cloud.world.processes.stop(process, hard=True)
        until(lambda: hosting.doc("e")["ShadowProductionVariants"][0]["CurrentInstanceCount"] == 0)
        until(lambda: hosting.doc("e")["ShadowProductionVariants"][0]["CurrentInstanceCount"] == 1)
    assert not load.failures
    assert hosting.doc("e")["EndpointStatus"] == "InService"


def test_copies_are_left_out_where_too_many_are_under_way(hosting, monkeypatch):
    monkeypatch.setattr(shadows, "MOST", 2)
    deploy(hosting, SLOW="yes")
    for n in range(10):
        hosting.ask("e", {"n": n})
    until(lambda: len(asked(hosting)) == 2)


def test_a_shadow_scales_and_a_configuration_has_one_at_most(hosting):
    deploy(hosting)
    hosting.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="e", DesiredWeightsAndCapacities=[{"VariantName": "Shadow", "DesiredInstanceCount": 2}]
    )
    assert hosting.settled("e")["ShadowProductionVariants"][0]["CurrentInstanceCount"] == 2

    shadow = variant_of("S", "s")
    with pytest.raises(ClientError, match="only one variant may be given"):
        hosting.config("c2", ("A", "a", 1, 1), ("B", "a", 1, 1), ShadowProductionVariants=[shadow])
    with pytest.raises(ClientError, match="only one variant may be given"):
        hosting.config("c2", ("A", "a", 1, 1), ShadowProductionVariants=[shadow, variant_of("T", "s")])
    with pytest.raises(ClientError, match="must be unique"):
        hosting.config("c2", ("S", "a", 1, 1), ShadowProductionVariants=[shadow])


def test_what_a_policy_says_of_instance_types_and_models_counts_for_shadows_too(cloud):
    """sagemaker:InstanceTypes and sagemaker:ModelArn of CreateEndpointConfig."""
    call = Call(cloud.store, cloud.ids, cloud.settings, "sagemaker", "1", "r", cloud.clock.now(), *[None] * 5)
    shadow = variant_of("S", "s", InstanceType="ml.p3.2xlarge")
    asked = {"ProductionVariants": [variant_of("A", "a")], "ShadowProductionVariants": [shadow]}
    assert access.CONFIG["sagemaker:InstanceTypes"](call, asked) == ["ml.m5.large", "ml.p3.2xlarge"]
    assert [each.rpartition("/")[2] for each in access.CONFIG["sagemaker:ModelArn"](call, asked)] == ["a", "s"]


def test_inference_experiments_are_refused(hosting):
    with pytest.raises(ClientError) as refused:
        hosting.sagemaker.list_inference_experiments()
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 501
