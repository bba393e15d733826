"""Pipelines as tests draw them: definitions in AWS's language, without the SDK."""

import json
import uuid

from services.sagemaker.acted import ROLE, request


def training(name="Train", after=(), arguments=None, **members):
    """A step that trains; members beside Name, Type and Arguments."""
    given = request() | (arguments or {})
    given.pop("TrainingJobName")
    depends = {"DependsOn": list(after)} if after else {}
    return {"Name": name, "Type": "Training", "Arguments": given} | depends | members


def condition(name="Cond", *conditions, then=(), otherwise=(), **members):
    given = list(conditions) or [{"Type": "Equals", "LeftValue": 1, "RightValue": 1}]
    arguments = {"Conditions": given, "IfSteps": list(then), "ElseSteps": list(otherwise)}
    return {"Name": name, "Type": "Condition", "Arguments": arguments} | members


def fail(name="Fail", message="it failed", **members):
    return {"Name": name, "Type": "Fail", "Arguments": {"ErrorMessage": message}} | members


def get(path):
    return {"Get": path}


def join(*values, on=""):
    return {"Std:Join": {"On": on, "Values": list(values)}}


def parameter(name, type="String", **members):
    return {"Name": name, "Type": type} | members


def definition(*steps, parameters=(), **members):
    given = {"Version": "2020-12-01", "Metadata": {}, "Parameters": list(parameters), "Steps": list(steps)}
    return json.dumps(given | members)


def create(sagemaker, *steps, name="p", parameters=(), **members):
    """The pipeline's ARN."""
    text = definition(*steps, parameters=parameters)
    made = sagemaker.create_pipeline(PipelineName=name, PipelineDefinition=text, RoleArn=ROLE, **members)
    return made["PipelineArn"]


def start(sagemaker, name="p", parameters=None, **members):
    """The execution's ARN."""
    given = [{"Name": key, "Value": value} for key, value in (parameters or {}).items()]
    started = sagemaker.start_pipeline_execution(PipelineName=name, PipelineParameters=given, **members)
    return started["PipelineExecutionArn"]


def described(sagemaker, execution):
    return sagemaker.describe_pipeline_execution(PipelineExecutionArn=execution)


def status(sagemaker, execution):
    return described(sagemaker, execution)["PipelineExecutionStatus"]


def listed(sagemaker, execution):
    """The steps by name."""
    found = sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=execution)["PipelineExecutionSteps"]
    return {step["StepName"]: step for step in found}


def statuses(sagemaker, execution):
    return {name: step["StepStatus"] for name, step in listed(sagemaker, execution).items()}


def job(sagemaker, execution, step="Train"):
    """The name of the training job of a step."""
    arn = listed(sagemaker, execution)[step]["Metadata"]["TrainingJob"]["Arn"]
    made = sagemaker.list_training_jobs(MaxResults=100)["TrainingJobSummaries"]
    return next(each["TrainingJobName"] for each in made if each["TrainingJobArn"] == arn)


def token():
    return str(uuid.uuid4())
