"""Any job as its processes know it: their folders, what is brought there, what is run, what is taken away.

It lies in world.root/jobs/<task>: one folder per host (its /opt/ml), and what is moved in and out. Its processes are
<task>/algo-n. A kind of job says what is its own: see Job.
"""

import shutil
from abc import ABC, abstractmethod
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, ClassVar

from skylab.compute.instances import instance
from skylab.compute.leavings import Left
from skylab.compute.processes import Ending, Launch
from skylab.compute.world import World
from skylab.kernel.key import Key
from skylab.kernel.store import Task
from skylab.services.sagemaker.common import process_env
from skylab.services.sagemaker.jobs import custom
from skylab.services.sagemaker.jobs.hosts import Host, addresses, hosts
from skylab.services.sagemaker.jobs.runtimes import Runtime, resolve
from skylab.services.sagemaker.jobs.staging import DataFailed
from skylab.wire.errors import AwsError

SYNC = timedelta(seconds=5)
REASON = 1024  # the longest FailureReason
LOST = "InternalServerError: We encountered an internal error. Please try again."
ENDS = {
    "Completed": "Completed",
    "Failed": "Failed",
    "Stopped": "Stopped",
    "MaxRuntimeExceeded": "Stopped",
    "MaxWaitTimeExceeded": "Stopped",
}

OVER = {"Completed", "Failed", "Stopped"}


Stream = tuple[str, str, str, str]  # account, region, group, stream


def stream(kind: str, key: Key, doc: dict[str, Any], host: Host) -> Stream:
    """That a host's log is in. kind: Training."""
    name = f"{key.name}/{host.name}-{int(doc['CreationTime'].timestamp())}"
    return key.account, key.region, f"/aws/sagemaker/{kind}Jobs", name


class Job(ABC):
    """One job, as its task and its document describe it.

    What a kind of job must say: NAME, resources, image, prepare(), start(), reason(), deliver(), and overdue() where
    its limit is not StoppingCondition. What it may say: whatever else is here.

    A phase is what training jobs call a secondary status: Starting, Downloading, Running, Interrupted, Uploading,
    Stopping, and the ends Completed, Failed, Stopped, MaxRuntimeExceeded, MaxWaitTimeExceeded.
    """

    NAME: ClassVar[str]  # Training: of TrainingJobStatus, TrainingStartTime, /aws/sagemaker/TrainingJobs

    def __init__(self, world: World, task: Task, doc: dict[str, Any]) -> None:
        self.world, self.task, self.doc = world, task, doc
        self.key: Key = task.target
        self.folder = world.root.absolute() / "jobs" / task.id
        self.hosts = hosts(self.resources)

    # -- what is a kind's own

    @property
    @abstractmethod
    def resources(self) -> dict[str, Any]:
        """InstanceType and InstanceCount, or InstanceGroups."""

    @property
    def role(self) -> str:
        role: str = self.doc["RoleArn"]
        return role

    @property
    def isolated(self) -> bool:
        return bool(self.doc.get("EnableNetworkIsolation"))

    @property
    def saves(self) -> bool:
        """Whether anything is brought to S3 while the programs run."""
        return False

    @property
    def pace(self) -> timedelta:
        """Between two looks for what is to be saved."""
        return SYNC

    @property
    def busy(self) -> bool:
        """Whether we have still to do with it, though its programs may have ended."""
        return False

    @property
    def retries(self) -> int:
        """How often a job is started again of which a host was lost."""
        return 0

    @property
    def waits_until(self) -> datetime | None:
        """When the job's time is over, that in which it waits for its instances included."""
        return None

    @property
    def began(self) -> datetime:
        """When this attempt's programs were started."""
        began: datetime = self.doc["_"].get("began", self.doc["CreationTime"])
        return began

    def overdue(self, now: datetime) -> str | None:
        """The end that a limit demands."""
        limit = self.doc["StoppingCondition"]["MaxRuntimeInSeconds"]
        return (
            "MaxRuntimeExceeded" if "began" in self.doc["_"] and now - self.began >= timedelta(seconds=limit) else None
        )

    @abstractmethod
    def prepare(self, s3: Any) -> None:
        """All that the hosts find when they start, into folders that are new. Raises DataFailed."""

    @abstractmethod
    def start(self) -> str:
        """Starts whatever has not begun: what is to be said first in the log. Raises AwsError."""

    def save(self) -> None:
        """Brings to S3 what is new since the last time. Raises DataFailed."""
        return

    @abstractmethod
    def reason(self, host: Host, code: int) -> str:
        """The FailureReason of a host whose program has failed. code: as a shell says it."""

    @abstractmethod
    def deliver(self, status: str) -> None:
        """Brings to S3 what the job has made. Raises DataFailed."""

    def results(self, now: datetime, status: str) -> dict[str, Any]:
        """The members of the document that tell what was delivered."""
        return {}

    def times(self, doc: dict[str, Any], now: datetime) -> dict[str, Any]:
        """The members that are known at the end."""
        return {f"{self.NAME}EndTime": now}

    def marked(self, doc: dict[str, Any], phase: str, now: datetime) -> dict[str, Any]:
        """The document in this phase from now on."""
        began = {"_": doc["_"] | {"began": now}} if phase == "Running" else {}
        return doc | began | {self.status: status_of(doc[self.status], phase), "LastModifiedTime": now}

    # -- what all have

    @property
    def status(self) -> str:
        """The member that says what has become of the job."""
        return f"{self.NAME}JobStatus"

    def process(self, host: Host) -> str:
        return f"{self.task.id}/{host.name}"

    def ml(self, host: Host) -> Path:
        """What the host's program sees as /opt/ml."""
        return self.folder / host.name

    def home(self, host: Host) -> Path:
        return self.folder / "homes" / host.name

    def left(self, host: Host, below: str) -> Left:
        return Left(self.ml(host), below)

    def log(self, host: Host) -> Path:
        return self.world.processes.log(self.process(host))

    def logs(self) -> dict[str, tuple[Path, Stream]]:
        """What is shipped to CloudWatch Logs, by a name of its own: files, and where they go."""
        return {host.name: (self.log(host), self.stream(host)) for host in self.hosts}

    def stream(self, host: Host) -> Stream:
        return stream(self.NAME, self.key, self.doc, host)

    def runtime(self, uri: str) -> Runtime:
        """What runs for an image. Raises AwsError."""
        return resolve(uri, custom.puller(lambda: self.world.assume("ecr", self.key.region, self.role, "SageMaker")))

    @property
    def s3(self) -> Any:
        """A client that acts as the job's role. Raises DataFailed: the role may be gone by now."""
        try:
            return self.world.assume("s3", self.key.region, self.role, "SageMaker")
        except AwsError:
            raise DataFailed(f"ClientError: Could not assume role {self.role}.") from None

    def stage(self) -> None:
        """Begins anew whenever it is repeated. Raises DataFailed."""
        shutil.rmtree(self.folder, ignore_errors=True)
        s3 = self.s3
        for host in self.hosts:
            self.home(host).mkdir(parents=True)
            self.ml(host).mkdir(parents=True)
        self.prepare(s3)

    def launch(self, host: Host, runtime: Runtime, argv: list[str], env: dict[str, str], **more: Any) -> Launch:
        """What any program of a job is given; more: of its kind."""
        kind, home = instance(host.type), self.home(host)
        told = process_env(self.world, self.task, self.key.region, home, kind.vcpus, self.isolated)
        path = {name: value for name, value in runtime.env.items() if name == "PATH"}  # an image's own
        if runtime.image and self.world.processes.began(self.process(host)) is None:
            custom.seed(self.world.root, runtime.image, self.ml(host))
        return Launch(
            argv,
            env=runtime.env | told | path | env | self.doc.get("Environment", {}),
            cwd=runtime.cwd,
            image=runtime.layers(self.world.root),
            root=str(self.ml(host)),
            writes=[str(home)],
            reads=[str(self.world.environments.ready)],
            hostname=host.name,
            hosts=addresses(self.task.id, self.hosts),
            isolated=self.isolated,
            together=self.isolated and len(self.hosts) > 1,
            cpus=kind.vcpus,
            memory=int(kind.memory * 2**30) if kind.memory else None,
            sandbox=self.world.settings.sandbox != "off",
            **more,
        )

    @property
    def begun(self) -> bool:
        return any(self.world.processes.began(self.process(host)) is not None for host in self.hosts)

    def endings(self) -> dict[str, Ending | None]:
        return {host.name: self.world.processes.ending(self.process(host)) for host in self.hosts}

    def stop(self, hard: bool) -> None:
        for host in self.hosts:
            self.world.processes.stop(self.process(host), hard)

    def outcome(self, endings: dict[str, Ending | None], why: str | None) -> tuple[str, str | None]:
        """The phase that it comes to, and the FailureReason. Who failed first has ended the others."""
        if why:
            return why, None
        failures = [(ending, name) for name, ending in endings.items() if ending and not ending.ok]
        if not failures:
            return "Completed", None
        ending, name = min(failures, key=lambda failure: failure[0].ended or 0.0)  # lost: it has no end
        if ending.exit_code is None:
            return "Failed", LOST
        code = ending.exit_code if ending.exit_code >= 0 else 128 - ending.exit_code
        return "Failed", self.reason(next(host for host in self.hosts if host.name == name), code)


def status_of(now: str, phase: str) -> str:
    """The status of a job that enters this phase."""
    return ENDS.get(phase) or ("Stopping" if phase == "Stopping" else now)


def ending_with(text: str, code: int) -> str:
    """A FailureReason that ends with the exit code, cut to what AWS shows."""
    end = f", exit code: {code}"
    return text[: REASON - len(end)].rstrip() + end
