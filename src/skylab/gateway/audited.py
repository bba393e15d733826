"""What AWS's CloudTrail holds for true of operations: which are data events, which only read, how S3 calls them.

Everything here that is not in botocore's models is a table, and each names the page it stands on.
"""

from functools import cache

from botocore.model import OperationModel

# https://docs.aws.amazon.com/awscloudtrail/latest/userguide/logging-data-events-with-cloudtrail.html: the resource type
# that data events of a service are selected by, and the operations that are such events. Services whose events
# CloudTrail does not have at all have no type: PutLogEvents and its readers, PutMetricData outside of data events.
DATA: dict[str, dict[str, tuple[str, ...]]] = {
    "sagemaker": {
        "AWS::SageMaker::Endpoint": ("InvokeEndpoint", "InvokeEndpointAsync", "InvokeEndpointWithResponseStream"),
        "AWS::SageMaker::FeatureGroup": ("GetRecord", "BatchGetRecord", "PutRecord", "DeleteRecord"),
        "AWS::SageMaker::ExperimentTrialComponent": ("BatchPutMetrics", "BatchGetMetrics"),
    },
    "lambda": {"AWS::Lambda::Function": ("Invoke", "InvokeAsync", "InvokeWithResponseStream")},
    "dynamodb": {
        "AWS::DynamoDB::Table": (
            *("BatchExecuteStatement", "BatchGetItem", "BatchWriteItem", "DeleteItem", "ExecuteStatement"),
            *("ExecuteTransaction", "GetItem", "PutItem", "Query", "Scan", "TransactGetItems", "TransactWriteItems"),
            "UpdateItem",
        )
    },
    "sqs": {
        "AWS::SQS::Queue": (
            *("SendMessage", "SendMessageBatch", "ReceiveMessage", "DeleteMessage", "DeleteMessageBatch"),
            *("ChangeMessageVisibility", "ChangeMessageVisibilityBatch"),
        )
    },
    "sns": {"AWS::SNS::Topic": ("Publish", "PublishBatch")},
    "kinesis": {"AWS::Kinesis::Stream": ("PutRecord", "PutRecords", "GetRecords", "GetShardIterator")},
    "monitoring": {"AWS::CloudWatch::Metric": ("PutMetricData", "GetMetricData", "GetMetricWidgetImage")},
    "events": {"": ("PutEvents",)},
    "logs": {"": ("PutLogEvents",)},
    "execute-api": {"": ()},
}
WHOLLY_DATA = {"execute-api", "bedrock-runtime"}  # calls through these names are never management events

# https://docs.aws.amazon.com/AmazonS3/latest/userguide/cloudtrail-logging-s3-info.html: besides all that name a key
S3_TYPE = "AWS::S3::Object"
S3_DATA = {"DeleteObjects", "HeadBucket", "ListMultipartUploads", "ListObjectVersions", "ListObjects", "ListObjectsV2"}
S3_NAMES = {
    "ListObjectsV2": "ListObjects",
    "GetBucketLifecycleConfiguration": "GetBucketLifecycle",
    "PutBucketLifecycleConfiguration": "PutBucketLifecycle",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
    "PutBucketNotificationConfiguration": "PutBucketNotification",
    "GetPublicAccessBlock": "GetBucketPublicAccessBlock",
    "PutPublicAccessBlock": "PutBucketPublicAccessBlock",
    "DeletePublicAccessBlock": "DeleteBucketPublicAccessBlock",
    "GetObjectLockConfiguration": "GetBucketObjectLockConfiguration",
    "PutObjectLockConfiguration": "PutBucketObjectLockConfiguration",
    "GetObjectLegalHold": "GetObjectLockLegalHold",
    "PutObjectLegalHold": "PutObjectLockLegalHold",
    "GetObjectRetention": "GetObjectLockRetention",
    "PutObjectRetention": "PutObjectLockRetention",
}

READS = (
    *("Get", "List", "Describe", "Head", "BatchGet", "BatchDescribe", "Search", "Lookup", "Query", "Scan", "Select"),
    *("Filter", "Simulate", "Check", "Preview", "Estimate", "Decode", "Validate", "Test", "View", "TransactGet"),
)
# https://docs.aws.amazon.com/kms/latest/developerguide/understanding-kms-entries.html: using a key changes nothing
KMS_READS = {"Encrypt", "Decrypt", "ReEncrypt", "Sign", "Verify", "VerifyMac", "DeriveSharedSecret"}
# https://docs.aws.amazon.com/IAM/latest/UserGuide/cloudtrail-integration.html: and yet they show what they answered
CREDENTIALS = {"AssumeRole", "AssumeRoleWithSAML", "AssumeRoleWithWebIdentity", "AssumeRoot"}
CREDENTIALS |= {"GetSessionToken", "GetFederationToken"}


def read_only(service: str, operation: str) -> bool:
    """By the operation's name, as AWS names what only reads."""
    if service == "kms" and (operation in KMS_READS or operation.startswith("Generate")):
        return True
    return operation.startswith(READS) or operation in CREDENTIALS


def data_type(service: str, operation: str, model: OperationModel | None) -> str | None:
    """The resource type of a data event, "" where trails cannot select it; None for a management event."""
    if service == "s3":
        return S3_TYPE if operation in S3_DATA or (model is not None and _names_key(model)) else None
    if service in WHOLLY_DATA:
        return ""
    return _types(service).get(operation)


@cache
def _types(service: str) -> dict[str, str]:
    return {operation: type for type, operations in DATA.get(service, {}).items() for operation in operations}


def _names_key(model: OperationModel) -> bool:
    return model.input_shape is not None and "Key" in model.input_shape.members


def event_name(service: str, operation: str) -> str:
    return S3_NAMES.get(operation, operation) if service == "s3" else operation
