"""What the operations of transform jobs need."""

from __future__ import annotations

from skylab.services.access import Entry, Source
from skylab.services.sagemaker.needs import create, listing, named, on

TRANSFORM: dict[str, Source] = {
    "sagemaker:InstanceTypes": "TransformResources.InstanceType",
    "sagemaker:ModelArn": named("model", "ModelName"),
    "sagemaker:OutputKmsKey": "TransformOutput.KmsKeyId",
    "sagemaker:VolumeKmsKey": "TransformResources.VolumeKmsKeyId",
}

ACCESS: dict[str, Entry] = {
    "CreateTransformJob": create("CreateTransformJob", "transform-job", "TransformJobName", TRANSFORM),
    "DescribeTransformJob": on("DescribeTransformJob", "transform-job", "TransformJobName"),
    "StopTransformJob": on("StopTransformJob", "transform-job", "TransformJobName"),
    "ListTransformJobs": listing("ListTransformJobs"),
}
