"""Transform jobs: their operations."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skylab.services.call import Call
from skylab.services.sagemaker import people, records
from skylab.services.sagemaker.common import arn, check_role, hold, listed, new_token, tags
from skylab.services.sagemaker.hosting import containers
from skylab.services.sagemaker.jobs.buckets import check_buckets
from skylab.services.sagemaker.jobs.job import OVER
from skylab.services.sagemaker.tracking.jobs import begun
from skylab.services.sagemaker.transform.document import document
from skylab.wire.errors import invalid

if TYPE_CHECKING:
    from skylab.shapes.sagemaker import *

TYPE = "transform-job"


class TransformJobs:
    def create_transform_job(self, call: Call, request: CreateTransformJobRequest) -> dict[str, Any]:
        plan = _plan(call, request["ModelName"])
        doc = document(request) | {
            "TransformJobArn": arn(call, TYPE, request["TransformJobName"]),
            "TransformJobStatus": "InProgress",
            "CreationTime": call.now,
            "LastModifiedTime": call.now,
            "_": {"tags": tags(request), "plan": plan},
        }
        check_role(call, plan["role"])
        source = doc["TransformInput"]["DataSource"]["S3DataSource"]["S3Uri"]
        check_buckets(call, plan["role"], [source, doc["TransformOutput"]["S3OutputPath"]])
        key, token = call.key(TYPE, doc["TransformJobName"]), new_token(call.ids.new)
        with call.writing() as tx:
            tx.create(key, doc, call.now)
            begun(tx, key, doc, call.now, people.context(call))
            tx.start("transform", key, call.now, call.ids.new(), role=plan["role"], token=token)
        return {"TransformJobArn": doc["TransformJobArn"]}

    async def describe_transform_job(self, call: Call, request: DescribeTransformJobRequest) -> dict[str, Any]:
        key = call.key(TYPE, request["TransformJobName"])
        return await hold(call, lambda tx: tx.get(key), lambda doc: doc["TransformJobStatus"] in OVER)

    def list_transform_jobs(self, call: Call, request: ListTransformJobsRequest) -> dict[str, Any]:
        return listed(call, TYPE, request, "TransformJobSummaries", "TransformJobName", "TransformJobStatus")

    def stop_transform_job(self, call: Call, request: StopTransformJobRequest) -> None:
        records.stop(call, TYPE, request["TransformJobName"], "Transform")


def _plan(call: Call, name: str) -> dict[str, Any]:
    """What is to run: the model as it is now, whatever becomes of it later. Raises AwsError."""
    model = records.described(call, "model", name)
    only, *more = containers.plans(model)
    if more or "multi" in only:
        raise invalid(f"The model {name} has several containers or models, and is not offered for transform jobs yet.")
    if not model.get("ExecutionRoleArn"):
        raise invalid(f"The model {name} has no ExecutionRoleArn: a transform job reads and writes as that role.")
    return only | {"isolated": model["EnableNetworkIsolation"], "role": model["ExecutionRoleArn"]}
