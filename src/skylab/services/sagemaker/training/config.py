"""The files that tell a program about its training job."""

import json
from pathlib import Path
from typing import Any

from skylab.services.sagemaker.jobs.hosts import Host, config


def write_config(folder: Path, doc: dict[str, Any], host: Host, hosts: list[Host]) -> None:
    """The folders of /opt/ml and input/config, below folder."""
    for name in ("input/config", "input/data", "model", "output/data", "code"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    files = {
        "hyperparameters": doc["HyperParameters"],
        "inputdataconfig": {c["ChannelName"]: _channel(doc, c) for c in doc["InputDataConfig"] if reaches(c, host)},
        "resourceconfig": config(host, hosts),
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


def _with_path(config: dict[str, Any] | None, folder: str) -> dict[str, Any] | None:
    return None if config is None else {"LocalPath": f"/opt/ml/output/{folder}"} | config
