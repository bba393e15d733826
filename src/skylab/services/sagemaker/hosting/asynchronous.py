"""Asynchronous endpoints, as far as their configuration goes; their requests are SageMaker Runtime's.

https://docs.aws.amazon.com/sagemaker/latest/dg/async-inference-create-endpoint.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from skylab.services.sagemaker.hosting import containers
from skylab.wire.errors import invalid

LARGEST = 1 << 30  # bytes of a request


def check(config: Mapping[str, Any], variants: Sequence[Mapping[str, Any]]) -> None:
    """Raises AwsError for what an asynchronous endpoint cannot be, or cannot be here."""
    if not (given := config.get("AsyncInferenceConfig")):
        return
    output = given["OutputConfig"]
    if output.get("NotificationConfig"):
        raise invalid("AsyncInferenceConfig: NotificationConfig is not offered yet: there are no SNS topics here.")
    if not output.get("S3OutputPath"):
        raise invalid("AsyncInferenceConfig: OutputConfig must have an S3OutputPath.")
    if any("ServerlessConfig" in variant for variant in variants):
        raise invalid("AsyncInferenceConfig cannot be given with ServerlessConfig.")
    if len(variants) > 1:
        raise invalid("AsyncInferenceConfig can be given for a single production variant only.")


def fits(config: Mapping[str, Any], model: Mapping[str, Any]) -> None:
    """Raises AwsError for a model that an asynchronous endpoint cannot serve here."""
    if config.get("AsyncInferenceConfig") and containers.routing(model):
        raise invalid("AsyncInferenceConfig with several containers or Mode MultiModel is not offered.")


def routing(config: Mapping[str, Any], model: Mapping[str, Any]) -> dict[str, Any]:
    """The model's role reads requests and writes answers."""
    given = config.get("AsyncInferenceConfig")
    return {"async": given, "role": model.get("ExecutionRoleArn", "")} if given else {}


def shown(variants: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What Describe shows of an endpoint whose variants were planned so."""
    given = variants[0]["routing"].get("async")
    return {"AsyncInferenceConfig": given} if given else {}


def environment(variant: Mapping[str, Any]) -> dict[str, str]:
    """What the server of our images is told, which else takes what batch transform sends at most."""
    return {"MAX_CONTENT_LENGTH": str(LARGEST)} if "async" in variant.get("routing", {}) else {}
