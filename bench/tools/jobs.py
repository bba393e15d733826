"""What the questions about SageMaker share: sample data, a training job and an endpoint, by boto3 alone."""

import io
import random
import tarfile
import time
from typing import Any

from tools.clouds import Cloud

REGISTRY = "683313688378.dkr.ecr.us-east-1.amazonaws.com/"
XGBOOST = f"{REGISTRY}sagemaker-xgboost:1.7-1"
SKLEARN = f"{REGISTRY}sagemaker-scikit-learn:1.2-1-cpu-py3"
BUCKET = "sagemaker-bench"
COLUMNS = 20


def sample(rows: int = 2000) -> bytes:
    """CSV as the built-in XGBoost reads it: the label first, no header."""
    made = random.Random(7)
    lines = []
    for _ in range(rows):
        values = [made.gauss(0, 1) for _ in range(COLUMNS)]
        label = int(values[0] + values[1] * values[2] + made.gauss(0, 0.3) > 0)
        lines.append(",".join([str(label), *(f"{value:.4f}" for value in values)]))
    return "\n".join(lines).encode()


def row() -> bytes:
    """One row to predict: the first of the sample without its label."""
    return sample(1).partition(b",")[2]


def archive(name: str, text: str) -> bytes:
    made, data = io.BytesIO(), text.encode()
    with tarfile.open(fileobj=made, mode="w:gz") as tar:
        (entry := tarfile.TarInfo(name)).size = len(data)
        tar.addfile(entry, io.BytesIO(data))
    return made.getvalue()


class Jobs:
    def __init__(self, cloud: Cloud) -> None:
        self.sagemaker: Any = cloud.target.client("sagemaker")
        self.s3: Any = cloud.target.client("s3")
        roles: Any = cloud.target.client("iam").list_roles()["Roles"]  # type: ignore[attr-defined]
        self.role = next(role["Arn"] for role in roles if "Execution" in role["RoleName"])
        self.s3.create_bucket(Bucket=BUCKET)
        self.s3.put_object(Bucket=BUCKET, Key="train/train.csv", Body=sample())

    def train(self, name: str, image: str, parameters: dict[str, str]) -> float:
        """Seconds from the call to the first Describe that says Completed."""
        begin = time.perf_counter()
        self.sagemaker.create_training_job(
            TrainingJobName=name,
            RoleArn=self.role,
            AlgorithmSpecification={"TrainingImage": image, "TrainingInputMode": "File"},
            HyperParameters=parameters,
            InputDataConfig=[{
                "ChannelName": "train", "ContentType": "text/csv",
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{BUCKET}/train/"}},
            }],
            OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/out"},
            ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
            StoppingCondition={"MaxRuntimeInSeconds": 600},
        )  # fmt: skip
        while (job := self.sagemaker.describe_training_job(TrainingJobName=name))["TrainingJobStatus"] == "InProgress":
            time.sleep(0.02)
        if job["TrainingJobStatus"] != "Completed":
            raise SystemExit(f"{name}: {job.get('FailureReason')}")
        return time.perf_counter() - begin

    def model(self, job: str) -> bytes:
        """The trained model's archive."""
        uri = self.sagemaker.describe_training_job(TrainingJobName=job)["ModelArtifacts"]["S3ModelArtifacts"]
        key = uri.removeprefix(f"s3://{BUCKET}/")
        return bytes(self.s3.get_object(Bucket=BUCKET, Key=key)["Body"].read())

    def deploy(self, job: str, image: str) -> str:
        uri = self.sagemaker.describe_training_job(TrainingJobName=job)["ModelArtifacts"]["S3ModelArtifacts"]
        self.sagemaker.create_model(
            ModelName=job, ExecutionRoleArn=self.role, PrimaryContainer={"Image": image, "ModelDataUrl": uri}
        )
        variant = {"VariantName": "all", "ModelName": job, "InitialInstanceCount": 1, "InstanceType": "ml.m5.large"}
        self.sagemaker.create_endpoint_config(EndpointConfigName=job, ProductionVariants=[variant])
        self.sagemaker.create_endpoint(EndpointName=job, EndpointConfigName=job)
        while (now := self.sagemaker.describe_endpoint(EndpointName=job))["EndpointStatus"] == "Creating":
            time.sleep(0.05)
        if now["EndpointStatus"] != "InService":
            raise SystemExit(f"{job}: {now.get('FailureReason')}")
        return job
