"""Approved versions as endpoints: deployed by their package, shadowed by the next one, compared, promoted."""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cloud
import evaluate
import numpy as np
from botocore.exceptions import ClientError

LOOK = 1.0
MOST = 1000  # requests of live people that a shadow is compared on
CAPTURED_SECONDS = 300  # AWS writes captured requests about once a minute
ANSWERED = 0.99  # of the requests a shadow must have answered to be compared
DRAWS = 200


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


def approve(acc: cloud.Account, arn: str, why: str) -> Version:
    acc.client("sagemaker").update_model_package(
        ModelPackageArn=arn, ModelApprovalStatus="Approved", ApprovalDescription=why[:1000]
    )
    return version(acc, arn)


class Endpoint:
    """One endpoint; what it serves is said by its configurations, one for each deployment."""

    def __init__(self, acc: cloud.Account, name: str, root: str, instance: str) -> None:
        self.acc, self.name, self.root, self.instance = acc, name, root, instance
        self.sagemaker = acc.client("sagemaker")

    def serves(self) -> list[str]:
        """Its production variants; none when there is no endpoint."""
        try:
            found = self.sagemaker.describe_endpoint(EndpointName=self.name)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationException":
                raise
            return []
        return [variant["VariantName"] for variant in found.get("ProductionVariants", [])]

    def deploy(self, say: Callable[[str], None], serving: Version, shadow: Version | None = None) -> None:
        """Create or update the endpoint, and wait. UpdateEndpoint moves the traffic without a failed request."""
        config = f"{self.name}-{serving.name}-{uuid.uuid4().hex[:8]}"
        variants = {"ProductionVariants": [self._variant(serving)]}
        if shadow:
            variants["ShadowProductionVariants"] = [self._variant(shadow)]
        self.sagemaker.create_endpoint_config(EndpointConfigName=config, DataCaptureConfig=self._capture(), **variants)
        change = self.sagemaker.update_endpoint if self.serves() else self.sagemaker.create_endpoint
        change(EndpointName=self.name, EndpointConfigName=config)
        while (found := self.sagemaker.describe_endpoint(EndpointName=self.name))["EndpointStatus"] != "InService":
            say(found["EndpointStatus"])
            if found["EndpointStatus"] == "Failed":
                raise SystemExit(f"{self.name} failed: {found.get('FailureReason')}")
            time.sleep(LOOK)
        if found["EndpointConfigName"] != config:
            raise SystemExit(f"{self.name} went back to what it served: {found.get('FailureReason')}")

    def _variant(self, version: Version) -> dict[str, Any]:
        model = f"{self.name}-{version.name}"
        try:
            self.sagemaker.describe_model(ModelName=model)
        except ClientError as error:
            if error.response["Error"]["Code"] != "ValidationException":
                raise
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
        """The endpoint with its configuration and models; the registry keeps its versions."""
        config = self.sagemaker.describe_endpoint(EndpointName=self.name)["EndpointConfigName"]
        models = self.sagemaker.describe_endpoint_config(EndpointConfigName=config)["ProductionVariants"]
        self.sagemaker.delete_endpoint(EndpointName=self.name)
        self.sagemaker.delete_endpoint_config(EndpointConfigName=config)
        for variant in models:
            self.sagemaker.delete_model(ModelName=variant["ModelName"])


def compare(
    endpoint: Endpoint,
    names: tuple[str, str],
    live: tuple[np.ndarray, np.ndarray, np.ndarray],
    say: Callable[[str], None],
) -> dict[str, Any]:
    """Ask the endpoint about live people; then judge both variants by what was captured, and by what became of them."""
    run = uuid.uuid4().hex[:8]
    y, people, x = (part[:MOST] for part in live)
    for number, row in enumerate(x):
        endpoint.ask(",".join(f"{value:.10g}" for value in row), f"{run}-{number}")
        if number % 50 == 0:
            say(f"{number} of {len(y)} live requests")
    answers = gathered(endpoint, names, run, len(y), say)
    both = sorted(set.intersection(*(set(found) for found in answers.values())), key=lambda mark: int(mark[9:]))
    rows = [int(mark[9:]) for mark in both]
    predicted = {name: np.array([found[mark] for mark in both]) for name, found in answers.items()}
    report = evaluate.evaluate(y[rows], people[rows], predicted, DRAWS)
    serving, shadow = (predicted[name] for name in names)
    found = report["differences"][names[1]]
    return {
        "requests": len(y),
        "answered": {name: len(found) for name, found in answers.items()},
        "apart": float(np.abs(serving - shadow).mean()),
        "report": report,
        "difference": found,
        "promote": len(answers[names[1]]) >= ANSWERED * len(y) and found["interval"][1] >= 0,
    }


def gathered(
    endpoint: Endpoint, names: tuple[str, str], run: str, wanted: int, say: Callable[[str], None]
) -> dict[str, dict[str, float]]:
    """What was captured of each variant, as soon as all of it is there or nothing more comes."""
    end = time.monotonic() + CAPTURED_SECONDS
    while True:
        found = {name: endpoint.captured(name, run) for name in names}
        count = min(len(each) for each in found.values())
        if count == wanted or time.monotonic() > end:
            return found
        say(f"{count} of {wanted} requests captured")
        time.sleep(LOOK)
