import threading

import pytest
from botocore.exceptions import ClientError
from endpoint_steps import SKLEARN, until


@pytest.fixture
def guests(hosting):
    """An endpoint's instances without a model; the components on them are deleted in the end."""
    yield hosting
    for each in hosting.sagemaker.list_inference_components()["InferenceComponents"]:
        name = each["InferenceComponentName"]
        if settled(hosting, name)["InferenceComponentStatus"] != "Deleting":
            hosting.sagemaker.delete_inference_component(InferenceComponentName=name)
    until(lambda: not hosting.sagemaker.list_inference_components()["InferenceComponents"])


def host(hosting, count=1, type="ml.m5.large"):
    """ml.m5.large: two processors, 8 GiB."""
    hosting.sagemaker.create_endpoint_config(
        EndpointConfigName="c",
        ExecutionRoleArn=hosting.role,
        ProductionVariants=[{"VariantName": "A", "InstanceType": type, "InitialInstanceCount": count}],
    )
    described = hosting.endpoint("e", "c")
    assert described["EndpointStatus"] == "InService", described
    return described["ProductionVariants"][0]


def specification(model, memory=1024, cores=1, **more):
    needs = {"MinMemoryRequiredInMb": memory, "NumberOfCpuCoresRequired": cores}
    return {"ModelName": model, "ComputeResourceRequirements": needs} | more


def component(hosting, name, model, copies=1, **more):
    hosting.sagemaker.create_inference_component(
        InferenceComponentName=name,
        EndpointName="e",
        VariantName="A",
        Specification=specification(model, **more),
        RuntimeConfig={"CopyCount": copies},
    )
    return settled(hosting, name)


def settled(hosting, name):
    def look():
        found = hosting.sagemaker.describe_inference_component(InferenceComponentName=name)
        return found if found["InferenceComponentStatus"] not in ("Creating", "Updating") else None

    return until(look)


def scaled(hosting, name, copies):
    wanted = {"CopyCount": copies}
    hosting.sagemaker.update_inference_component_runtime_config(
        InferenceComponentName=name, DesiredRuntimeConfig=wanted
    )
    return settled(hosting, name)


def ask(hosting, name, request=None):
    return hosting.ask("e", request or {}, InferenceComponentName=name)


def test_components_share_an_endpoints_instances(guests):
    variant = host(guests)
    assert variant["CurrentInstanceCount"] == 1
    guests.model("a", SECRET="s")
    guests.model("b")
    made = component(guests, "first", "a")
    component(guests, "second", "b")

    assert made["InferenceComponentStatus"] == "InService"
    assert made["RuntimeConfig"] == {"DesiredCopyCount": 1, "CurrentCopyCount": 1}
    assert made["Specification"]["ModelName"] == "a"
    answer = ask(guests, "first")
    assert answer["model"] == "a" and answer["secret"] == "s"
    assert ask(guests, "second")["model"] == "b"
    with pytest.raises(ClientError, match="Inference Component Name header is required"):
        guests.ask("e")
    with pytest.raises(ClientError, match="Inference Component third of endpoint e not found"):
        ask(guests, "third")
    listed = guests.sagemaker.list_inference_components(EndpointNameEquals="e", SortBy="Name", SortOrder="Ascending")
    assert [each["InferenceComponentName"] for each in listed["InferenceComponents"]] == ["first", "second"]
    assert not guests.sagemaker.list_inference_components(VariantNameEquals="B")["InferenceComponents"]
    with pytest.raises(ClientError, match="it hosts inference components"):
        guests.sagemaker.delete_endpoint(EndpointName="e")


def test_copies_come_and_go_without_a_failed_request(guests):
    host(guests, count=2)
    guests.model("a")
    component(guests, "i", "a")
    born, failed, ended = set(), [], threading.Event()

    def load():
        while not ended.is_set():
            try:
                born.add(ask(guests, "i")["born"])
            except ClientError as problem:
                failed.append(problem)

    loads = [threading.Thread(target=load) for _ in range(2)]
    for each in loads:
        each.start()
    try:
        assert scaled(guests, "i", 3)["RuntimeConfig"] == {"DesiredCopyCount": 3, "CurrentCopyCount": 3}
        until(lambda: len(born) == 3)
        assert scaled(guests, "i", 1)["RuntimeConfig"]["DesiredCopyCount"] == 1
        until(lambda: replicas(guests) == 1)
    finally:
        ended.set()
        for each in loads:
            each.join()
    assert not failed
    assert scaled(guests, "i", 0)["RuntimeConfig"]["DesiredCopyCount"] == 0
    with pytest.raises(ClientError, match="Inference Component has no capacity to process this request"):
        ask(guests, "i")


def replicas(hosting):
    with hosting.cloud.store.reading() as tx:
        return sum(len(task.data["replicas"]) for task in tx.tasks() if task.kind == "component-copies")


def test_what_does_not_fit_is_not_placed(guests):
    host(guests, count=1)
    guests.model("a")
    failed = component(guests, "large", "a", memory=9000)
    assert failed["InferenceComponentStatus"] == "Failed"
    assert "not enough hardware resources" in failed["FailureReason"]
    component(guests, "one", "a", cores=1)
    full = scaled(guests, "one", 3)
    assert full["InferenceComponentStatus"] == "InService"
    assert full["RuntimeConfig"] == {"DesiredCopyCount": 3, "CurrentCopyCount": 2}
    assert full["FailureReason"].startswith("Unable to place 1 of 3 copies of inference component one: not enough")
    wanted = [{"VariantName": "A", "DesiredInstanceCount": 2}]
    guests.sagemaker.update_endpoint_weights_and_capacities(EndpointName="e", DesiredWeightsAndCapacities=wanted)

    def more():
        found = guests.sagemaker.describe_inference_component(InferenceComponentName="one")
        return found["RuntimeConfig"]["CurrentCopyCount"] == 3

    until(more)


def test_a_component_gets_another_model_without_a_failed_request(guests):
    host(guests)
    guests.model("a")
    guests.model("b")
    guests.model("bad", BROKEN="yes")
    component(guests, "i", "a")
    guests.sagemaker.update_inference_component(InferenceComponentName="i", Specification={"ModelName": "b"})
    answers = [ask(guests, "i")["model"]]
    while answers[-1] != "b":
        answers.append(ask(guests, "i")["model"])
    assert settled(guests, "i")["Specification"]["ModelName"] == "b"

    guests.sagemaker.update_inference_component(InferenceComponentName="i", Specification={"ModelName": "bad"})
    back = settled(guests, "i")
    assert back["InferenceComponentStatus"] == "InService" and back["Specification"]["ModelName"] == "b"
    assert "did not pass the ping health check" in back["FailureReason"]
    assert ask(guests, "i")["model"] == "b"


def test_a_component_of_a_container_and_one_that_does_not_come_up(guests):
    host(guests)
    guests.model("a")
    container = {"Image": SKLEARN, "ArtifactUrl": "s3://models/a.tar.gz", "Environment": {"SECRET": "t"}}
    needs = {"MinMemoryRequiredInMb": 512}
    given = {"Container": container, "ComputeResourceRequirements": needs}
    create = guests.sagemaker.create_inference_component
    common = {"EndpointName": "e", "VariantName": "A", "RuntimeConfig": {"CopyCount": 1}}
    create(InferenceComponentName="good", Specification=given, **common)
    made = settled(guests, "good")
    assert made["Specification"]["Container"]["DeployedImage"]["SpecifiedImage"] == SKLEARN
    assert ask(guests, "good")["secret"] == "t"
    broken = given | {"Container": container | {"Environment": {"BROKEN": "yes"}}}
    create(InferenceComponentName="bad", Specification=broken, **common)
    failed = settled(guests, "bad")
    assert failed["InferenceComponentStatus"] == "Failed"
    assert "did not pass the ping health check" in failed["FailureReason"]
    missing = given | {"Container": container | {"ArtifactUrl": "s3://models/none.tar.gz"}}
    create(InferenceComponentName="none", Specification=missing, **common)
    assert "Failed to download model data" in settled(guests, "none")["FailureReason"]


def test_a_copy_that_dies_is_started_again(guests):
    host(guests)
    guests.model("a")
    component(guests, "i", "a")
    with pytest.raises(ClientError):
        ask(guests, "i", {"die": True})

    def again():
        try:
            return ask(guests, "i")
        except ClientError:
            return None

    until(again)


def test_what_a_component_cannot_be(guests):
    host(guests)
    guests.model("a")
    create = guests.sagemaker.create_inference_component
    common = {"InferenceComponentName": "i", "EndpointName": "e", "VariantName": "A"}
    one = {"CopyCount": 1}
    good = specification("a")
    for given, words in (
        ({"Specification": good, "RuntimeConfig": {"CopyCount": 0}}, "copy count an integer larger than 0"),
        (
            {"Specification": {"BaseInferenceComponentName": "b"}, "RuntimeConfig": one},
            "BaseInferenceComponentName is not",
        ),
        ({"Specifications": [good], "RuntimeConfig": one}, "Specifications is not offered yet"),
        ({"Specification": {"ModelName": "a"}, "RuntimeConfig": one}, "ComputeResourceRequirements must be given"),
        (
            {"Specification": good | {"DataCacheConfig": {"EnableCaching": True}}, "RuntimeConfig": one},
            "DataCacheConfig",
        ),
        ({"Specification": good, "RuntimeConfig": one, "VariantName": "B"}, "Could not find production variant B"),
        ({"Specification": specification("none"), "RuntimeConfig": one}, 'Could not find model "'),
    ):
        with pytest.raises(ClientError, match=words):
            create(**{"RuntimeConfig": one} | common | given)
    variants = [{"VariantName": "A", "InstanceType": "ml.m5.large"}]
    config = guests.sagemaker.create_endpoint_config
    with pytest.raises(ClientError, match="ExecutionRoleArn must be given"):
        config(EndpointConfigName="x", ProductionVariants=variants)
    mixed = [*variants, {"VariantName": "B", "InstanceType": "ml.m5.large", "ModelName": "a"}]
    with pytest.raises(ClientError, match="for all production variants, or for none"):
        config(EndpointConfigName="x", ProductionVariants=mixed, ExecutionRoleArn=guests.role)
    with pytest.raises(ClientError, match="Could not find inference-component"):
        guests.sagemaker.describe_inference_component(InferenceComponentName="none")
