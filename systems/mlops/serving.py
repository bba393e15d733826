"""Approved versions as endpoints: deployed by their package, shadowed by the next one, promoted or refused."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cloud
from botocore.exceptions import ClientError

LOOK = 1.0


@dataclass(frozen=True)
class Version:
    """A version of the registry."""

    number: int
    arn: str
    kind: str
    artifact: str

    @property
    def name(self) -> str:
        return f"v{self.number}"


def version(acc: cloud.Account, arn: str) -> Version:
    found = acc.client("sagemaker").describe_model_package(ModelPackageName=arn)
    artifact = found["InferenceSpecification"]["Containers"][0]["ModelDataUrl"]
    return Version(found["ModelPackageVersion"], arn, found["CustomerMetadataProperties"]["kind"], artifact)


def approved(acc: cloud.Account, group: str) -> Version | None:
    """The newest approved version."""
    asked = {"ModelPackageGroupName": group, "ModelApprovalStatus": "Approved", "SortOrder": "Descending"}
    found = acc.client("sagemaker").list_model_packages(**asked, SortBy="CreationTime")["ModelPackageSummaryList"]
    return version(acc, found[0]["ModelPackageArn"]) if found else None


def decide(acc: cloud.Account, arn: str, status: str, why: str) -> Version:
    """Approve or reject a version."""
    acc.client("sagemaker").update_model_package(
        ModelPackageArn=arn, ModelApprovalStatus=status, ApprovalDescription=why[:1000]
    )
    return version(acc, arn)


class Endpoint:
    """One endpoint; what it serves is said by its configurations, one for each deployment.

    A configuration goes when the next one is in service, and with it the models that nothing serves any more.
    """

    def __init__(self, acc: cloud.Account, name: str, root: str, instance: str) -> None:
        self.acc, self.name, self.root, self.instance = acc, name, root, instance
        self.sagemaker = acc.client("sagemaker")
        self.configs: set[str] = set()  # that this run has seen or made

    def exists(self) -> bool:
        return self._found(self.sagemaker.describe_endpoint, EndpointName=self.name) is not None

    def settled(self, say: Callable[[str], None] = lambda text: None) -> dict[str, Any] | None:
        """What Describe shows when nothing is under way any more; None when there is no endpoint."""
        while True:
            found = self._found(self.sagemaker.describe_endpoint, EndpointName=self.name)
            if found is None or found["EndpointStatus"] in ("InService", "Failed"):
                return found
            say(found["EndpointStatus"])
            time.sleep(LOOK)

    def serves(self, say: Callable[[str], None]) -> tuple[Version | None, bool]:
        """The version that answers, and whether without a shadow; None when there is no endpoint, or a failed one."""
        found = self.settled(say)
        if found is None or found["EndpointStatus"] == "Failed":
            return None, True
        config = self.sagemaker.describe_endpoint_config(EndpointConfigName=found["EndpointConfigName"])
        model = self.sagemaker.describe_model(ModelName=config["ProductionVariants"][0]["ModelName"])
        serving = version(self.acc, model["PrimaryContainer"]["ModelPackageName"])
        return serving, not config.get("ShadowProductionVariants")

    def deploy(self, say: Callable[[str], None], serving: Version, shadow: Version | None = None) -> None:
        """Create or update the endpoint, and wait. UpdateEndpoint moves the traffic without a failed request."""
        if (before := self.settled(say)) and before["EndpointStatus"] == "Failed":
            self.delete()
            before = None
        config = f"{self.name}-{serving.name}-{uuid.uuid4().hex[:8]}"
        variants = {"ProductionVariants": [self._variant(serving)]}
        if shadow:
            variants["ShadowProductionVariants"] = [self._variant(shadow)]
        self.sagemaker.create_endpoint_config(EndpointConfigName=config, DataCaptureConfig=self._capture(), **variants)
        self.configs |= {config, *([before["EndpointConfigName"]] if before else [])}
        change = self.sagemaker.update_endpoint if before else self.sagemaker.create_endpoint
        change(EndpointName=self.name, EndpointConfigName=config)
        found = self.settled(say) or {"EndpointStatus": "Failed", "FailureReason": "it was deleted meanwhile"}
        if found["EndpointStatus"] == "Failed":
            raise SystemExit(f"{self.name} failed: {found.get('FailureReason')}")
        self._tidy(found["EndpointConfigName"])
        if found["EndpointConfigName"] != config:
            raise SystemExit(f"{self.name} went back to what it served: {found.get('FailureReason')}")

    def _variant(self, version: Version) -> dict[str, Any]:
        model = f"{self.name}-{version.name}"
        if self._found(self.sagemaker.describe_model, ModelName=model) is None:
            self.sagemaker.create_model(
                ModelName=model,
                PrimaryContainer={"ModelPackageName": version.arn},
                ExecutionRoleArn=self.acc.endpoint,
            )
        size = {"InstanceType": self.instance, "InitialInstanceCount": 1, "InitialVariantWeight": 1.0}
        return {"VariantName": version.name, "ModelName": model, **size}

    def _capture(self) -> dict[str, Any]:
        return {
            "EnableCapture": True,
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": f"{self.root}/capture",
            "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
            "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
        }

    def ask(self, line: str, mark: str = "") -> float:
        """The endpoint's answer for one line of CSV; mark: the request's InferenceId."""
        runtime = self.acc.client("sagemaker-runtime")
        more = {"InferenceId": mark} if mark else {}
        answer = runtime.invoke_endpoint(
            EndpointName=self.name, ContentType="text/csv", Accept="text/csv", Body=line, **more
        )
        return float(answer["Body"].read().decode().strip())

    def captured(self, variant: str, run: str) -> dict[str, float]:
        """Answers by request, of the requests whose mark begins with run."""
        bucket, prefix = f"{self.root}/capture/{self.name}/{variant}/".removeprefix("s3://").split("/", 1)
        found: dict[str, float] = {}
        pages = self.acc.client("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        for key in (each["Key"] for page in pages for each in page.get("Contents", [])):
            for line in cloud.read(self.acc, f"s3://{bucket}/{key}").decode().splitlines():
                record = json.loads(line)
                mark = record["eventMetadata"].get("inferenceId", "")
                if mark.startswith(run):
                    found[mark] = float(record["captureData"]["endpointOutput"]["data"].strip())
        return found

    def delete(self) -> None:
        """The endpoint, if there is one, with its configurations and models; the registry keeps its versions."""
        if found := self.settled():
            self.configs.add(found["EndpointConfigName"])
            self.sagemaker.delete_endpoint(EndpointName=self.name)
            self.settled()
        self._tidy(None)

    def _tidy(self, kept: str | None) -> None:
        """Delete the configurations but the kept one, and the models that it does not use."""
        models: dict[str, set[str]] = {}
        for config in self.configs | ({kept} if kept else set()):
            about = self._found(self.sagemaker.describe_endpoint_config, EndpointConfigName=config) or {}
            variants = about.get("ProductionVariants", []) + about.get("ShadowProductionVariants", [])
            models[config] = {variant["ModelName"] for variant in variants}
        used = models.pop(kept) if kept else set()
        for config in models:
            self.sagemaker.delete_endpoint_config(EndpointConfigName=config)
        for model in set().union(*models.values()) - used:
            self.sagemaker.delete_model(ModelName=model)
        self.configs = {kept} if kept else set()

    def _found(self, describe: Callable[..., dict[str, Any]], **named: str) -> dict[str, Any] | None:
        """What Describe shows of something; None when there is no such thing."""
        try:
            return describe(**named)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationException":
                raise
            return None
