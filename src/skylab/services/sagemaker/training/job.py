"""What is a training job's own: its channels, its checkpoints, its model, its metrics."""

import json
from datetime import datetime, timedelta
from math import ceil
from pathlib import Path
from typing import Any

from skylab.compute import leavings
from skylab.compute.instances import billable
from skylab.compute.processes import Launch
from skylab.kernel.key import Key
from skylab.services.sagemaker.debugger import shipment
from skylab.services.sagemaker.jobs import delivery, job, joblogs, staging
from skylab.services.sagemaker.jobs.hosts import Host, hosts
from skylab.services.sagemaker.jobs.job import REASON
from skylab.services.sagemaker.jobs.runtimes import Runtime
from skylab.services.sagemaker.jobs.staging import DataFailed
from skylab.services.sagemaker.training import transitions
from skylab.services.sagemaker.training.config import checkpoints, mode, reaches, write_config


def streams(key: Key, doc: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    """Where the logs of a training job are, of all its hosts."""
    return [job.stream(Job.NAME, key, doc, host) for host in hosts(doc["ResourceConfig"])]


class Job(job.Job):
    NAME = "Training"

    @property
    def resources(self) -> dict[str, Any]:
        resources: dict[str, Any] = self.doc["ResourceConfig"]
        return resources

    @property
    def saves(self) -> bool:
        return "CheckpointConfig" in self.doc or shipment.wanted(self.doc)

    @property
    def pace(self) -> timedelta:
        return shipment.PACE if shipment.wanted(self.doc) else super().pace

    @property
    def began(self) -> datetime:
        changes = reversed(self.doc["SecondaryStatusTransitions"])
        return next((c["StartTime"] for c in changes if c["Status"] == "Training"), self.doc["CreationTime"])

    @property
    def retries(self) -> int:
        attempts: int = self.doc.get("RetryStrategy", {}).get("MaximumRetryAttempts", 0)
        return attempts

    @property
    def waits_until(self) -> datetime | None:
        """When MaxWaitTimeInSeconds is over: waiting for Spot instances and running, all attempts together."""
        seconds = self.doc["StoppingCondition"].get("MaxWaitTimeInSeconds")
        return None if seconds is None else self.doc["CreationTime"] + timedelta(seconds=seconds)

    def overdue(self, now: datetime) -> str | None:
        if transitions.spent(self.doc, ("Training",), now) >= self.doc["StoppingCondition"]["MaxRuntimeInSeconds"]:
            return "MaxRuntimeExceeded"
        if (limit := self.waits_until) is not None and now >= limit:
            return "MaxWaitTimeExceeded"
        return None

    # -- before

    def prepare(self, s3: Any) -> None:
        for host in self.hosts:
            write_config(self.ml(host), self.doc, host, self.hosts)
        shipment.begin(self, s3)
        for channel in self.doc["InputDataConfig"]:
            self._stage_channel(s3, channel)
        if "CheckpointConfig" in self.doc:
            self._restore(s3)

    def _stage_channel(self, s3: Any, channel: dict[str, Any]) -> None:
        source, name = channel["DataSource"]["S3DataSource"], channel["ChannelName"]
        found = staging.objects(s3, source)
        reached = [host for host in self.hosts if reaches(channel, host)]
        for index, host in enumerate(reached):
            wanted = staging.shard(found, source, index, len(reached))
            if mode(self.doc, channel) == "Pipe":
                files = staging.download_stream(s3, wanted, self._streamed(host, name))
                order = self._streamed(host, name).with_suffix(".json")
                order.write_text(json.dumps([str(path) for path in files]))
            else:
                staging.download(s3, wanted, self.ml(host) / "input/data" / name)

    def _streamed(self, host: Host, channel: str) -> Path:
        return self.folder / "streams" / host.name / f"{channel}.d"

    def _restore(self, s3: Any) -> None:
        source = {"S3DataType": "S3Prefix", "S3Uri": self.doc["CheckpointConfig"]["S3Uri"].rstrip("/") + "/"}
        try:
            kept = staging.objects(s3, source)
        except DataFailed:
            return  # there are none yet
        for host in self.hosts:
            staging.download(s3, kept, checkpoints(self.ml(host), self.doc))

    # -- meanwhile

    def start(self) -> str:
        runtime = self.runtime(self.doc["AlgorithmSpecification"]["TrainingImage"])
        for host in self.hosts:
            self.world.processes.start(self.process(host), self._launch(host, runtime))
        return runtime.notice

    def _launch(self, host: Host, runtime: Runtime) -> Launch:
        algorithm = self.doc["AlgorithmSpecification"]
        argv = [*(algorithm.get("ContainerEntrypoint") or runtime.train), *algorithm.get("ContainerArguments", [])]
        own = {"TRAINING_JOB_NAME": self.key.name, "TRAINING_JOB_ARN": self.doc["TrainingJobArn"]}
        pipes = [
            staging.pipe(channel, [Path(path) for path in json.loads(order.read_text())])
            for channel in self.doc["InputDataConfig"]
            if (order := self._streamed(host, channel["ChannelName"]).with_suffix(".json")).exists()
        ]
        own |= shipment.env(self.doc, runtime.env)
        return self.launch(host, runtime, argv, own, pipes=pipes, sampled=str(shipment.profile(self, host.name)))

    def save(self) -> None:
        s3 = self.s3
        if "CheckpointConfig" in self.doc:
            self._save_checkpoints(s3)
        if shipment.wanted(self.doc):
            shipment.save(self, s3)

    def _save_checkpoints(self, s3: Any) -> None:
        for host in self.hosts:
            record = self.folder / f"{host.name}.uploaded.json"
            known = json.loads(record.read_text()) if record.exists() else {}
            folder = self.left(host, str(checkpoints(self.ml(host), self.doc).relative_to(self.ml(host))))
            delivery.save(s3, folder, self.doc["CheckpointConfig"]["S3Uri"], known, what="Checkpoint")
            draft = record.with_suffix(".draft")
            draft.write_text(json.dumps(known))
            draft.rename(record)

    # -- after

    def reason(self, host: Host, code: int) -> str:
        text = leavings.text(self.left(host, "output"), "failure", REASON)
        if text is None:
            text = joblogs.tail(self.log(host))[-REASON:]
        if not text.startswith(("AlgorithmError:", "ClientError:", "InternalServerError:")):
            text = f"AlgorithmError: {text}"
        return job.ending_with(text, code)

    def deliver(self, status: str) -> None:
        s3, output, key_id = self.s3, self.doc["OutputDataConfig"], self.doc["OutputDataConfig"]["KmsKeyId"]
        models, outputs = ([self.left(host, name) for host in self.hosts] for name in ("model", "output/data"))
        if self._has_model(status):
            uri = delivery.location(output, self.key.name, "model")
            delivery.deliver(s3, models, uri, key_id, self.folder / "model.tar.gz")
        if any(any(leavings.files(folder)) for folder in outputs):
            uri = delivery.location(output, self.key.name, "output")
            delivery.deliver(s3, outputs, uri, key_id, self.folder / "output.tar.gz")
        if "CheckpointConfig" in self.doc:
            self._save_checkpoints(s3)
        if shipment.wanted(self.doc):
            shipment.end(self, s3)
        logs = [self.log(host) for host in self.hosts]
        found = joblogs.metrics(logs, self.doc["AlgorithmSpecification"]["MetricDefinitions"])
        (self.folder / "metrics.json").write_text(json.dumps(found))

    def _has_model(self, status: str) -> bool:
        made = any(any(leavings.files(self.left(host, "model"))) for host in self.hosts)
        return status == "Completed" or made and status != "Failed"

    def results(self, now: datetime, status: str) -> dict[str, Any]:
        found = json.loads((self.folder / "metrics.json").read_text())
        values = [{"MetricName": name, "Value": value, "Timestamp": now} for name, value in found.items()]
        uri = delivery.location(self.doc["OutputDataConfig"], self.key.name, "model")
        model = {"ModelArtifacts": {"S3ModelArtifacts": uri}} if self._has_model(status) else {}
        return model | ({"FinalMetricDataList": values} if values else {})

    def times(self, doc: dict[str, Any], now: datetime) -> dict[str, Any]:
        """Billable is less than Training by what Spot instances cost less."""
        times = super().times(doc, now)
        if "TrainingStartTime" in doc:
            seconds = transitions.spent(doc, transitions.ON_INSTANCES, now)
            times["TrainingTimeInSeconds"] = ceil(seconds)
            times["BillableTimeInSeconds"] = ceil(billable(seconds, doc["EnableManagedSpotTraining"]))
        if "WarmPoolStatus" in doc:  # nothing is kept warm, and nothing is billed
            times["WarmPoolStatus"] = {"Status": "Terminated", "ResourceRetainedBillableTimeInSeconds": 0}
        return times

    def marked(self, doc: dict[str, Any], phase: str, now: datetime) -> dict[str, Any]:
        return transitions.to(doc, "Training" if phase == "Running" else phase, now)
