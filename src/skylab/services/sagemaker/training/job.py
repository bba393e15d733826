"""One training job as its processes know it: their folders, what is brought there, what is run, what is taken away.

It lies in world.root/jobs/<task>: one folder per host (its /opt/ml), and what is moved in and out. Its processes are
<task>/algo-n.
"""

import json
import shutil
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from skylab.compute import leavings
from skylab.compute.instances import instance
from skylab.compute.leavings import Left
from skylab.compute.processes import Ending, Launch
from skylab.compute.world import World
from skylab.kernel.key import Key
from skylab.kernel.store import Task
from skylab.services.sagemaker.common import process_env
from skylab.services.sagemaker.jobs import delivery, joblogs, staging
from skylab.services.sagemaker.jobs.hosts import Host, addresses, checkpoints, hosts, mode, reaches, write_config
from skylab.services.sagemaker.jobs.runtimes import Runtime, resolve
from skylab.services.sagemaker.jobs.staging import DataFailed
from skylab.services.sagemaker.training import transitions
from skylab.wire.errors import AwsError

GROUP = "/aws/sagemaker/TrainingJobs"
REASON = 1024  # the longest FailureReason
LOST = "InternalServerError: We encountered an internal error. Please try again."


def stream(key: Key, doc: dict[str, Any], host: Host) -> tuple[str, str, str, str]:
    """Account, region, log group, and the stream that a host's log is in."""
    return key.account, key.region, GROUP, f"{key.name}/{host.name}-{int(doc['CreationTime'].timestamp())}"


def streams(key: Key, doc: dict[str, Any]) -> list[tuple[str, str, str, str]]:
    return [stream(key, doc, host) for host in hosts(doc)]


class Job:
    """One training job, as its task and its document describe it."""

    def __init__(self, world: World, task: Task, doc: dict[str, Any]) -> None:
        self.world, self.task, self.doc = world, task, doc
        self.key: Key = task.target
        self.folder = world.root.absolute() / "jobs" / task.id
        self.hosts = hosts(doc)

    def process(self, host: Host) -> str:
        return f"{self.task.id}/{host.name}"

    def ml(self, host: Host) -> Path:
        """What the host's program sees as /opt/ml."""
        return self.folder / host.name

    def home(self, host: Host) -> Path:
        return self.folder / "homes" / host.name

    def log(self, host: Host) -> Path:
        return self.world.processes.log(self.process(host))

    def stream(self, host: Host) -> tuple[str, str, str, str]:
        return stream(self.key, self.doc, host)

    @property
    def s3(self) -> Any:
        return self.world.assume("s3", self.key.region, self.doc["RoleArn"], "SageMaker")

    @property
    def begun(self) -> bool:
        return any(self.world.processes.began(self.process(host)) is not None for host in self.hosts)

    @property
    def began(self) -> datetime:
        """When this attempt's program was started."""
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
        """Which limit has been reached."""
        if transitions.spent(self.doc, ("Training",), now) >= self.doc["StoppingCondition"]["MaxRuntimeInSeconds"]:
            return "MaxRuntimeExceeded"
        if (limit := self.waits_until) is not None and now >= limit:
            return "MaxWaitTimeExceeded"
        return None

    def _left(self, host: Host, below: str) -> Left:
        return Left(self.ml(host), below)

    # -- before

    def stage(self) -> None:
        """All that the hosts find when they start. Raises DataFailed."""
        shutil.rmtree(self.folder, ignore_errors=True)
        try:
            s3 = self.s3
        except AwsError:
            raise DataFailed(f"ClientError: Could not assume role {self.doc['RoleArn']}.") from None
        for host in self.hosts:
            self.home(host).mkdir(parents=True)
            write_config(self.ml(host), self.doc, host)
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
        """Starts whatever has not begun: what is to be said first in the log. Raises AwsError."""
        runtime = resolve(self.doc["AlgorithmSpecification"]["TrainingImage"])
        for host in self.hosts:
            self.world.processes.start(self.process(host), self._launch(host, runtime))
        return runtime.notice

    def _launch(self, host: Host, runtime: Runtime) -> Launch:
        algorithm, isolated = self.doc["AlgorithmSpecification"], self.doc["EnableNetworkIsolation"]
        kind = instance(host.type)
        own = {"TRAINING_JOB_NAME": self.key.name, "TRAINING_JOB_ARN": self.doc["TrainingJobArn"]}
        home = self.home(host)
        env = process_env(self.world, self.task, self.key.region, home, kind.vcpus, isolated)
        return Launch(
            [*(algorithm.get("ContainerEntrypoint") or runtime.train), *algorithm.get("ContainerArguments", [])],
            env=runtime.env | env | own | self.doc.get("Environment", {}),
            root=str(self.ml(host)),
            writes=[str(home)],
            reads=[str(self.world.environments.ready)],
            hostname=host.name,
            hosts=addresses(self.task.id, self.hosts),
            isolated=isolated,
            together=isolated and len(self.hosts) > 1,
            cpus=kind.vcpus,
            memory=int(kind.memory * 2**30) if kind.memory else None,
            pipes=[
                staging.pipe(channel, [Path(path) for path in json.loads(order.read_text())])
                for channel in self.doc["InputDataConfig"]
                if (order := self._streamed(host, channel["ChannelName"]).with_suffix(".json")).exists()
            ],
            sandbox=self.world.settings.sandbox != "off",
        )

    def endings(self) -> dict[str, Ending | None]:
        return {host.name: self.world.processes.ending(self.process(host)) for host in self.hosts}

    def stop(self, hard: bool) -> None:
        for host in self.hosts:
            self.world.processes.stop(self.process(host), hard)

    def save_checkpoints(self) -> None:
        """What is new since the last time. Raises DataFailed."""
        s3 = self.s3
        for host in self.hosts:
            record = self.folder / f"{host.name}.uploaded.json"
            known = json.loads(record.read_text()) if record.exists() else {}
            folder = self._left(host, str(checkpoints(self.ml(host), self.doc).relative_to(self.ml(host))))
            delivery.save(s3, folder, self.doc["CheckpointConfig"]["S3Uri"], known)
            draft = record.with_suffix(".draft")
            draft.write_text(json.dumps(known))
            draft.rename(record)

    # -- after

    def outcome(self, endings: dict[str, Ending | None], why: str | None) -> tuple[str, str | None]:
        """The SecondaryStatus that it comes to, and the FailureReason. Who failed first has ended the others."""
        if why:
            return why, None
        failures = [(ending, name) for name, ending in endings.items() if ending and not ending.ok]
        if not failures:
            return "Completed", None
        ending, name = min(failures, key=lambda failure: failure[0].ended or 0.0)  # lost: it has no end
        return "Failed", self._reason(ending, next(host for host in self.hosts if host.name == name))

    def _reason(self, ending: Ending, host: Host) -> str:
        if ending.exit_code is None:
            return LOST
        code = ending.exit_code if ending.exit_code >= 0 else 128 - ending.exit_code
        text = leavings.text(self._left(host, "output"), "failure", REASON)
        if text is None:
            text = joblogs.tail(self.log(host))[-REASON:]
        if not text.startswith(("AlgorithmError:", "ClientError:", "InternalServerError:")):
            text = f"AlgorithmError: {text}"
        end = f", exit code: {code}"
        return text[: REASON - len(end)].rstrip() + end

    def deliver(self, status: str) -> None:
        """Model, output, checkpoints, metrics. Raises DataFailed."""
        s3, output, key_id = self.s3, self.doc["OutputDataConfig"], self.doc["OutputDataConfig"]["KmsKeyId"]
        models, outputs = ([self._left(host, name) for host in self.hosts] for name in ("model", "output/data"))
        if self._has_model(status):
            uri = delivery.location(output, self.key.name, "model")
            delivery.deliver(s3, models, uri, key_id, self.folder / "model.tar.gz")
        if any(any(leavings.files(folder)) for folder in outputs):
            uri = delivery.location(output, self.key.name, "output")
            delivery.deliver(s3, outputs, uri, key_id, self.folder / "output.tar.gz")
        if "CheckpointConfig" in self.doc:
            self.save_checkpoints()
        logs = [self.log(host) for host in self.hosts]
        found = joblogs.metrics(logs, self.doc["AlgorithmSpecification"]["MetricDefinitions"])
        (self.folder / "metrics.json").write_text(json.dumps(found))

    def _has_model(self, status: str) -> bool:
        made = any(any(leavings.files(self._left(host, "model"))) for host in self.hosts)
        return status == "Completed" or made and status != "Failed"

    def results(self, now: datetime, status: str) -> dict[str, Any]:
        """The members of the document that tell what was delivered."""
        found = json.loads((self.folder / "metrics.json").read_text())
        values = [{"MetricName": name, "Value": value, "Timestamp": now} for name, value in found.items()]
        uri = delivery.location(self.doc["OutputDataConfig"], self.key.name, "model")
        model = {"ModelArtifacts": {"S3ModelArtifacts": uri}} if self._has_model(status) else {}
        return model | ({"FinalMetricDataList": values} if values else {})
