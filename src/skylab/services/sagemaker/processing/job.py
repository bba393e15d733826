"""What is a processing job's own: its inputs, wherever they are to lie, and its outputs, at the end or meanwhile."""

import json
from collections.abc import Iterator
from typing import Any

from skylab.compute import leavings
from skylab.services.sagemaker.jobs import delivery, job, staging
from skylab.services.sagemaker.jobs.hosts import Host, config

ML = "/opt/ml/"
MESSAGE = 1024  # the longest ExitMessage
TOLD = (
    "ProcessingJobArn ProcessingJobName AppSpecification Environment ProcessingInputs ProcessingOutputConfig "
    "ProcessingResources RoleArn StoppingCondition NetworkConfig ExperimentConfig"
).split()  # in processingjobconfig.json


class Job(job.Job):
    NAME = "Processing"

    @property
    def resources(self) -> dict[str, Any]:
        resources: dict[str, Any] = self.doc["ProcessingResources"]["ClusterConfig"]
        return resources

    @property
    def isolated(self) -> bool:
        return bool(self.doc.get("NetworkConfig", {}).get("EnableNetworkIsolation"))

    @property
    def saves(self) -> bool:
        return any(output["S3UploadMode"] == "Continuous" for output in self._outputs())

    def prepare(self, s3: Any) -> None:
        for host in self.hosts:
            self._configure(host)
        for given in self.doc["ProcessingInputs"]:
            if not given["AppManaged"]:
                self._bring(s3, given["S3Input"])

    def _configure(self, host: Host) -> None:
        ml = self.ml(host)
        for folder in ("config", "output", "processing", *(_below(output) for output in self._outputs())):
            (ml / folder).mkdir(parents=True, exist_ok=True)
        told = {member: self.doc[member] for member in TOLD if member in self.doc}
        (ml / "config/processingjobconfig.json").write_text(json.dumps(told))
        (ml / "config/resourceconfig.json").write_text(json.dumps(config(host, self.hosts)))

    def _bring(self, s3: Any, source: dict[str, Any]) -> None:
        found = staging.objects(s3, source)
        for index, host in enumerate(self.hosts):
            wanted = staging.shard(found, source, index, len(self.hosts))
            staging.download(s3, wanted, self.ml(host) / _below(source))

    def start(self) -> str:
        application = self.doc["AppSpecification"]
        runtime = self.runtime(application["ImageUri"])
        first, *rest = application.get("ContainerEntrypoint") or runtime.process
        argv = [*runtime.commands.get(first, [*runtime.named, first]), *rest]
        for host in self.hosts:
            launch = self.launch(host, runtime, [*argv, *application.get("ContainerArguments", [])], {})
            self.world.processes.start(self.process(host), launch)
        return runtime.notice

    def save(self) -> None:
        s3, key_id = self.s3, self._key_id
        record = self.folder / "saved.json"
        known = json.loads(record.read_text()) if record.exists() else {}
        for output in self._outputs():
            if output["S3UploadMode"] == "Continuous":
                for host in self.hosts:
                    before = known.setdefault(f"{host.name} {output['LocalPath']}", {})
                    delivery.save(s3, self.left(host, _below(output)), output["S3Uri"], before, key_id)
        draft = record.with_suffix(".draft")
        draft.write_text(json.dumps(known))
        draft.rename(record)

    def reason(self, host: Host, code: int) -> str:
        return job.ending_with("AlgorithmError: See job logs for more information", code)

    def deliver(self, status: str) -> None:
        """Also of a job that has failed: what it had to say of that may be among it."""
        s3, key_id = self.s3, self._key_id
        for output in self._outputs():
            if output["S3UploadMode"] == "EndOfJob":
                for host in self.hosts:
                    delivery.save(s3, self.left(host, _below(output)), output["S3Uri"], {}, key_id)
        if self.saves:
            self.save()

    def results(self, now: Any, status: str) -> dict[str, Any]:
        texts = (leavings.text(self.left(host, "output"), "message", MESSAGE) for host in self.hosts)
        message = next((text for text in texts if text), None)
        return {"ExitMessage": message} if message else {}

    @property
    def _key_id(self) -> str:
        key_id: str = self.doc["ProcessingOutputConfig"].get("KmsKeyId", "")
        return key_id

    def _outputs(self) -> Iterator[dict[str, Any]]:
        """What we bring to S3: not what the application itself does."""
        for output in self.doc["ProcessingOutputConfig"]["Outputs"]:
            if not output["AppManaged"]:
                yield output["S3Output"]


def _below(place: dict[str, Any]) -> str:
    """LocalPath, below /opt/ml."""
    local: str = place["LocalPath"]
    return local.removeprefix(ML).strip("/")
