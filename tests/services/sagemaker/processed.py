"""Processing jobs as tests ask for them, and what is read of them."""

from services.sagemaker.acted import ROLE

SKLEARN = "1.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3"
WHOLE = 6
MORE = "s3://sagemaker-data/more"


def request(name="job", **members):
    application = {"ImageUri": SKLEARN, "ContainerEntrypoint": ["python3", "/opt/ml/processing/input/code/run.py"]}
    cluster = {"InstanceCount": members.pop("count", 1), "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5}
    return {
        "ProcessingJobName": name,
        "AppSpecification": application | members.pop("application", {}),
        "ProcessingResources": {"ClusterConfig": cluster},
        "RoleArn": ROLE,
    } | members


def brought(name="data", uri="s3://sagemaker-data/in/", local="/opt/ml/processing/input/data", **source):
    given = {"S3Uri": uri, "LocalPath": local, "S3DataType": "S3Prefix", "S3InputMode": "File"} | source
    return {"InputName": name, "S3Input": given}


def taken(name="out", local="/opt/ml/processing/output", mode="EndOfJob", uri="s3://sagemaker-data/made"):
    return {"OutputName": name, "S3Output": {"S3Uri": uri, "LocalPath": local, "S3UploadMode": mode}}


def outputs(*each, **more):
    return {"ProcessingOutputConfig": {"Outputs": list(each)} | more}


def described(sagemaker, name="job"):
    return sagemaker.describe_processing_job(ProcessingJobName=name)


def running(sagemaker, steps, **members):
    sagemaker.create_processing_job(**request(**members))
    steps(3)
