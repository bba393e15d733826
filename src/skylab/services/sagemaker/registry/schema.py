"""What a model card may say: AWS's JSON schema of it, and that of a package's own card, which has less.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-cards.html#model-cards-json-schema
https://docs.aws.amazon.com/sagemaker/latest/dg/model-registry-details.html
"""

from __future__ import annotations

import json
from functools import cache
from typing import Any

from skylab.wire.errors import invalid

Schema = dict[str, Any]
NUMBER: Schema = {"type": "number"}
KEPT = {  # what of a card is shown without its key
    "model_overview": ("model_id", "model_name"),
    "intended_uses": ("risk_rating",),
    "model_package_details": ("model_package_group_name", "model_package_arn"),
}


def text(most: int) -> Schema:
    return {"type": "string", "maxLength": most}


def some(*values: str) -> Schema:
    return {"type": "string", "enum": list(values)}


def many(item: Schema, most: int | None = None, least: int = 0) -> Schema:
    return {"type": "array", "items": item, "minItems": least} | ({"maxItems": most} if most else {})


def members(required: str = "", /, **found: Schema) -> Schema:
    """An object with these members and no other."""
    return {"type": "object", "additionalProperties": False, "required": required.split(), "properties": found}


def mapping(value: Schema) -> Schema:
    return {"type": "object", "additionalProperties": value}


NAMED = {"name": {"type": "string", "minLength": 1, "maxLength": 255}, "notes": text(1024)}
LOCATIONS = many(text(1024), 15)
AXIS, AXES = text(63), many(text(63))


def metric(kinds: str, value: Schema, x: Schema, y: Schema) -> Schema:
    return members("name type value", **NAMED, type=some(*kinds.split()), value=value, x_axis_name=x, y_axis_name=y)


METRICS = [
    metric("number string boolean", {"anyOf": [NUMBER, text(63), {"type": "boolean"}]}, AXIS, AXIS),
    metric("linear_graph", many(many(NUMBER, 2, 2), None, 1), AXIS, AXIS),
    metric("bar_chart", many(NUMBER, None, 1), AXES, AXIS),
    metric("matrix", many(many(NUMBER, 20, 1), 20, 1), AXES, AXES),
]
TRAINED = members("name value", **NAMED, value=NUMBER)
HYPERPARAMETER = members("name value", name=NAMED["name"], value=NAMED["name"])
PACKAGE_OVERVIEW = {"model_creator": text(1024), "model_artifact": LOCATIONS}
OVERVIEW = PACKAGE_OVERVIEW | {
    **{name: text(1024) for name in ("model_description", "model_id", "model_name", "model_owner", "problem_type")},
    "algorithm_type": text(1024),
    "model_version": NUMBER | {"minimum": 1},
    "inference_environment": members(container_image=LOCATIONS),
}
PACKAGE_DETAILS = members(
    model_package_description=text(1024),
    model_package_arn=text(1024),
    created_by=members(user_profile_name=text(63)),
    model_package_status=some("Pending", "InProgress", "Completed", "Failed", "Deleting"),
    model_approval_status=some("Approved", "Rejected", "PendingManualApproval"),
    approval_description=text(1024),
    model_package_group_name=text(63),
    model_package_name=text(63),
    model_package_version=NUMBER | {"minimum": 1},
    domain={"type": "string"},
    task={"type": "string"},
    source_algorithms=many(members("algorithm_name", algorithm_name=text(170), model_data_url=text(1024)), 1, 1),
    inference_specification=members(
        "containers",
        containers=many(
            members("image", model_data_url=text(1024), image=text(255), nearest_model_name={"type": "string"}), 15, 1
        ),
    ),
)
COMMON = {
    "intended_uses": members(
        **{name: text(2048) for name in ("purpose_of_model", "intended_uses", "factors_affecting_model_efficiency")},
        risk_rating=some("High", "Medium", "Low", "Unknown"),
        explanations_for_risk_rating=text(2048),
    ),
    "business_details": members(
        business_problem=text(2048), business_stakeholders=text(2048), line_of_business=text(2048)
    ),
    "training_details": members(
        objective_function=members(
            function=members(function=some("Maximize", "Minimize"), facet=text(63), condition=text(63)),
            notes=text(1024),
        ),
        training_observations=text(1024),
        training_job_details=members(
            training_arn=text(1024),
            training_datasets=LOCATIONS,
            training_environment=members(container_image=LOCATIONS),
            training_metrics=many(TRAINED, 50),
            user_provided_training_metrics=many(TRAINED, 50),
            hyper_parameters=many(HYPERPARAMETER, 100),
            user_provided_hyper_parameters=many(HYPERPARAMETER, 100),
        ),
    ),
    "evaluation_details": many(
        members(
            "name",
            name={"type": "string", "minLength": 1, "maxLength": 63},
            evaluation_observation=text(2096),
            evaluation_job_arn=text(256),
            datasets=many(text(1024), 10),
            metadata=mapping(text(1024)),
            metric_groups=many(members("name metric_data", name=NAMED["name"], metric_data=many({"anyOf": METRICS}))),
        )
    ),
    "additional_information": members(
        ethical_considerations=text(2048),
        caveats_and_recommendations=text(2048),
        custom_details=mapping(text(1024)),
    ),
}


@cache
def _validator(of_package: bool) -> Any:
    from jsonschema import Draft202012Validator  # here: few ever need it, and it takes a while to load

    overview = members(**(PACKAGE_OVERVIEW if of_package else OVERVIEW))
    details = {} if of_package else {"model_package_details": PACKAGE_DETAILS}
    return Draft202012Validator(members(model_overview=overview, **details, **COMMON))


def check_content(content: str, of_package: bool = False) -> dict[str, Any]:
    """The card. Raises AwsError."""
    try:
        card = json.loads(content)
    except (ValueError, RecursionError):
        raise invalid("Model card content is not valid JSON.") from None
    problem = next(_validator(of_package).iter_errors(card), None)
    if problem is not None:
        where = "/".join(map(str, problem.absolute_path))
        raise invalid(f"Model card content does not follow the model card JSON schema at #/{where}: {problem.message}")
    found: dict[str, Any] = card
    return found


def sanitized(card: dict[str, Any]) -> str:
    """A card's content without all that is secret where it has a key."""
    parts = {part: {m: card[part][m] for m in some if m in card[part]} for part, some in KEPT.items() if part in card}
    return json.dumps({part: found for part, found in parts.items() if found})
