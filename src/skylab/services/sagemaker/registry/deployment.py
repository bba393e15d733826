"""Models made of model packages: the containers of an approved version in place of its name.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-deploy.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from skylab.services.access import Need
from skylab.services.call import Call
from skylab.services.sagemaker.registry import approval, names
from skylab.services.sagemaker.registry.names import PACKAGE
from skylab.wire.errors import invalid

OWN = ("Image", "ModelDataUrl", "ModelDataSource", "ContainerHostname", "Environment", "AdditionalModelDataSources")


def with_packages(call: Call, model: Mapping[str, Any]) -> dict[str, Any]:
    """The request of CreateModel, with what its packages say in their places. Raises AwsError."""
    given = [model["PrimaryContainer"]] if model.get("PrimaryContainer") else list(model.get("Containers", []))
    if not any("ModelPackageName" in container for container in given):
        return dict(model)
    containers = [made for container in given for made in _containers(call, container)]
    if "PrimaryContainer" in model and len(containers) == 1:
        return dict(model) | {"PrimaryContainer": containers[0]}
    rest = {member: value for member, value in model.items() if member != "PrimaryContainer"}
    return rest | {"Containers": containers}


def _containers(call: Call, container: dict[str, Any]) -> list[dict[str, Any]]:
    if "ModelPackageName" not in container:
        return [container]
    if "Image" in container or "ModelDataUrl" in container:
        raise invalid("A container cannot have both a ModelPackageName and an Image or ModelDataUrl.")
    with call.reading() as tx:
        key, package = names.find(tx, call, PACKAGE, container["ModelPackageName"])
    if key.account != call.account:  # its owner's policy must say so
        call.demand(Need("sagemaker:CreateModel", names.arn(key)), {})
    approval.deployable(package)
    found = _specification(package, container.get("InferenceSpecificationName"))["Containers"]
    return [_merged(container, each) for each in found]


def _specification(package: dict[str, Any], name: str | None) -> dict[str, Any]:
    if name is None:
        if "InferenceSpecification" not in package:
            raise invalid(f"Model package {package['ModelPackageArn']} has no inference specification.")
        own: dict[str, Any] = package["InferenceSpecification"]
        return own
    for each in package.get("AdditionalInferenceSpecifications", []):
        if each["Name"] == name:
            found: dict[str, Any] = each
            return found
    raise invalid(f"Model package {package['ModelPackageArn']} has no inference specification named {name}.")


def _merged(given: dict[str, Any], packaged: dict[str, Any]) -> dict[str, Any]:
    """The environment of the request goes before the package's, name by name."""
    made = {member: packaged[member] for member in OWN if member in packaged} | given
    environment = packaged.get("Environment", {}) | given.get("Environment", {})
    return made | ({"Environment": environment} if environment else {})
