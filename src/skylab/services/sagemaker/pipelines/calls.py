"""The calls that a step makes: SageMaker's own API, S3, SQS and Lambda, all as the pipeline's role.

Its session is named as on AWS, sagemaker-pipeline-<execution>-<step>; so are the jobs, pipelines-<execution>-<step>-…
"""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice
from typing import Any

from botocore import xform_name
from botocore.exceptions import ClientError, ParamValidationError

from skylab.compute.world import World
from skylab.kernel.key import Key
from skylab.services.sagemaker.pipelines import failures
from skylab.services.sagemaker.pipelines.clients import Clients
from skylab.services.sagemaker.pipelines.failures import Failed
from skylab.services.sagemaker.pipelines.language.evaluate import LARGEST, Scope, Unresolved
from skylab.services.sagemaker.pipelines.language.kinds import KINDS, has_operation
from skylab.services.sagemaker.pipelines.language.steps import Step
from skylab.services.sagemaker.pipelines.run import Run
from skylab.wire.errors import AwsError

EXECUTION_TAG = "sagemaker:pipeline-execution-arn"
OBSERVED = ("Processing", "Training", "Transform")  # whose calls take an ExperimentConfig
PREPARED = 4  # clients
SHORT = 7  # characters of the step that the name of a tuning job has room for


@dataclass(frozen=True)
class Caller:
    world: World
    clients: Clients
    run: Run
    step: Step
    now: datetime

    def client(self, service: str) -> Any:
        """Raises Failed."""
        id, role = self.run.doc["_"]["id"], self.run.doc["_"]["role"]
        session = f"sagemaker-pipeline-{id}-{self.step.name}"[:64]
        try:
            return self.clients.get(service, self.run.key.region, role, session, self.now)
        except AwsError:
            raise Failed(f"ClientError: Unable to assume role [{role}].") from None

    def prepare_next(self) -> None:
        """Makes the clients of steps that wait for this one while its job runs: they take longer than the calls."""
        waiting = (step for step in self.run.definition.steps.values() if self.step.name in step.before)
        for step in islice((step for step in waiting if step.type in KINDS), PREPARED):
            with suppress(Failed):
                replace(self, step=step).client("sagemaker")

    def _call(self, operation: str, request: dict[str, Any], service: str = "sagemaker") -> Any:
        """Raises Failed."""
        try:
            return getattr(self.client(service), xform_name(operation))(**request)
        except ClientError as problem:
            raise failures.of_call(operation, problem, service) from None
        except ParamValidationError as problem:
            details = f"Failed to invoke {service}:{operation}. Error Details: {problem}"
            raise Failed(f"ClientError: {details}") from None

    # -- SageMaker

    def name(self, scope: Callable[[], Scope], random: str) -> str:
        """Of the job. With a custom prefix (use_custom_job_prefix) in the arguments it begins with that."""
        kind, id = KINDS[self.step.type], self.run.doc["_"]["id"]
        end = f"-{random}"
        if prefix := self.step.arguments.get(kind.name):
            head = str(scope().value(prefix))[: kind.longest - len(id) - 1 - len(end)].rstrip("-")
            return f"{head}-{id}{end}"
        step = self.step.name.replace("_", "-").strip("-") or "step"
        if kind.longest < 63:
            return f"{id}-{step[:SHORT].rstrip('-')}{end}"
        head = f"pipelines-{id}-"
        return head + step[: kind.longest - len(head) - len(end)].rstrip("-") + end

    def made(self, name: str) -> str | None:
        """The ARN of what an attempt before a kill has made already."""
        kind, key = KINDS[self.step.type], self.run.key
        with self.world.store.reading() as tx:
            found = tx.find(Key(key.account, key.region, key.service, kind.key, name))
        return found[kind.arn] if found else None

    def create(self, name: str, arguments: dict[str, Any], random: str) -> str:
        """The ARN of what it made. Raises Failed."""
        kind, arn = KINDS[self.step.type], self.run.doc["PipelineExecutionArn"]
        request = dict(arguments)
        if self.step.type == "RegisterModel":
            request["ClientToken"] = (
                f"{self.run.doc['_']['id']}-{random}"  # the registry answers a repeat with the same
            )
            self._group(request.get("ModelPackageGroupName"))
        else:
            request[kind.name] = name
        if "ModelPackageGroupName" not in request:  # a version has its group's tags, and no others
            kept = [tag for tag in request.get("Tags", []) if tag["Key"] != EXECUTION_TAG]
            request["Tags"] = [*kept, {"Key": EXECUTION_TAG, "Value": arn}]
        if self.step.type in OBSERVED and (experiment := self._experiment()):
            request["ExperimentConfig"] = experiment | request.get("ExperimentConfig", {})
        made: str = self._call(kind.create, request)[kind.arn]
        return made

    def _group(self, name: str | None) -> None:
        """A group that is not there yet is made, as AWS's step does."""
        if name is None:
            return
        client = self.client("sagemaker")
        try:
            client.describe_model_package_group(ModelPackageGroupName=name)
        except ClientError as problem:
            if problem.response["Error"]["Code"] != "ValidationException":
                raise failures.of_call("DescribeModelPackageGroup", problem) from None
            self._made("CreateModelPackageGroup", {"ModelPackageGroupName": name})

    def _experiment(self) -> dict[str, str]:
        """What PipelineExperimentConfig names, made where it is not there; nothing where there are no experiments."""
        config: dict[str, str] = self.run.doc.get("PipelineExperimentConfig", {})
        if not config or not has_operation("CreateExperiment"):
            return {}
        self._made("CreateExperiment", {"ExperimentName": config["ExperimentName"]})
        self._made("CreateTrial", config)
        return config

    def _made(self, operation: str, request: dict[str, Any]) -> None:
        """Another step may have made it at the same time. Raises Failed."""
        try:
            getattr(self.client("sagemaker"), xform_name(operation))(**request)
        except ClientError as problem:
            if not any(word in str(problem) for word in ("already exist", "must be unique")):
                raise failures.of_call(operation, problem) from None

    def describe(self, name: str) -> dict[str, Any]:
        """What other steps may refer to. Raises Failed."""
        kind = KINDS[self.step.type]
        shown: dict[str, Any] = self._call(kind.describe, {kind.name: name})
        shown.pop("ResponseMetadata", None)
        if self.step.type == "Tuning":
            shown["TrainingJobSummaries"] = self._trials(name)
        return shown

    def _trials(self, name: str) -> list[dict[str, Any]]:
        """Of a tuning job, the best first: Steps.T.TrainingJobSummaries[0]."""
        wanted = {"SortBy": "FinalObjectiveMetricValue", "SortOrder": "Descending", "MaxResults": 100}
        request = {"HyperParameterTuningJobName": name, **wanted}
        found = self._call("ListTrainingJobsForHyperParameterTuningJob", request)["TrainingJobSummaries"]
        ranked = [trial for trial in found if "FinalHyperParameterTuningJobObjectiveMetric" in trial]
        if ranked and ranked[0]["FinalHyperParameterTuningJobObjectiveMetric"].get("Type") == "Minimize":
            ranked.reverse()
        return ranked

    # -- other services

    def read_object(self, bucket: str, key: str) -> bytes:
        """Raises Unresolved."""
        try:
            body: bytes = self.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read(LARGEST + 1)
        except ClientError as problem:
            raise Unresolved(f"Unable to read s3://{bucket}/{key}: {problem.response['Error']['Message']}") from None
        return body

    def send(self, queue: str, message: str) -> None:
        """Raises Failed."""
        self._call("SendMessage", {"QueueUrl": queue, "MessageBody": message}, "sqs")

    def invoke(self, function: str, payload: Any) -> dict[str, Any]:
        """Raises Failed."""
        answer = self._call("Invoke", {"FunctionName": function, "Payload": json.dumps(payload)}, "lambda")
        body = answer["Payload"].read()
        if "FunctionError" in answer:
            raise Failed(f"ClientError: The Lambda function failed: {body.decode(errors='replace')}")
        try:
            made = json.loads(body or b"{}")
        except ValueError:
            raise Failed("ClientError: The Lambda function did not return JSON.") from None
        return made if isinstance(made, dict) else {}
