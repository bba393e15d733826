"""Models: containers, each an image and what was trained for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from skylab.services.call import Call
from skylab.services.sagemaker import common, records
from skylab.services.sagemaker.hosting import containers
from skylab.services.sagemaker.jobs.custom import puller
from skylab.services.sagemaker.registry.deployment import with_packages
from skylab.wire.errors import AwsError, invalid

if TYPE_CHECKING:
    from skylab.shapes.sagemaker import *

TYPE = "model"


class Models:
    def create_model(self, call: Call, request: CreateModelInput) -> dict[str, Any]:
        name = request["ModelName"]
        given = with_packages(call, request)
        containers.check(given, puller(lambda: call.assume("ecr", request.get("ExecutionRoleArn", ""))))
        for container in containers.given(given):
            check_reader(call, request.get("ExecutionRoleArn"), container)
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


def check_reader(call: Call, role: str | None, container: Mapping[str, Any]) -> None:
    """Raises AwsError, in AWS's words, for a role that SageMaker may not assume to fetch the container's data; whether
    the data is there shows when an endpoint is made of it."""
    data = container.get("ModelDataUrl") or next((each["S3Uri"] for each in containers.sources(container)), None)
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
