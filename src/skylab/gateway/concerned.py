"""What a call was about: the resources that a record names, and those it is found by in the history."""

from collections.abc import Mapping
from typing import Any

Pairs = tuple[tuple[str, str], ...]
KMS_KEY = "AWS::KMS::Key"
LOOKED_UP: dict[str, dict[str, str]] = {  # by service: member of the request -> type
    "iam": {
        "UserName": "AWS::IAM::User",
        "RoleName": "AWS::IAM::Role",
        "GroupName": "AWS::IAM::Group",
        "PolicyName": "AWS::IAM::Policy",
        "PolicyArn": "AWS::IAM::Policy",
        "InstanceProfileName": "AWS::IAM::InstanceProfile",
        "AccessKeyId": "AWS::IAM::AccessKey",
    },
    "s3": {"Bucket": "AWS::S3::Bucket"},
    "logs": {"logGroupName": "AWS::Logs::LogGroup", "logStreamName": "AWS::Logs::LogStream"},
    "sts": {"RoleArn": "AWS::IAM::Role", "RoleSessionName": "AWS::STS::AssumedRole"},
    "cloudtrail": {
        "Name": "AWS::CloudTrail::Trail",
        "TrailName": "AWS::CloudTrail::Trail",
        "S3BucketName": "AWS::S3::Bucket",
    },
    "lambda": {"FunctionName": "AWS::Lambda::Function"},
    "sagemaker": {
        f"{kind}Name": f"AWS::SageMaker::{kind}"
        for kind in (
            *("TrainingJob", "Model", "EndpointConfig", "Endpoint", "ProcessingJob", "TransformJob", "FeatureGroup"),
            *("ModelPackageGroup", "ModelPackage", "Pipeline", "NotebookInstance", "Domain", "HyperParameterTuningJob"),
            *("MonitoringSchedule", "Experiment", "Trial", "TrialComponent"),
        )
    },
}


def looked_up(service: str, parameters: Mapping[str, Any], resources: list[dict[str, Any]]) -> Pairs:
    """(type, name) of what the history finds the event by."""
    table = LOOKED_UP.get(service, {})
    named = [(type, value) for member, type in table.items() if isinstance(value := parameters.get(member), str)]
    keys = [(each["type"], each["ARN"]) for each in resources if each.get("type") == KMS_KEY]
    return tuple(dict.fromkeys(named + keys))


def resources(
    service: str,
    region: str,
    account: str,
    parameters: Mapping[str, Any],
    result: Mapping[str, Any],
    owner: str,
    data: str,
) -> list[dict[str, Any]]:
    """The record's resources. account: the caller's; owner: that of the bucket; data: the type of a data event."""
    if service == "s3":
        return _of_s3(parameters, owner, bool(data))
    if service == "kms":
        return _of_kms(region, account, parameters, result)
    if service == "sts" and (role := parameters.get("RoleArn")):
        parts = str(role).split(":")
        return [{"accountId": parts[4], "type": "AWS::IAM::Role", "ARN": role}] if len(parts) > 5 else []
    if data and (arn := data_arn(service, region, account, data, parameters)):
        return [{"accountId": account, "type": data, "ARN": arn}]
    return []


def _of_s3(parameters: Mapping[str, Any], owner: str, data: bool) -> list[dict[str, Any]]:
    if not (bucket := parameters.get("Bucket")):
        return []
    arn = f"arn:aws:s3:::{bucket}"
    found: list[dict[str, Any]] = [{"accountId": owner, "type": "AWS::S3::Bucket", "ARN": arn}]
    if not data:
        return found
    named = {"ARN": f"{arn}/{parameters['Key']}"} if "Key" in parameters else {"ARNPrefix": f"{arn}/"}
    return [{"type": "AWS::S3::Object"} | named, *found]


def _of_kms(
    region: str, account: str, parameters: Mapping[str, Any], result: Mapping[str, Any]
) -> list[dict[str, Any]]:
    """By the ARN that the answer tells, else by what was asked for; an alias that led nowhere is no resource."""
    found = (result.get("KeyMetadata") or {}).get("Arn") or result.get("KeyId") or parameters.get("KeyId")
    found = found or parameters.get("TargetKeyId")
    if not found or str(found).startswith("alias/") or ":alias/" in str(found):
        return []
    arn = found if str(found).startswith("arn:") else f"arn:aws:kms:{region}:{account}:key/{found}"
    owner = arn.split(":")[4] if arn.count(":") >= 5 else account
    return [{"accountId": owner, "type": KMS_KEY, "ARN": arn}]


def data_arn(service: str, region: str, account: str, type: str, parameters: Mapping[str, Any]) -> str:
    """The ARN that selectors of data events are about; "" where it is not known."""
    if service == "s3":
        bucket = parameters.get("Bucket", "")
        return f"arn:aws:s3:::{bucket}/{parameters.get('Key', '')}" if bucket else ""
    for member, kind in (("EndpointName", "endpoint"), ("FeatureGroupName", "feature-group")):
        if type.startswith("AWS::SageMaker::") and member in parameters:
            return f"arn:aws:sagemaker:{region}:{account}:{kind}/{str(parameters[member]).lower()}"
    if "FunctionName" in parameters:
        name = str(parameters["FunctionName"])
        return name if name.startswith("arn:") else f"arn:aws:lambda:{region}:{account}:function:{name}"
    if "TableName" in parameters:
        return f"arn:aws:dynamodb:{region}:{account}:table/{parameters['TableName']}"
    return next((str(parameters[member]) for member in ("TopicArn", "StreamARN") if member in parameters), "")
