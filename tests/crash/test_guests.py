"""Kill -9 of the cloud while inference components, serverless workers and models of a multi-model endpoint come up."""

import pytest
from conftest import connect
from endpoint_steps import SKLEARN, Hosting, archive, until

from crash.test_queues import ONCE, chosen, die, named, opened
from skylab.settings import Settings

SETTINGS = Settings(fallback=False, describe_hold_seconds=5, serverless_keep_seconds=2)
COMPONENT = [
    ("", "", ""),
    ("work", "fetch", "before"),
    ("work", "fetch", "after"),
    ("processes.LocalProcesses", "start", "before"),
    ("processes.LocalProcesses", "start", "after"),
    ("work.Copies", "_told", "before"),
    ("work.Copies", "_told", "after"),
]
ASKED = {
    "cold": [("serverless", "_tell", "after"), ("processes.LocalProcesses", "start", "after")],
    "many": [
        ("instance.Instance", "_fetch", "before"),
        ("instance", "unpack", "after"),
        ("instance.Instance", "_fetch", "after"),
    ],
}


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    """A cloud's folder with endpoints in it, whose programs go on while clouds come and go."""
    root = tmp_path_factory.mktemp("guests") / "root"
    with opened(root, SETTINGS) as cloud:
        hosting = Hosting(cloud)
        hosting.model("m", ONCE)
        for number in range(3):
            hosting.s3.put_object(Bucket="models", Key=f"many/{number}.tar.gz", Body=archive("m", ONCE))
        many = {"Image": SKLEARN, "Mode": "MultiModel", "ModelDataUrl": "s3://models/many/"}
        hosting.sagemaker.create_model(ModelName="many", PrimaryContainer=many, ExecutionRoleArn=hosting.role)
        instances = {"InitialInstanceCount": 1, "InstanceType": "ml.m5.xlarge"}
        serverless = {"ServerlessConfig": {"MemorySizeInMB": 1024, "MaxConcurrency": 1}}
        for name, more in (("host", instances), ("cold", serverless), ("many", instances)):
            model = {"cold": {"ModelName": "m"}, "many": {"ModelName": "many"}}.get(name, {})
            hosting.sagemaker.create_endpoint_config(
                EndpointConfigName=name,
                ExecutionRoleArn=hosting.role,
                ProductionVariants=[{"VariantName": "A", **model, **more}],
            )
            assert hosting.endpoint(name, name)["EndpointStatus"] == "InService"
    yield root
    with opened(root, SETTINGS) as cloud:
        sagemaker = connect(cloud, "sagemaker")
        for name in ("host", "cold", "many"):
            sagemaker.delete_endpoint(EndpointName=name)
        until(lambda: not sagemaker.list_endpoints()["Endpoints"])


@pytest.mark.parametrize("step", chosen(COMPONENT, 4), ids=named)
def test_a_component_that_was_acknowledged_comes_into_service_whatever_kills_the_cloud(root, step):
    needs = {"MinMemoryRequiredInMb": 512, "NumberOfCpuCoresRequired": 1}
    given = {
        "InferenceComponentName": "i",
        "EndpointName": "host",
        "VariantName": "A",
        "Specification": {"ModelName": "m", "ComputeResourceRequirements": needs},
        "RuntimeConfig": {"CopyCount": 1},
    }
    die(root, "sagemaker", "create_inference_component", given, step)
    with opened(root, SETTINGS) as cloud:
        sagemaker = connect(cloud, "sagemaker")

        def look():
            found = sagemaker.describe_inference_component(InferenceComponentName="i")
            return found if found["InferenceComponentStatus"] != "Creating" else None

        found = until(look)
        assert found["InferenceComponentStatus"] == "InService", found.get("FailureReason")
        assert ask(cloud, "host", InferenceComponentName="i") == b"once"
        assert len(list((root / "runs").glob("*/0-0-*"))) == 2, "one copy, beside the multi-model instance"
        sagemaker.delete_inference_component(InferenceComponentName="i")
        until(lambda: not sagemaker.list_inference_components()["InferenceComponents"])


def ask(cloud, name, **more):
    runtime = connect(cloud, "sagemaker-runtime")
    return runtime.invoke_endpoint(EndpointName=name, ContentType="text/plain", Body=b"once", **more)["Body"].read()


@pytest.mark.slow
@pytest.mark.parametrize(("name", "number", "step"), [(k, n, s) for k, v in ASKED.items() for n, s in enumerate(v)])
def test_an_endpoint_that_was_making_ready_for_a_request_when_it_was_killed_answers_the_next(root, name, number, step):
    more = {"TargetModel": f"{number}.tar.gz"} if name == "many" else {}
    with opened(root, SETTINGS) as cloud:
        until(lambda: workers(cloud) == 0)
    given = {"EndpointName": name, "ContentType": "text/plain", "Body": "once", **more}
    die(root, "sagemaker-runtime", "invoke_endpoint", given, step)
    with opened(root, SETTINGS) as cloud:
        assert ask(cloud, name, **more) == b"once"
        until(lambda: workers(cloud) == 0)


def workers(cloud):
    with cloud.store.reading() as tx:
        fleets = [task for task in tx.tasks() if task.kind == "endpoint" and task.data["endpoint"] == "cold"]
        return sum(len(task.data["replicas"]) for task in fleets)
