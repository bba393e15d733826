"""What the operations of tracking need."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from skylab.services.access import Entry, Need, Parameters, Source
from skylab.services.call import Call
from skylab.services.sagemaker.needs import listing
from skylab.services.sagemaker.tracking import entities
from skylab.services.sagemaker.tracking.artifacts import identity
from skylab.services.sagemaker.tracking.entities import ACTION, ARTIFACT, COMPONENT, CONTEXT, EXPERIMENT, TRIAL

ARN = Callable[[Call, Parameters], Any]


def _named(type: str, member: str) -> ARN:
    return lambda call, parameters: entities.arn(entities.key(call, type, parameters[member]))


def _source(call: Call, parameters: Parameters) -> str:
    """An artifact's ARN is made of its source."""
    if "ArtifactArn" in parameters:
        return str(parameters["ArtifactArn"])
    if "Source" not in parameters:  # which the operation will refuse
        return call.arn(f"{ARTIFACT}/*")
    return entities.arn(call.key(ARTIFACT, identity(parameters["Source"])))


def _ends(call: Call, parameters: Parameters) -> list[str]:
    return [parameters["SourceArn"], parameters["DestinationArn"]]


def _tracked(type: str, member: str = "") -> dict[str, Entry]:
    """Create, Describe, Update, Delete and List of one kind."""
    word = entities.WORDS[type]
    on = _named(type, member or f"{word}Name")
    tagging: dict[str, Source] = {"sagemaker:TaggingAction": lambda call, parameters: f"Create{word}"}
    made = _source if type == ARTIFACT else on
    return {
        f"Create{word}": (
            Need(f"sagemaker:Create{word}", made, tags="Tags"),
            Need("sagemaker:AddTags", made, tagging, tags="Tags", when="Tags"),
        ),
        f"Describe{word}": (Need(f"sagemaker:Describe{word}", on),),
        f"Update{word}": (Need(f"sagemaker:Update{word}", on),),
        f"Delete{word}": (Need(f"sagemaker:Delete{word}", made),),
        f"List{word}s": listing(f"List{word}s"),
    }


def _both(operation: str) -> Entry:
    action = f"sagemaker:{operation}"
    return (Need(action, _named(TRIAL, "TrialName")), Need(action, _named(COMPONENT, "TrialComponentName")))


def _conditions(call: Call, parameters: Parameters) -> dict[str, str]:
    """A policy may ask for a condition by its key, or by its key and how it is compared, as AWS's examples do."""
    given = {each["Key"]: each["Value"] for each in parameters.get("VisibilityConditions", [])}
    return given | {f"{key}/EqualsIfExists": value for key, value in given.items()}


ACCESS: dict[str, Entry] = {
    **_tracked(EXPERIMENT),
    **_tracked(TRIAL),
    **_tracked(COMPONENT),
    **_tracked(ARTIFACT, "ArtifactArn"),
    **_tracked(ACTION),
    **_tracked(CONTEXT),
    "AssociateTrialComponent": _both("AssociateTrialComponent"),
    "DisassociateTrialComponent": _both("DisassociateTrialComponent"),
    "AddAssociation": (Need("sagemaker:AddAssociation", _ends),),
    "DeleteAssociation": (Need("sagemaker:DeleteAssociation", _ends),),
    "ListAssociations": listing("ListAssociations"),
    "QueryLineage": listing("QueryLineage"),
    "ListLineageGroups": listing("ListLineageGroups"),
    "DescribeLineageGroup": listing("DescribeLineageGroup"),
    "Search": (Need("sagemaker:Search", keys={"sagemaker:SearchVisibilityCondition/": _conditions}),),
    "GetSearchSuggestions": listing("GetSearchSuggestions"),
}
