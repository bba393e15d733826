"""The instances of a job: their names, their addresses, and what each is told of the others."""

import zlib
from dataclasses import dataclass
from typing import Any

HOMOGENEOUS = "homogeneousCluster"


@dataclass(frozen=True)
class Host:
    name: str  # algo-1
    type: str
    group: str


def hosts(resources: dict[str, Any]) -> list[Host]:
    """Of InstanceType and InstanceCount, or InstanceGroups."""
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


def config(host: Host, all_hosts: list[Host]) -> dict[str, Any]:
    """resourceconfig.json: what a host knows of itself and the others."""
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
