"""What the operations of training jobs need."""

from __future__ import annotations

from collections.abc import Callable

from skylab.services.access import Entry, Need, Parameters, Source
from skylab.services.call import Call
from skylab.services.sagemaker.needs import NETWORK, PASS_ROLE, create, instance_types, listing, named, on


def file_systems(member: str) -> Callable[[Call, Parameters], list[str]]:
    def found(call: Call, parameters: Parameters) -> list[str]:
        sources = (channel.get("DataSource", {}) for channel in parameters.get("InputDataConfig", []))
        return [system[member] for s in sources if (system := s.get("FileSystemDataSource")) and member in system]

    return found


TRAINING: dict[str, Source] = NETWORK | {
    "sagemaker:EnableRemoteDebug": "RemoteDebugConfig.EnableRemoteDebug",
    "sagemaker:FileSystemAccessMode": file_systems("FileSystemAccessMode"),
    "sagemaker:FileSystemDirectoryPath": file_systems("DirectoryPath"),
    "sagemaker:FileSystemId": file_systems("FileSystemId"),
    "sagemaker:FileSystemType": file_systems("FileSystemType"),
    "sagemaker:InstanceTypes": instance_types,
    "sagemaker:InterContainerTrafficEncryption": "EnableInterContainerTrafficEncryption",
    "sagemaker:KeepAlivePeriod": "ResourceConfig.KeepAlivePeriodInSeconds",
    "sagemaker:MaxRuntimeInSeconds": "StoppingCondition.MaxRuntimeInSeconds",
    "sagemaker:OutputKmsKey": "OutputDataConfig.KmsKeyId",
    "sagemaker:VolumeKmsKey": "ResourceConfig.VolumeKmsKeyId",
}
UPDATE: dict[str, Source] = {
    key: TRAINING[key]
    for key in ("sagemaker:EnableRemoteDebug", "sagemaker:InstanceTypes", "sagemaker:KeepAlivePeriod")
}

ACCESS: dict[str, Entry] = {
    "CreateTrainingJob": create("CreateTrainingJob", "training-job", "TrainingJobName", TRAINING, PASS_ROLE),
    "DescribeTrainingJob": on("DescribeTrainingJob", "training-job", "TrainingJobName"),
    "StopTrainingJob": on("StopTrainingJob", "training-job", "TrainingJobName"),
    "ListTrainingJobs": listing("ListTrainingJobs"),
    "UpdateTrainingJob": (Need("sagemaker:UpdateTrainingJob", named("training-job", "TrainingJobName"), UPDATE),),
    "DeleteTrainingJob": on("DeleteTrainingJob", "training-job", "TrainingJobName"),
}
