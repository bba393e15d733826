"""What is a transform job's own: the model that its instances serve, and the objects that they are asked about."""

import json
import os
import shutil
from datetime import timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from skylab.compute.processes import Ending, Launch
from skylab.services.sagemaker.hosting.artifacts import Unavailable, fetch
from skylab.services.sagemaker.hosting.health import answers
from skylab.services.sagemaker.jobs import job, staging
from skylab.services.sagemaker.jobs.hosts import Host
from skylab.services.sagemaker.jobs.job import Stream
from skylab.services.sagemaker.jobs.runtimes import Runtime
from skylab.services.sagemaker.jobs.staging import DataFailed, Object

PATIENCE = timedelta(minutes=8)  # for a container to answer /ping
SEE = "See job logs for more information"
UNWELL = f"AlgorithmError: The container did not answer to /ping in time. {SEE}"


class Job(job.Job):
    NAME = "Transform"

    @property
    def plan(self) -> dict[str, Any]:
        plan: dict[str, Any] = self.doc["_"]["plan"]
        return plan

    @property
    def resources(self) -> dict[str, Any]:
        resources: dict[str, Any] = self.doc["TransformResources"]
        return resources

    @property
    def role(self) -> str:
        role: str = self.plan["role"]
        return role

    @property
    def isolated(self) -> bool:
        return bool(self.plan["isolated"])

    @property
    def feeding(self) -> str:
        """The background effect's key."""
        return f"{self.task.id}/feed"

    @property
    def busy(self) -> bool:
        return self.world.background.running(self.feeding)

    def overdue(self, now: Any) -> None:
        """A transform job has no StoppingCondition."""

    # -- before

    def prepare(self, s3: Any) -> None:
        source = self.doc["TransformInput"]["DataSource"]["S3DataSource"]
        found = list(dict.fromkeys(staging.objects(s3, source)))  # a manifest may name one twice
        try:
            fetch(s3, self.plan, self.folder / "model")
        except Unavailable as problem:
            raise DataFailed(f"ClientError: {problem}") from None
        for host in self.hosts:
            shutil.copytree(self.folder / "model", self.ml(host) / "model", copy_function=os.link)
        (self.folder / "done").mkdir()
        (self.folder / "objects.json").write_text(json.dumps([[one.bucket, one.key, one.name] for one in found]))

    def objects(self) -> list[Object]:
        return [Object(*told) for told in json.loads((self.folder / "objects.json").read_text())]

    def socket(self, host: Host) -> Path:
        """In a folder of its own, which is all of the sockets' folder that the program sees."""
        return self.world.sockets / f"{self.task.id}-{host.name}" / "s"

    def start(self) -> str:
        runtime = self.runtime(self.plan["image"])
        for host in self.hosts:
            self.socket(host).parent.mkdir(mode=0o700, exist_ok=True)
            self.world.processes.start(self.process(host), self._launch(host, runtime))
        return runtime.notice

    def _launch(self, host: Host, runtime: Runtime) -> Launch:
        socket = str(self.socket(host))
        own = {"SAGEMAKER_BIND_TO_PORT": "8080", "SKYLAB_SERVE_SOCKET": socket} | self.plan["env"] | self._told()
        exposed = runtime.exposed(self.world, self.socket(host), self.isolated)
        launch = self.launch(host, runtime, runtime.serve, own, frozen=["/opt/ml/model"], exposed=exposed)
        launch.writes.append(str(self.socket(host).parent))
        return launch

    def _told(self) -> dict[str, str]:
        """What the request says; what it does not say, the container is not told."""
        strategies = {"SingleRecord": "SINGLE_RECORD", "MultiRecord": "MULTI_RECORD"}
        given = {
            "SAGEMAKER_MAX_PAYLOAD_IN_MB": self.doc.get("MaxPayloadInMB"),
            "SAGEMAKER_BATCH_STRATEGY": strategies.get(self.doc.get("BatchStrategy", "")),
            "SAGEMAKER_MAX_CONCURRENT_TRANSFORMS": self.doc.get("MaxConcurrentTransforms"),
        }
        return {"SAGEMAKER_BATCH": "true"} | {name: str(value) for name, value in given.items() if value is not None}

    # -- meanwhile

    def answers(self, host: Host) -> bool:
        """Whether its container has answered to /ping; asked in the background, so first it has not."""
        socket = self.socket(host)
        return socket.exists() and bool(answers(self.world.background, self.process(host), socket))

    def mark(self, item: Object) -> Path:
        """The file that says that an object is done, and how."""
        return self.folder / "done" / f"{sha256(f'{item.bucket}/{item.key}'.encode()).hexdigest()}.json"

    @property
    def halted(self) -> bool:
        """Whether nothing is to be sent any more."""
        gone = self.world.background.closed or not self.folder.exists()
        return gone or (self.folder / "halted").exists()

    def stop(self, hard: bool) -> None:
        (self.folder / "halted").touch()
        super().stop(hard)

    def say(self, host: Host, line: str) -> None:
        with self._data_log(host).open("a") as file:
            file.write(f"[sagemaker logs]: {line}\n")

    def _data_log(self, host: Host) -> Path:
        return self.folder / f"{host.name}.data-log"

    def logs(self) -> dict[str, tuple[Path, Stream]]:
        found = super().logs()
        for host in self.hosts:
            account, region, group, stream = self.stream(host)
            found[f"{host.name}/data-log"] = self._data_log(host), (account, region, group, f"{stream}/data-log")
        return found

    # -- after

    def fed(self) -> dict[str, str]:
        """What has become of all the objects: status, and the reason where one of them failed."""
        failures = {json.loads(self.mark(item).read_text())["failure"] for item in self.objects()} - {""}
        if not failures:
            return {"fed": "Completed"}
        kind = "ClientError" if failures == {"ClientError"} else "AlgorithmError"
        return {"fed": "Failed", "why_fed": f"{kind}: {SEE}"}

    def outcome(self, endings: dict[str, Ending | None], why: str | None) -> tuple[str, str | None]:
        """The containers are ended when all has been fed; before that, their end is a failure, whatever they say."""
        data = self.task.data
        if why:
            return why, None
        if "fed" in data:
            return data["fed"], data.get("why_fed")
        return "Failed", super().outcome(endings, None)[1] or self.reason(self.hosts[0], 0)

    def reason(self, host: Host, code: int) -> str:
        return job.ending_with(f"AlgorithmError: {SEE}", code)

    def deliver(self, status: str) -> None:
        """Every object's output was delivered when it was done."""
