"""The types of steps: which call a step is, how the end of what it made is seen, and what it takes to have it.

https://docs.aws.amazon.com/sagemaker/latest/dg/build-and-manage-steps-types.html
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from importlib.util import find_spec

from botocore import xform_name
from botocore.model import StructureShape

from skylab.wire.model import service_model


@dataclass(frozen=True)
class Kind:
    """A step that is one call of SageMaker's API.

    key: the type of its resource's key, the word of its ARN. metadata: the member of the step's Metadata. status: the
    member that says how the resource is; empty where what was made is finished. longest: of its name.
    """

    create: str
    describe: str
    name: str
    key: str
    metadata: str
    arn: str
    status: str = ""
    stop: str = ""
    longest: int = 63

    @property
    def input(self) -> StructureShape:
        return service_model("sagemaker").operation_model(self.create).input_shape

    @property
    def output(self) -> StructureShape:
        """What its properties are."""
        return service_model("sagemaker").operation_model(self.describe).output_shape


def _job(word: str, key: str, metadata: str, longest: int = 63) -> Kind:
    name = f"{word}Job"
    calls = (f"Create{name}", f"Describe{name}", f"{name}Name")
    return Kind(*calls, key, metadata, f"{name}Arn", f"{name}Status", f"Stop{name}", longest)


KINDS: dict[str, Kind] = {
    "Training": _job("Training", "training-job", "TrainingJob"),
    "Processing": _job("Processing", "processing-job", "ProcessingJob"),
    "Transform": _job("Transform", "transform-job", "TransformJob"),
    "Tuning": _job("HyperParameterTuning", "hyper-parameter-tuning-job", "TuningJob", 32),
    "Model": Kind("CreateModel", "DescribeModel", "ModelName", "model", "Model", "ModelArn"),
    "RegisterModel": Kind(
        "CreateModelPackage", "DescribeModelPackage", "ModelPackageName", "model-package", "RegisterModel",
        "ModelPackageArn",
    ),
}  # fmt: skip
OWN = ("Condition", "Fail")  # what the executor does itself
SERVICES = {"Callback": "sqs", "Lambda": "lambda"}  # what is a call of another service
OTHERS = (
    "QualityCheck", "ClarifyCheck", "EMR", "EMRServerless", "AutoML", "EndpointConfig", "Endpoint",
    "InferenceComponent", "Lineage", "Job", "Cleanup", "ForEach", "Athena", "HubContent", "BedrockCustomModel",
    "BedrockCustomModelDeployment", "BedrockProvisionedModelThroughput", "BedrockModelImport",
)  # fmt: skip

Offered = Mapping[str, bool]


def offered(type: str) -> bool:
    """Whether this cloud has what a type of step needs: it is asked for each time, so what comes opens by itself."""
    if type in KINDS:
        return has_operation(KINDS[type].create)
    return type in OWN or type in SERVICES and has_service(SERVICES[type])


@cache
def has_operation(name: str) -> bool:
    """Of SageMaker's, by its name in the API."""
    method = xform_name(name)
    return any(hasattr(resource, method) for resource in import_module("skylab.services.sagemaker").RESOURCES)


@cache
def has_service(name: str) -> bool:
    return any(find_spec(f"skylab.services.{module}") for module in (name, f"{name}_"))
