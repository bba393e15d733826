"""Pipelines: made, changed, shown, listed, deleted. What they do is the executions' affair."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.services.sagemaker import people
from skylab.services.sagemaker.common import check_role, tags
from skylab.services.sagemaker.pipelines import names, pages, versions
from skylab.services.sagemaker.pipelines.language import definition
from skylab.wire.errors import AwsError, invalid

if TYPE_CHECKING:
    from skylab.shapes.sagemaker import *

LONGEST = 1048576  # of a definition, as the API limits it
KEPT = ("PipelineDisplayName", "PipelineDescription", "RoleArn", "ParallelismConfiguration")
UNDER_WAY = {"Executing", "Stopping"}


class Pipelines:
    def create_pipeline(self, call: Call, request: CreatePipelineRequest) -> dict[str, Any]:
        name, token = request["PipelineName"], request["ClientRequestToken"]
        with call.reading() as tx:
            if (before := names.repeated(tx, call, name, "create", token)) is not None:
                return before
        text = _definition(call, request)
        if text is None:
            raise invalid("Either PipelineDefinition or PipelineDefinitionS3Location must be specified.")
        definition.parse(text)
        check_role(call, request["RoleArn"])
        arn, who = names.pipeline_arn(call, name), people.context(call)
        doc = {member: request[member] for member in KEPT if member in request} | {  # type: ignore[literal-required]
            "PipelineName": name,
            "PipelineArn": arn,
            "PipelineStatus": "Active",
            "CreationTime": call.now,
            "LastModifiedTime": call.now,
            "CreatedBy": who,
            "LastModifiedBy": who,
            "_": {"tags": tags(request), "version": 1},
        }
        doc.setdefault("PipelineDisplayName", name)
        with call.writing() as tx:
            tx.create(call.key(names.PIPELINE, name), doc, call.now)
            versions.create(tx, call, doc, text, request.get("PipelineVersionAliases", []))
            return names.remember(tx, call, name, "create", token, {"PipelineArn": arn})

    def update_pipeline(self, call: Call, request: UpdatePipelineRequest) -> dict[str, Any]:
        """A changed definition is a new version."""
        text = _definition(call, request)
        if text is not None:
            definition.parse(text)
        if "RoleArn" in request:
            check_role(call, request["RoleArn"])
        with call.writing() as tx:
            doc = names.find_pipeline(tx, call, request["PipelineName"])
            latest = tx.get(names.version_key(call, doc["PipelineName"], doc["_"]["version"]))
            doc |= {member: request[member] for member in KEPT if member in request}  # type: ignore[literal-required]
            doc |= {"LastModifiedTime": call.now, "LastModifiedBy": people.context(call)}
            aliases = request.get("PipelineVersionAliases", [])
            if text is not None and text != latest["PipelineDefinition"]:
                doc["_"]["version"] += 1
                versions.create(tx, call, doc, text, aliases)
            elif aliases:
                raise invalid("PipelineVersionAliases can be specified only when the pipeline definition changes.")
            tx.put(call.key(names.PIPELINE, doc["PipelineName"]), doc, call.now)
        return {"PipelineArn": doc["PipelineArn"], "PipelineVersionId": doc["_"]["version"]}

    def describe_pipeline(self, call: Call, request: DescribePipelineRequest) -> dict[str, Any]:
        with call.reading() as tx:
            doc = names.find_pipeline(tx, call, request["PipelineName"])
            version = names.find_version(tx, call, doc, request)
        shown = ("PipelineDefinition", *versions.NAMED)
        return doc | {member: version[member] for member in shown if member in version}

    def list_pipelines(self, call: Call, request: ListPipelinesRequest) -> dict[str, Any]:
        """All of them are CUSTOMER's: there are none that AWS manages."""
        prefix = request.get("PipelineNamePrefix", "")
        with call.reading() as tx:
            docs = list(tx.all(call.account, call.region, "sagemaker", names.PIPELINE, prefix))
        if request.get("ManagedBy") == "AWS":
            docs = []
        shown = [doc | {"LastExecutionTime": doc["LastRunTime"]} if "LastRunTime" in doc else doc for doc in docs]
        column = "PipelineName" if request.get("SortBy") == "Name" else "CreationTime"
        return pages.page(shown, request, "PipelineSummaries", column, "PipelineName")

    def delete_pipeline(self, call: Call, request: DeletePipelineRequest) -> dict[str, Any]:
        """With its versions, its executions, and what is remembered of their steps; the jobs stay."""
        with call.writing() as tx:
            doc = names.find_pipeline(tx, call, request["PipelineName"])
            name = doc["PipelineName"]
            for run in tx.all(call.account, call.region, "sagemaker", names.EXECUTION, f"{name.lower()}/"):
                if run["PipelineExecutionStatus"] in UNDER_WAY:
                    raise AwsError(
                        "ConflictException",
                        f"Pipeline {doc['PipelineArn']} has running executions: {run['PipelineExecutionArn']}.",
                    )
            _forget(tx, call, name)
            tx.delete(call.key(names.PIPELINE, name))
        return {"PipelineArn": doc["PipelineArn"]}


def _forget(tx: Transaction, call: Call, name: str) -> None:
    of_executions = (names.EXECUTION, names.STEP, names.PROPERTIES)
    for type in (names.VERSION, names.CACHE, names.TOKEN, *of_executions):
        prefix = f"{name.lower() if type in of_executions else name}/"
        tx.db.execute(
            "delete from resource where (account, region, service, type) = (?, ?, ?, ?)"
            " and name >= ? and substr(name, 1, ?) = ?",
            (call.account, call.region, "sagemaker", type, prefix, len(prefix), prefix),
        )


def _definition(call: Call, request: Any) -> str | None:
    """As it was given, or as it lies in S3, where the caller may read it. Raises AwsError."""
    if (place := request.get("PipelineDefinitionS3Location")) is None:
        return request.get("PipelineDefinition")
    if "PipelineDefinition" in request:
        raise invalid("Only one of PipelineDefinition and PipelineDefinitionS3Location can be specified.")
    version = {"VersionId": place["VersionId"]} if "VersionId" in place else {}
    try:
        found = call.client("s3").get_object(Bucket=place["Bucket"], Key=place["ObjectKey"], **version)
        body: bytes = found["Body"].read(LONGEST + 1)
        if len(body) > LONGEST:
            raise invalid(f"The pipeline definition in S3 is larger than {LONGEST} bytes.")
        return body.decode()
    except ClientError as problem:
        uri = f"s3://{place['Bucket']}/{place['ObjectKey']}"
        raise invalid(f"Unable to read the pipeline definition at {uri}: {problem}") from None
    except UnicodeDecodeError:
        raise invalid("The pipeline definition in S3 is not UTF-8.") from None
