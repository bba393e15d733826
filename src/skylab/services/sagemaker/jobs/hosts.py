"""The instances of a training job: their names, addresses, and the files that tell a program about its job."""

import json
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HOMOGENEOUS = "homogeneousCluster"


@dataclass(frozen=True)
class Host:
    name: str  # algo-1
    type: str
    group: str


def hosts(doc: dict[str, Any]) -> list[Host]:
    resources = doc["ResourceConfig"]
    alone = {"InstanceGroupName": HOMOGENEOUS} | resources
    kinds = [
        (group["InstanceType"], group["InstanceGroupName"])
        for group in resources.get("InstanceGroups") or [alone]
        for _ in range(group["InstanceCount"])
    ]
    return [Host(f"algo-{n}", type, group) for n, (type, group) in enumerate(kinds, 1)]


def addresses(task_id: str, all_hosts: list[Host]) -> dict[str, str]:
    """Loopback addresses, in a network of the job's own: two jobs beside each other may use the same port."""
    number = zlib.crc32(task_id.encode())
    network = f"127.{number % 254 + 1}.{number // 254 % 254 + 1}"
    return {host.name: f"{network}.{10 + n}" for n, host in enumerate(all_hosts, 1)}


def write_config(folder: Path, doc: dict[str, Any], host: Host) -> None:
    """The folders of /opt/ml and input/config, below folder."""
    for name in ("input/config", "input/data", "model", "output/data", "code"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    files = {
        "hyperparameters": doc["HyperParameters"],
        "inputdataconfig": {c["ChannelName"]: _channel(doc, c) for c in doc["InputDataConfig"] if reaches(c, host)},
        "resourceconfig": _resources(host, hosts(doc)),
        "debughookconfig": _with_path(doc.get("DebugHookConfig"), "tensors"),
        "profilerconfig": _with_path(doc.get("ProfilerConfig"), "profiler"),
        "tensorboardoutputconfig": _with_path(doc.get("TensorBoardOutputConfig"), "tensorboard"),
        "checkpointconfig": doc.get("CheckpointConfig"),
    }
    for name, content in files.items():
        if content is not None:
            (folder / "input/config" / f"{name}.json").write_text(json.dumps(content))
    if "CheckpointConfig" in doc:
        checkpoints(folder, doc).mkdir(parents=True, exist_ok=True)


def checkpoints(folder: Path, doc: dict[str, Any]) -> Path:
    """Where a host keeps its checkpoints."""
    return folder / doc["CheckpointConfig"]["LocalPath"].removeprefix("/opt/ml/").lstrip("/")  # /opt/ml//etc


def reaches(channel: dict[str, Any], host: Host) -> bool:
    groups = channel["DataSource"]["S3DataSource"].get("InstanceGroupNames")
    return not groups or host.group in groups


def mode(doc: dict[str, Any], channel: dict[str, Any]) -> str:
    return channel.get("InputMode") or doc["AlgorithmSpecification"]["TrainingInputMode"]


def _channel(doc: dict[str, Any], channel: dict[str, Any]) -> dict[str, str]:
    source = channel["DataSource"]["S3DataSource"]
    content = {"ContentType": channel["ContentType"]} if "ContentType" in channel else {}
    return content | {
        "TrainingInputMode": mode(doc, channel),
        "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
        "RecordWrapperType": channel["RecordWrapperType"],
    }


def _resources(host: Host, all_hosts: list[Host]) -> dict[str, Any]:
    groups: dict[str, dict[str, Any]] = {}
    for each in all_hosts:
        group = {"instance_group_name": each.group, "instance_type": each.type, "hosts": []}
        groups.setdefault(each.group, group)["hosts"].append(each.name)
    return {
        "current_host": host.name,
        "current_instance_type": host.type,
        "current_group_name": host.group,
        "hosts": sorted(each.name for each in all_hosts),
        "instance_groups": list(groups.values()),
        "network_interface_name": "lo",  # AWS says eth0; NCCL, Gloo and MPI take it literally
    }


def _with_path(config: dict[str, Any] | None, folder: str) -> dict[str, Any] | None:
    return None if config is None else {"LocalPath": f"/opt/ml/output/{folder}"} | config
