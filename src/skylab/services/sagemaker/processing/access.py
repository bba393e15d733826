"""What the operations of processing jobs need."""

from __future__ import annotations

from skylab.services.access import Entry, Source
from skylab.services.sagemaker.needs import PASS_ROLE, create, listing, on

PROCESSING: dict[str, Source] = {
    "sagemaker:InstanceTypes": "ProcessingResources.ClusterConfig.InstanceType",
    "sagemaker:InterContainerTrafficEncryption": "NetworkConfig.EnableInterContainerTrafficEncryption",
    "sagemaker:MaxRuntimeInSeconds": "StoppingCondition.MaxRuntimeInSeconds",
    "sagemaker:NetworkIsolation": "NetworkConfig.EnableNetworkIsolation",
    "sagemaker:OutputKmsKey": "ProcessingOutputConfig.KmsKeyId",
    "sagemaker:VolumeKmsKey": "ProcessingResources.ClusterConfig.VolumeKmsKeyId",
    "sagemaker:VpcSecurityGroupIds": "NetworkConfig.VpcConfig.SecurityGroupIds",
    "sagemaker:VpcSubnets": "NetworkConfig.VpcConfig.Subnets",
}

ACCESS: dict[str, Entry] = {
    "CreateProcessingJob": create("CreateProcessingJob", "processing-job", "ProcessingJobName", PROCESSING, PASS_ROLE),
    "DescribeProcessingJob": on("DescribeProcessingJob", "processing-job", "ProcessingJobName"),
    "StopProcessingJob": on("StopProcessingJob", "processing-job", "ProcessingJobName"),
    "ListProcessingJobs": listing("ListProcessingJobs"),
    "DeleteProcessingJob": on("DeleteProcessingJob", "processing-job", "ProcessingJobName"),
}
