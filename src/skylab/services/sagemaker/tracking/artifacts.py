"""Artifacts: what has a URI, such as a data set, an image or a model. The URI and its source types make its ARN."""

from __future__ import annotations

import json
from collections.abc import Mapping
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from skylab.services.call import Call
from skylab.services.sagemaker import common, people
from skylab.services.sagemaker.tracking import edges, entities, groups
from skylab.services.sagemaker.tracking.entities import ARTIFACT
from skylab.services.sagemaker.tracking.experiments import answer
from skylab.wire.errors import invalid

if TYPE_CHECKING:
    from skylab.shapes.sagemaker import *


class Artifacts:
    def create_artifact(self, call: Call, request: CreateArtifactRequest) -> dict[str, Any]:
        place = call.key(ARTIFACT, identity(request["Source"]))
        doc = {member: value for member, value in request.items() if member != "Tags"} | people.created(call)
        doc |= people.modified(call) | {"ArtifactArn": entities.arn(place), "_": {"tags": common.tags(request)}}
        with call.writing() as tx:
            if tx.find(place) is not None:
                uri = request["Source"]["SourceUri"]
                raise invalid(f"An artifact of the source {uri} already exists ({entities.arn(place)}).")
            tx.create(place, doc | {"LineageGroupArn": groups.default(tx, call)}, call.now)
        return answer(place)

    def describe_artifact(self, call: Call, request: DescribeArtifactRequest) -> dict[str, Any]:
        return entities.described(call, ARTIFACT, request["ArtifactArn"])

    def update_artifact(self, call: Call, request: UpdateArtifactRequest) -> dict[str, Any]:
        place = entities.key(call, ARTIFACT, request["ArtifactArn"])
        with call.writing() as tx:
            changes: dict[str, Any] = {name: request[name] for name in ("ArtifactName",) if name in request}
            entities.update(tx, call, place, changes | entities.merged(entities.find(tx, place), request, "Properties"))
        return answer(place)

    def delete_artifact(self, call: Call, request: DeleteArtifactRequest) -> dict[str, Any]:
        if ("ArtifactArn" in request) == ("Source" in request):
            raise invalid("Either ArtifactArn or Source must be specified.")
        place = entities.key(call, ARTIFACT, request.get("ArtifactArn") or identity(request["Source"]))
        with call.writing() as tx:
            entities.find(tx, place)
            edges.forget(tx, place)
            tx.delete(place)
        return answer(place)

    def list_artifacts(self, call: Call, request: ListArtifactsRequest) -> dict[str, Any]:
        with call.reading() as tx:
            found = (doc for doc in entities.every(tx, call, ARTIFACT) if wanted(doc, request, "ArtifactType"))
            return entities.listed(call, request, found, "ArtifactSummaries", "ArtifactArn")


def identity(source: Mapping[str, Any]) -> str:
    """The last part of the ARN: HashOfArtifactSource."""
    types = sorted((each["SourceIdType"], each["Value"]) for each in source.get("SourceTypes", []))
    return sha256(json.dumps([source["SourceUri"], types]).encode()).hexdigest()[:32]


def wanted(doc: Mapping[str, Any], request: Mapping[str, Any], type: str) -> bool:
    """What is asked of the source and the kind, of artifacts, actions and contexts alike."""
    return request.get("SourceUri") in (None, doc["Source"]["SourceUri"]) and request.get(type) in (None, doc[type])
