"""Whatever stands where something else is expected, a definition is read or refused: never a bug of ours."""

import copy
import json
import random

import pytest
from services.sagemaker.drawn import condition, definition, fail, get, join, parameter, training
from services.sagemaker.pipelines.test_chains import FILE, REPORTED, processing

from skylab.services.sagemaker.pipelines.language import definition as language
from skylab.wire.errors import AwsError

JUNK = [
    None, [], {}, "", 0, 1.5, True, "x", ["x"], [[]], [{}], -1, 1e400, 10**400, "Steps.A.B",
    get("Steps.A"), get([]), get("Steps."), get("Steps.A['"), get("Steps.C.Outcome.x"), {"Std:Join": []},
    {"Std:JsonGet": {"Path": 1}}, {"Std:JsonGet": {"S3Uri": [], "Path": "a"}},
]  # fmt: skip
ROUNDS = 400


def whole():
    isin = {"Type": "In", "QueryValue": get("Parameters.a"), "Values": [1]}
    equals = {"Type": "Equals", "LeftValue": REPORTED, "RightValue": 2}
    cache = {"Enabled": True, "ExpireAfter": "P1D"}
    retries = [{"ExceptionType": ["Step.THROTTLING"], "MaxAttempts": 2}]
    choice = {"Type": "Or", "Conditions": [isin, {"Type": "Not", "Condition": equals}]}
    after = [{"Step": "A", "Trigger": "Any"}]
    text = definition(
        training("A", CacheConfig=cache, RetryPolicies=retries),
        processing(files=[FILE]),
        condition("C", choice, then=[fail("F", join("a", get("Execution.PipelineName")))], otherwise=[fail("G")]),
        fail("H", DependsOn=after, DisplayName="h", Description="d"),
        parameters=[parameter("a", "Integer", DefaultValue=1, EnumValues=[1, 2])],
        PipelineExperimentConfig={"ExperimentName": get("Execution.PipelineName"), "TrialName": "t"},
    )
    return json.loads(text)


def places(value, path=()):
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield from places(item, (*path, key))


@pytest.mark.parametrize("seed", [1, 2])
def test_a_definition_with_anything_anywhere_is_read_or_refused(seed):
    chance, base = random.Random(seed), whole()
    language.parse(json.dumps(base))
    everywhere = list(places(base))
    for _ in range(ROUNDS):
        given = copy.deepcopy(base)
        *way, last = chance.choice(everywhere)
        inner = given
        for key in way:
            inner = inner[key]
        inner[last] = copy.deepcopy(chance.choice(JUNK))
        try:
            language.parse(json.dumps(given))
        except AwsError as refused:
            assert refused.code == "ValidationException"
