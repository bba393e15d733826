"""What a definition may say: refused at creation, in SageMaker's words where they are known."""

import json

import pytest
from botocore.exceptions import ClientError
from services.sagemaker.acted import ROLE
from services.sagemaker.drawn import condition, create, definition, fail, get, join, parameter, training

HEAD = "Unable to parse pipeline definition. "


def refused(sagemaker, text):
    with pytest.raises(ClientError) as caught:
        sagemaker.create_pipeline(PipelineName="p", PipelineDefinition=text, RoleArn=ROLE)
    assert caught.value.response["Error"]["Code"] == "ValidationException"
    return caught.value.response["Error"]["Message"]


def without(name, *members):
    step = training(name)
    for member in members:
        del step["Arguments"][member]
    return step


BROKEN = {
    "not JSON": ("{", "Invalid Json."),
    "no object": ("[]", "Expecting start of Json Object."),
    "another version": (definition(fail(), Version="2021-01-01"), "Unknown version [2021-01-01]"),
    "an unknown part": (definition(fail(), Extra=1), "Unknown Definition member 'Extra'."),
    "MLflow": (definition(fail(), MlflowConfig={"MlflowResourceArn": "a"}), "MlflowConfig is not offered yet."),
    "no steps": (definition(), "A pipeline has at least one step."),
    "an unknown type": (definition({"Name": "A", "Type": "Magic"}), "Unknown step type [Magic] of step [A]."),
    "a name twice": (definition(fail("A"), fail("A")), "Duplicate step names: [A]."),
    "a name twice, in a branch": (definition(fail("A"), condition(then=[fail("A")])), "Duplicate step names: [A]."),
    "a bad name": (definition(fail("a b")), "Invalid step name [a b]."),
    "an unknown member": (definition(fail(CacheConfig={})), "Unknown Step member 'CacheConfig' of step [Fail]"),
    "a cycle": (definition(fail("A", DependsOn=["B"]), fail("B", DependsOn=["A"])), "Cycle detected between steps"),
    "a cycle by reference": (
        definition(training("A", arguments={"Environment": {"x": get("Steps.A.TrainingJobName")}})),
        "Cycle detected between steps [A, A].",
    ),
    "an unknown dependency": (definition(fail("A", DependsOn=["Z"])), "Step [A] depends on undefined step [Z]."),
    "an unknown trigger": (
        definition(fail("A"), fail("B", DependsOn=[{"Step": "A", "Trigger": "Sometimes"}])),
        "Invalid DependsOn",
    ),
    "an unknown parameter": (definition(fail(message=get("Parameters.z"))), "Undefined parameter [z]."),
    "an unknown step": (definition(fail(message=get("Steps.Z.Name"))), "Undefined step [Z]."),
    "an unknown variable": (definition(fail(message=get("Execution.Z"))), "Unknown execution variable [Z]."),
    "no path": (definition(fail(message=get("Nothing"))), "Invalid property reference [Nothing]."),
    "a broken path": (definition(fail(message=get("Steps.A['x"))), "Invalid property reference"),
    "an unknown property": (
        definition(training("A"), fail(message=get("Steps.A.ModelArtifacts.Wrong"))),
        "Invalid property reference [Steps.A.ModelArtifacts.Wrong]: a Training step has no such property.",
    ),
    "a condition's other property": (
        definition(condition("A"), fail(message=get("Steps.A.Result"))),
        "a Condition step has no such property.",
    ),
    "no list": (
        definition(training(arguments={"InputDataConfig": get("Parameters.x")})),
        "Expecting start of Json Array.",
    ),
    "no object in an argument": (
        definition(training(arguments={"ResourceConfig": "big"})),
        "Expecting start of Json Object.",
    ),
    "an unknown argument": (definition(training(arguments={"Wish": 1})), "Unknown Argument member 'Wish'."),
    "a lacking argument": (definition(without("A", "RoleArn")), "Missing required field: [RoleArn]."),
    "a number that is none": (
        definition(training(arguments={"StoppingCondition": {"MaxRuntimeInSeconds": "long"}})),
        "Value 'long' for 'MaxRuntimeInSeconds' is not of type integer",
    ),
    "a value of no enum": (
        definition(training(arguments={"ResourceConfig": {"InstanceType": "huge", "InstanceCount": 1}})),
        "Model Validation failed:\nValue 'huge' for 'TrainingInstanceType' failed to satisfy enum value set: [",
    ),
    "a list for a text": (definition(training(arguments={"RoleArn": ["r"]})), "a function for 'RoleArn'"),
    "an unknown condition": (definition(condition("C", {"Type": "Like"})), "Unknown condition type [Like]."),
    "half a condition": (
        definition(condition("C", {"Type": "Equals", "LeftValue": 1})),
        "Condition [Equals] has no [RightValue].",
    ),
    "a list compared": (
        definition(condition("C", {"Type": "Equals", "LeftValue": 1, "RightValue": []})),
        "compares primitives",
    ),
    "no conditions": (
        definition({"Name": "C", "Type": "Condition", "Arguments": {"Conditions": []}}),
        "at least one condition",
    ),
    "a bad join": (definition(fail(message={"Std:Join": {"On": ","}})), "Std:Join: Expecting start of Json Array."),
    "JsonGet of nothing": (
        definition(fail(message={"Std:JsonGet": {"Path": "a"}})),
        "exactly one of PropertyFile and S3Uri",
    ),
    "JsonGet of no property file": (
        definition(
            training("A"), fail(message={"Std:JsonGet": {"PropertyFile": get("Steps.A.PropertyFiles.F"), "Path": "a"}})
        ),
        "Property file [F] is not defined in step [A].",
    ),
    "JsonGet by a broken path": (
        definition(fail(message={"Std:JsonGet": {"S3Uri": "s3://b/k", "Path": "a['b"}})),
        "Std:JsonGet: invalid path [a['b].",
    ),
    "no duration": (
        definition(training(CacheConfig={"Enabled": True, "ExpireAfter": "soon"})),
        "ExpireAfter [soon] is not an ISO 8601 duration.",
    ),
    "an unknown exception": (
        definition(training(RetryPolicies=[{"ExceptionType": ["Step.SAD"], "MaxAttempts": 1}])),
        "Unknown exception type [Step.SAD]",
    ),
    "attempts and minutes": (
        definition(
            training(RetryPolicies=[{"ExceptionType": ["Step.THROTTLING"], "MaxAttempts": 1, "ExpireAfterMin": 1}])
        ),
        "exactly one of MaxAttempts and ExpireAfterMin",
    ),
    "too many attempts": (
        definition(training(RetryPolicies=[{"ExceptionType": ["Step.THROTTLING"], "MaxAttempts": 21}])),
        "Invalid MaxAttempts [21]",
    ),
    "a parameter twice": (
        definition(fail(), parameters=[parameter("a"), parameter("a")]),
        "Duplicate parameter names: [a].",
    ),
    "a parameter of no type": (definition(fail(), parameters=[parameter("a", "Date")]), "Unknown type [Date]"),
    "a default of another type": (
        definition(fail(), parameters=[parameter("a", "Integer", DefaultValue="1")]),
        "Parameter [a] is of type [Integer], its value [1] is not.",
    ),
    "a truth for a number": (
        definition(fail(), parameters=[parameter("a", "Integer", DefaultValue=True)]),
        "Parameter [a] is of type [Integer]",
    ),
    "a default of no enum": (
        definition(fail(), parameters=[parameter("a", DefaultValue="x", EnumValues=["y"])]),
        "is not one of its enum values",
    ),
    "an experiment of a step": (
        definition(training("A"), PipelineExperimentConfig={"ExperimentName": get("Steps.A.TrainingJobName")}),
        "PipelineExperimentConfig cannot refer to steps.",
    ),
}


def test_what_is_wrong_is_said_at_creation(sagemaker):
    said = {what: (refused(sagemaker, text), why) for what, (text, why) in BROKEN.items()}
    assert not {
        what: words for what, words in said.items() if not words[0].startswith(HEAD) or words[1] not in words[0]
    }


def test_a_definition_that_is_nested_without_end_is_refused(sagemaker):
    assert "nested too deeply" in refused(sagemaker, '{"Steps":' + "[" * 500 + "]" * 500 + "}")


def test_steps_of_services_that_are_not_there_are_refused_by_name(sagemaker):
    for type in ("EMR", "AutoML", "QualityCheck", "ClarifyCheck", "Callback", "Lambda", "ForEach", "Endpoint"):
        text = definition({"Name": "A", "Type": type, "Arguments": {}})
        assert refused(sagemaker, text) == f"{HEAD}Step [A]: steps of type [{type}] are not offered yet."


def test_functions_as_steps_are_refused_by_name(sagemaker):
    """As the SDK's @step writes them."""
    driver = "/opt/ml/input/data/sagemaker_remote_function_bootstrap/job_driver.sh"
    algorithm = training()["Arguments"]["AlgorithmSpecification"] | {"ContainerEntrypoint": ["/bin/bash", driver]}
    text = definition(training("one", arguments={"AlgorithmSpecification": algorithm}))
    assert refused(sagemaker, text) == f"{HEAD}Step [one]: functions as steps (@step) are not offered yet."


def test_nulls_are_as_if_they_were_not_there_and_the_text_is_kept(sagemaker):
    step = training(DependsOn=None, CacheConfig=None, arguments={"Environment": None, "VpcConfig": None})
    text = json.dumps(json.loads(definition(step, PipelineExperimentConfig=None, MlflowConfig=None)), indent=3)
    sagemaker.create_pipeline(PipelineName="p", PipelineDefinition=text, RoleArn=ROLE)
    assert sagemaker.describe_pipeline(PipelineName="p")["PipelineDefinition"] == text


def test_a_definition_may_lie_in_s3(sagemaker, s3):
    text = definition(fail())
    s3.put_object(Bucket="sagemaker-data", Key="definition.json", Body=text)
    place = {"Bucket": "sagemaker-data", "ObjectKey": "definition.json"}
    sagemaker.create_pipeline(PipelineName="p", PipelineDefinitionS3Location=place, RoleArn=ROLE)
    assert sagemaker.describe_pipeline(PipelineName="p")["PipelineDefinition"] == text

    with pytest.raises(ClientError, match="Unable to read the pipeline definition"):
        sagemaker.create_pipeline(
            PipelineName="q", PipelineDefinitionS3Location=place | {"ObjectKey": "z"}, RoleArn=ROLE
        )
    with pytest.raises(ClientError, match="Either PipelineDefinition or"):
        sagemaker.create_pipeline(PipelineName="q", RoleArn=ROLE)


def test_every_expression_may_stand_in_the_arguments_of_a_step(sagemaker):
    create(
        sagemaker,
        training("A"),
        training(
            "B",
            arguments={
                "ResourceConfig": {"InstanceType": get("Parameters.type"), "InstanceCount": get("Parameters.count")},
                "Environment": {"a": join("s3:/", get("Steps.A.OutputDataConfig.S3OutputPath"), 1, 0.5, True, on="/")},
            },
        ),
        parameters=[parameter("type"), parameter("count", "Integer", DefaultValue=1)],
    )
