"""Versions of a pipeline: each definition it has had, by number, and by alias where it was given one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.services.sagemaker.pipelines import names, pages
from skylab.wire.errors import AwsError, invalid

if TYPE_CHECKING:
    from skylab.shapes.sagemaker import *

NAMED = ("PipelineVersionDisplayName", "PipelineVersionDescription", "PipelineVersionAliases")
MOST_ALIASES = 10


class Versions:
    def list_pipeline_versions(self, call: Call, request: ListPipelineVersionsRequest) -> dict[str, Any]:
        with call.reading() as tx:
            pipeline = names.find_pipeline(tx, call, request["PipelineName"])
            prefix = f"{pipeline['PipelineName']}/"
            docs = list(tx.all(call.account, call.region, "sagemaker", names.VERSION, prefix))
        return pages.page(docs, request, "PipelineVersionSummaries", "PipelineVersionId", "PipelineArn")

    def update_pipeline_version(self, call: Call, request: UpdatePipelineVersionRequest) -> dict[str, Any]:
        changes = {member: request[member] for member in NAMED[:2] if member in request}  # type: ignore[literal-required]
        with call.writing() as tx:
            pipeline = names.find_pipeline(tx, call, request["PipelineArn"])
            version = names.find_version(tx, call, pipeline, request)
            given = request.get("PipelineVersionAliasOperations", {})
            added, removed = given.get("Add", []), given.get("Remove", [])
            if set(added) & set(removed):
                raise invalid("An alias cannot be both added and removed.")
            kept = [alias for alias in version.get("PipelineVersionAliases", []) if alias not in removed]
            new = [alias for alias in added if alias not in kept]
            _check(tx, call, pipeline, kept + new, new)
            version |= changes | {"PipelineVersionAliases": kept + new}
            tx.put(names.version_key(call, pipeline["PipelineName"], version["PipelineVersionId"]), version, call.now)
        return {"PipelineArn": pipeline["PipelineArn"], "PipelineVersionId": version["PipelineVersionId"]}


def create(tx: Transaction, call: Call, pipeline: dict[str, Any], text: str, aliases: list[str]) -> None:
    """The version that the pipeline's document says is its latest. Raises AwsError for aliases it cannot have."""
    _check(tx, call, pipeline, aliases, aliases)
    number = pipeline["_"]["version"]
    doc = {
        "PipelineArn": pipeline["PipelineArn"],
        "PipelineVersionId": number,
        "PipelineDefinition": text,
        "CreationTime": call.now,
    } | ({"PipelineVersionAliases": aliases} if aliases else {})
    tx.create(names.version_key(call, pipeline["PipelineName"], number), doc, call.now)


def _check(tx: Transaction, call: Call, pipeline: dict[str, Any], all: list[str], new: list[str]) -> None:
    if len(all) > MOST_ALIASES:
        raise invalid(f"A pipeline version can have up to {MOST_ALIASES} aliases.")
    for alias in new:
        if alias.isdigit():
            raise invalid(f"Alias '{alias}' consists of numbers only.")
        try:
            other = names.aliased(tx, call, pipeline["PipelineName"], alias)
        except AwsError:
            continue
        raise AwsError(
            "ConflictException", f"Alias '{alias}' is assigned to version {other['PipelineVersionId']} already."
        )
