"""The names of pipelines, versions, executions and steps: their keys, their ARNs, and how they are found by either.

pipeline             the pipeline's name, as it was given
pipeline-version     <name>/<number>           the definition; an execution keeps only the number
pipeline-execution   <name in small letters>/<id>, as its ARN has them
pipeline-step        <execution>/<step>        what ListPipelineExecutionSteps shows
pipeline-properties  <execution>/<step>        what other steps may refer to
pipeline-cache       <name>/<step>/<signature> the last run of a step with these arguments
pipeline-token       <name>/<operation>/<ClientRequestToken>
pipeline-callback    <token>                   the step that waits for it
"""

import re
from typing import Any

from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.wire.errors import AwsError

PIPELINE, VERSION, EXECUTION, STEP = "pipeline", "pipeline-version", "pipeline-execution", "pipeline-step"
PROPERTIES, CACHE, TOKEN, CALLBACK = "pipeline-properties", "pipeline-cache", "pipeline-token", "pipeline-callback"
EXECUTION_ARN = re.compile(r"arn:aws:sagemaker:[^:]*:[^:]*:pipeline/([^/]+)/execution/([^/]+)")


def missing(name: str) -> AwsError:
    return AwsError("ResourceNotFound", f"Pipeline '{name}' does not exist.")


def pipeline_arn(call: Call, name: str) -> str:
    return call.arn(f"pipeline/{name.lower()}")


def find_pipeline(tx: Transaction, call: Call, name: str) -> dict[str, Any]:
    """By name or ARN, which is in small letters. Raises AwsError."""
    short = name.removeprefix(call.arn("pipeline/"))
    if (doc := tx.find(call.key(PIPELINE, short))) is not None:
        return doc
    for doc in tx.all(call.account, call.region, "sagemaker", PIPELINE) if short != name else ():
        if doc["PipelineName"].lower() == short:
            return doc
    raise missing(name if short != name else pipeline_arn(call, name))


def version_key(call: Call, pipeline: str, number: int) -> Key:
    return call.key(VERSION, f"{pipeline}/{number:09d}")


def find_version(tx: Transaction, call: Call, pipeline: dict[str, Any], request: Any) -> dict[str, Any]:
    """The one that PipelineVersionId or PipelineVersionAlias names, or the latest. Raises AwsError."""
    number, alias = request.get("PipelineVersionId"), request.get("PipelineVersionAlias")
    if number is not None and alias is not None:
        raise AwsError(
            "ValidationException", "Only one of PipelineVersionId and PipelineVersionAlias can be specified."
        )
    if alias is not None:
        return aliased(tx, call, pipeline["PipelineName"], alias)
    key = version_key(call, pipeline["PipelineName"], number or pipeline["_"]["version"])
    if (doc := tx.find(key)) is None:
        raise AwsError(
            "ResourceNotFound", f"Pipeline version {number} of pipeline '{pipeline['PipelineArn']}' does not exist."
        )
    return doc


def aliased(tx: Transaction, call: Call, pipeline: str, alias: str) -> dict[str, Any]:
    for doc in tx.all(call.account, call.region, "sagemaker", VERSION, f"{pipeline}/"):
        if alias in doc.get("PipelineVersionAliases", []):
            return doc
    raise AwsError("ResourceNotFound", f"No version of pipeline '{pipeline}' has the alias '{alias}'.")


def execution_arn(call: Call, pipeline: str, id: str) -> str:
    return f"{pipeline_arn(call, pipeline)}/execution/{id}"


def execution_name(arn: str) -> str:
    """The name of its key. Raises AwsError for what is not an execution's ARN."""
    if (found := EXECUTION_ARN.fullmatch(arn)) is None:
        raise no_execution(arn)
    return f"{found[1].lower()}/{found[2]}"


def no_execution(arn: str) -> AwsError:
    return AwsError("ResourceNotFound", f"Pipeline execution '{arn}' does not exist.")


def find_execution(tx: Transaction, call: Call, arn: str) -> tuple[Key, dict[str, Any]]:
    """Raises AwsError."""
    key = call.key(EXECUTION, execution_name(arn))
    if not arn.startswith(call.arn("pipeline/")) or (doc := tx.find(key)) is None:
        raise no_execution(arn)
    return key, doc


def beside(execution: Key, type: str, step: str) -> Key:
    """The key of what belongs to a step of an execution."""
    return execution._replace(type=type, name=f"{execution.name}/{step}")


def repeated(tx: Transaction, call: Call, pipeline: str, operation: str, token: str) -> dict[str, Any] | None:
    """What the operation answered to this ClientRequestToken before."""
    return tx.find(call.key(TOKEN, f"{pipeline}/{operation}/{token}"))


def remember(
    tx: Transaction, call: Call, pipeline: str, operation: str, token: str, answer: dict[str, Any]
) -> dict[str, Any]:
    tx.create(call.key(TOKEN, f"{pipeline}/{operation}/{token}"), answer, call.now)
    return answer
