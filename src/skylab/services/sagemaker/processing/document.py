"""What Describe shows of a processing job that was just made: the request, the service's defaults, and no mistakes."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from skylab.services.call import Call
from skylab.services.sagemaker import records
from skylab.services.sagemaker.jobs.custom import puller
from skylab.services.sagemaker.jobs.runtimes import resolve
from skylab.wire.errors import invalid

DAY = 86400
INPUTS = "/opt/ml/processing/"


def document(call: Call, request: Any) -> dict[str, Any]:
    """Raises AwsError."""
    application = request["AppSpecification"]
    runtime = resolve(application["ImageUri"], puller(lambda: call.assume("ecr", request["RoleArn"])))
    if not (runtime.process or application.get("ContainerEntrypoint")):
        raise invalid(f"ContainerEntrypoint is required: {application['ImageUri']} has no program of its own.")
    outputs = request.get("ProcessingOutputConfig", {"Outputs": []})
    doc = {
        **{member: value for member, value in request.items() if member != "Tags"},
        "ProcessingInputs": [_input(given) for given in request.get("ProcessingInputs", [])],
        "ProcessingOutputConfig": outputs | {"Outputs": [_output(given) for given in outputs["Outputs"]]},
        "ProcessingResources": {"ClusterConfig": _cluster(request["ProcessingResources"]["ClusterConfig"])},
        "StoppingCondition": request.get("StoppingCondition") or {"MaxRuntimeInSeconds": DAY},
    }
    _unique("input", [given["InputName"] for given in doc["ProcessingInputs"]])
    _unique("output", [given["OutputName"] for given in doc["ProcessingOutputConfig"]["Outputs"]])
    return doc


def uris(doc: dict[str, Any]) -> Iterator[str]:
    """Of everything in S3 that we read or write."""
    for given in doc["ProcessingInputs"]:
        if not given["AppManaged"]:
            yield given["S3Input"]["S3Uri"]
    for given in doc["ProcessingOutputConfig"]["Outputs"]:
        if not given["AppManaged"]:
            yield given["S3Output"]["S3Uri"]


def _cluster(given: dict[str, Any]) -> dict[str, Any]:
    records.refuse(given, ("InstancePreferences", "SelectedInstanceType", "SelectedInstanceCount"))
    if "InstanceType" not in given:
        raise invalid("ProcessingResources.ClusterConfig.InstanceType is required.")
    return {"InstanceCount": 1} | given


def _input(given: dict[str, Any]) -> dict[str, Any]:
    name, source = given["InputName"], given.get("S3Input")
    if "DatasetDefinition" in given:
        raise invalid(f"Input {name}: DatasetDefinition is not offered yet.")
    if given.get("AppManaged"):
        return given
    if source is None:
        raise invalid(f"Input {name}: S3Input is required.")
    source = {
        "S3InputMode": "File",
        "S3DataDistributionType": "FullyReplicated",
        "S3CompressionType": "None",
    } | source
    if source["S3InputMode"] == "Pipe":
        raise invalid(f"Input {name}: S3InputMode Pipe is not offered for processing jobs.")
    if source["S3CompressionType"] == "Gzip":
        raise invalid(f"Input {name}: S3CompressionType Gzip can only be used with S3InputMode Pipe.")
    if not _inside(source.get("LocalPath", ""), INPUTS):
        raise invalid(f"Input {name}: LocalPath is required and must begin with {INPUTS}.")
    return {"AppManaged": False} | given | {"S3Input": source}


def _output(given: dict[str, Any]) -> dict[str, Any]:
    name, target = given["OutputName"], given.get("S3Output")
    if "FeatureStoreOutput" in given:
        raise invalid(f"Output {name}: FeatureStoreOutput is not offered yet.")
    if given.get("AppManaged"):
        return given
    if target is None:
        raise invalid(f"Output {name}: S3Output is required.")
    if not _inside(target.get("LocalPath", ""), "/opt/ml/"):
        raise invalid(f"Output {name}: LocalPath is required and must be a folder in /opt/ml here.")
    return {"AppManaged": False} | given


def _inside(path: str, folder: str) -> bool:
    return f"{path}/".startswith(folder) and ".." not in path.split("/") and "\0" not in path


def _unique(what: str, names: list[str]) -> None:
    if twice := [name for name, count in Counter(names).items() if count > 1]:
        raise invalid(f"The names of {what}s must be unique: {twice[0]}.")
