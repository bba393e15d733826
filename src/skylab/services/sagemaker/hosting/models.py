"""Models: an image, and an archive of what was trained."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from skylab.services.call import Call
from skylab.services.sagemaker import common, records
from skylab.services.sagemaker.jobs import runtimes
from skylab.services.sagemaker.registry.deployment import with_packages
from skylab.wire.errors import AwsError, invalid

if TYPE_CHECKING:
    from skylab.shapes.sagemaker import *

TYPE = "model"
NOT_YET = ("AdditionalModelDataSources", "MultiModelConfig")


class Models:
    def create_model(self, call: Call, request: CreateModelInput) -> dict[str, Any]:
        name = request["ModelName"]
        given = with_packages(call, request)
        container = the_container(given)
        records.refuse(request, ("InferenceExecutionConfig",))
        records.refuse(container, NOT_YET)
        if container.get("Mode", "SingleModel") != "SingleModel":
            raise invalid(f"Mode {container['Mode']} is not offered yet.")
        if "Image" not in container:
            raise invalid("Either Image or ModelPackageName must be given for a container.")
        if not runtimes.resolve(container["Image"]).serve:
            raise invalid(f"The image {container['Image']} has no program to serve with.")
        check_reader(call, request.get("ExecutionRoleArn"), container.get("ModelDataUrl"))
        model = common.arn(call, TYPE, name)
        kept = {member: value for member, value in given.items() if member != "Tags"}
        doc = {"EnableNetworkIsolation": False} | kept | {"ModelArn": model, "CreationTime": call.now}
        with call.writing() as tx:
            records.create(tx, call, TYPE, name, doc | {"_": {"tags": common.tags(request)}})
        return {"ModelArn": model}

    def describe_model(self, call: Call, request: DescribeModelInput) -> dict[str, Any]:
        return records.described(call, TYPE, request["ModelName"])

    def delete_model(self, call: Call, request: DeleteModelInput) -> None:
        records.delete(call, TYPE, request["ModelName"])

    def list_models(self, call: Call, request: ListModelsInput) -> dict[str, Any]:
        return common.listed(call, TYPE, request, "Models", "ModelName", "ModelStatus")


def check_reader(call: Call, role: str | None, data: str | None) -> None:
    """Raises AwsError, in AWS's words, for a role that SageMaker may not assume to fetch the model's data; whether the
    data is there shows when an endpoint is made of it."""
    if not role or not data:
        return
    try:
        call.assume("s3", role)
    except AwsError:
        trust = 'its trust relationship policy allows the action "sts:AssumeRole" for the service principal'
        raise invalid(
            f'Could not access model data at {data}. Please ensure that the role "{role}" exists and that {trust} '
            '"sagemaker.amazonaws.com".'
        ) from None


def the_container(model: Mapping[str, Any]) -> dict[str, Any]:
    """The one container of a model, however it was given. Raises AwsError."""
    containers = ([model["PrimaryContainer"]] if model.get("PrimaryContainer") else []) + model.get("Containers", [])
    if not containers:
        raise invalid("Either PrimaryContainer or Containers must be given.")
    if model.get("PrimaryContainer") and model.get("Containers"):
        raise invalid("Both PrimaryContainer and Containers are given: one of them is enough.")
    if len(containers) > 1:
        raise invalid("Containers: more than one container (an inference pipeline) is not offered yet.")
    only: dict[str, Any] = containers[0]
    return only
