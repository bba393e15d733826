"""The containers of a model: which there are, in what order, and what each of them runs.

One alone, or up to fifteen beside each other on every instance: in Serial mode the answer of one is the request of the
next, in Direct mode the caller names the one it means. A container in MultiModel mode loads what it is asked for.
https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from skylab.services.sagemaker import records
from skylab.services.sagemaker.hosting.artifacts import place
from skylab.services.sagemaker.jobs import runtimes
from skylab.services.sagemaker.jobs.custom import Pull
from skylab.wire.errors import invalid

Container = Mapping[str, Any]

NOT_YET = ("ContainerMetricsConfig",)
NOT_YET_OF_SOURCE = ("ModelAccessConfig", "HubAccessConfig", "ManifestS3Uri", "ETag", "ManifestEtag")


def given(model: Container) -> list[dict[str, Any]]:
    """Raises AwsError unless they were given in exactly one way."""
    primary, several = model.get("PrimaryContainer"), model.get("Containers")
    if not primary and not several:
        raise invalid("Either PrimaryContainer or Containers must be given.")
    if primary and several:
        raise invalid("Both PrimaryContainer and Containers are given: one of them is enough.")
    return [dict(primary)] if primary else [dict(each) for each in several or []]


def check(model: Container, pull: Pull) -> None:
    """pull: brings images of one's own. Raises AwsError for containers that AWS would not take, and for members that
    have no effect here."""
    containers = given(model)
    for container in containers:
        _check_one(container, pull, alone=len(containers) == 1)
        if container.get("Mode") == "MultiModel" and "ExecutionRoleArn" not in model:
            raise invalid("ExecutionRoleArn must be given for a model whose container is in MultiModel mode.")
    names = _names(containers)
    if len(set(names)) < len(names):
        raise invalid("Each container of a model must have a ContainerHostname of its own.")
    if _mode(model) == "Direct" and len(containers) < 2:
        raise invalid("InferenceExecutionConfig: Mode Direct needs more than one container.")
    if _mode(model) == "Direct" and not all("ContainerHostname" in each for each in containers):
        raise invalid("ContainerHostname must be given for each container where Mode is Direct.")


def _check_one(container: Container, pull: Pull, alone: bool) -> None:
    records.refuse(container, NOT_YET)
    if "InferenceSpecificationName" in container and "ModelPackageName" not in container:
        raise invalid("InferenceSpecificationName can be given only with a ModelPackageName.")
    if "Image" not in container:
        raise invalid("Either Image or ModelPackageName must be given for a container.")
    if container.get("ImageConfig", {}).get("RepositoryAccessMode", "Platform") != "Platform":
        raise invalid("ImageConfig: RepositoryAccessMode Vpc is not offered: there is no VPC here.")
    if not runtimes.resolve(container["Image"], pull).serve:
        raise invalid(f"The image {container['Image']} has no program to serve with.")
    if container.get("ModelDataUrl") and container.get("ModelDataSource"):
        raise invalid("ModelDataUrl and ModelDataSource cannot both be given for a container.")
    for source in sources(container):
        _check_source(source)
    if container.get("Mode") == "MultiModel":
        if not alone:
            raise invalid("A container in MultiModel mode beside other containers is not offered yet.")
        _check_multi_model(container)
    elif container.get("MultiModelConfig"):
        raise invalid("MultiModelConfig can be given only for a container whose Mode is MultiModel.")


def _check_multi_model(container: Container) -> None:
    url = prefix(container)
    if not url:
        raise invalid("ModelDataUrl must be given for a container whose Mode is MultiModel.")
    if url.endswith((".tar.gz", ".tgz")):
        raise invalid(f"ModelDataUrl {url} must be an S3 prefix where Mode is MultiModel.")
    if container.get("AdditionalModelDataSources"):
        raise invalid("AdditionalModelDataSources with Mode MultiModel is not offered yet.")


def _check_source(source: Container) -> None:
    records.refuse(source, NOT_YET_OF_SOURCE)
    if source["S3DataType"] == "S3Prefix":
        if source["CompressionType"] == "Gzip":
            raise invalid("CompressionType Gzip needs S3DataType S3Object: one archive.")
        if not source["S3Uri"].endswith("/"):
            raise invalid(f"S3Uri {source['S3Uri']} must end with a forward slash where S3DataType is S3Prefix.")


def sources(container: Container) -> Iterator[dict[str, Any]]:
    """Every S3DataSource of a container."""
    if source := container.get("ModelDataSource", {}).get("S3DataSource"):
        yield source
    for more in container.get("AdditionalModelDataSources", []):
        yield more["S3DataSource"]


def prefix(container: Container) -> str:
    """Where the models of a container in MultiModel mode lie."""
    source = container.get("ModelDataSource", {}).get("S3DataSource", {})
    return str(source.get("S3Uri") or container.get("ModelDataUrl", ""))


def plans(model: Container) -> list[dict[str, Any]]:
    """What each container of a model runs, in their order: name (its host name), image, url or source of its data, more
    (channel: source), env, and multi, its ModelCacheSetting, where it is asked for models by name."""
    containers = given(model)
    return [_plan(container, name) for container, name in zip(containers, _names(containers), strict=True)]


def _plan(container: Container, name: str) -> dict[str, Any]:
    multi = container.get("Mode") == "MultiModel"
    setting = container.get("MultiModelConfig", {}).get("ModelCacheSetting", "Enabled")
    more = {each["ChannelName"]: each["S3DataSource"] for each in container.get("AdditionalModelDataSources", [])}
    return (
        {
            "host": name,
            "image": container["Image"],
            "url": "" if multi else container.get("ModelDataUrl", ""),
            "source": {} if multi else container.get("ModelDataSource", {}).get("S3DataSource", {}),
            "env": container.get("Environment", {}),
        }
        | ({"multi": setting, "prefix": prefix(container)} if multi else {})
        | ({"more": more} if more else {})
    )


def _names(containers: list[dict[str, Any]]) -> list[str]:
    return [each.get("ContainerHostname") or f"container-{n}" for n, each in enumerate(containers, 1)]


def _mode(model: Container) -> str:
    return str(model.get("InferenceExecutionConfig", {}).get("Mode", "Serial"))


def routing(model: Container) -> dict[str, Any]:
    """How requests find their way among the containers of a model; {} where there is nothing to choose.

    chain: their host names, where there are several. direct: whether the caller names one. models: the prefix of a
    multi-model container, with its cache setting and the role that reads it."""
    planned = plans(model)
    if len(planned) > 1:
        return {"chain": [each["host"] for each in planned], "direct": _mode(model) == "Direct"}
    if "multi" in planned[0]:
        only = planned[0]
        bucket, key = place(only["prefix"])
        return {
            "models": f"s3://{bucket}/{key}",
            "cached": only["multi"] == "Enabled",
            "role": model["ExecutionRoleArn"],
        }
    return {}
