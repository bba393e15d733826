"""One replica: a process that serves a variant's model on a Unix socket. What is known of it is a dict in its task."""

import os
import shutil
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from skylab.compute.instances import Instance, instance
from skylab.compute.processes import Launch
from skylab.compute.world import World
from skylab.kernel.store import Task
from skylab.services.sagemaker.common import process_env
from skylab.services.sagemaker.hosting import artifacts, asynchronous
from skylab.services.sagemaker.hosting.health import UNWELL, Health, answers
from skylab.services.sagemaker.jobs import custom, runtimes
from skylab.services.sagemaker.jobs.runtimes import Runtime
from skylab.wire.errors import AwsError

GIB = 1 << 30
MODELS = "models"  # below /opt/ml: what a multi-model container is given while it runs
LONGEST_REST = 60.0  # seconds between two attempts to start a replica that keeps dying
LASTING = 60.0  # seconds of life after which a death is a new story
PIECE = 1 << 20  # bytes of a log that are shipped at once


@dataclass(frozen=True)
class Replica:
    """known: variant, instance, attempt, state (starting, healthy, resting), since, retry, failures, offset;
    unwell, since when it does not answer to /ping."""

    task: Task
    slot: str  # "<index of the variant>-<number of the instance>", with "-<number>" for a container but the first
    known: dict[str, Any]
    world: World

    @property
    def process(self) -> str:
        return f"{self.task.id}/{self.slot}-{self.known['attempt']}"

    @property
    def socket(self) -> Path:
        """In a folder of its own, which is all of the sockets' folder that the program sees."""
        return self.world.sockets / f"{self.task.id}-{self.slot}-{self.known['attempt']}" / "s"

    @property
    def variant(self) -> dict[str, Any]:
        """The variant, as this container of it runs it."""
        index, container = parts(self.slot)
        plan: dict[str, Any] = self.task.data["variants"][index]
        return plan | plan["others"][container - 1] if container else plan

    @property
    def stream(self) -> str:
        """With the container's name, where an instance has several."""
        own = f"/{self.variant['host']}" if self.variant.get("others") else ""
        return f"{self.known['variant']}/{self.known['instance']}{own}"

    def advance(self, now: datetime) -> dict[str, Any]:
        """One step; what has changed in what is known, {} for nothing. state "died" is for the fleet to judge."""
        at, state = now.timestamp(), self.known["state"]
        if state == "resting":
            return self._again(at) if at >= self.known["retry"] and self.gone(hard=True) else {}
        if state == "starting" and self.world.processes.began(self.process) is None:
            try:
                self._start()
            except AwsError:  # its image has gone from the registry, or the role may not pull it any more
                return {"state": "died"}
            return {}
        if self.world.processes.ending(self.process) is not None:
            return {"state": "died"}
        if state == "healthy" and not self.socket.exists():
            return {"state": "died"}  # nobody reaches it: an earlier version's, or its folder in /tmp was swept away
        if state == "healthy" or not self._answers():
            late = state == "starting" and at - self.known["since"] > self.variant["patience"]
            return {"state": "died"} if late else {}
        return {"state": "healthy"}

    def _answers(self) -> bool:
        return self.socket.exists() and bool(answers(self.world.background, self.process, self.socket))

    def checked(self, health: Health, at: float) -> dict[str, Any]:
        """What a question, whether it still answers, has changed."""
        well, since = health.asked(self.process, self.socket, at), self.known.get("unwell")
        if well is None:
            return {}
        if well:
            return {"unwell": None} if since else {}
        if since and at - since >= UNWELL:
            return {"state": "died"}
        return {} if since else {"unwell": at}

    def _start(self) -> None:
        shown = self.folder
        index, container = parts(self.slot)
        fetched = artifacts.part(models(self.world, self.task) / str(index), container)
        shown.mkdir(parents=True, exist_ok=True)
        for source, target in ((fetched, "model"), (artifacts.more(fetched), artifacts.MORE)):
            if source.exists() and not (shown / target).exists():
                shutil.copytree(source, shown / target, copy_function=os.link)
        if "multi" in self.variant:
            (shown / MODELS).mkdir(exist_ok=True)
        self._home().mkdir(exist_ok=True)
        self.socket.parent.mkdir(mode=0o700, exist_ok=True)
        self.world.processes.start(self.process, self._launch(shown))

    @property
    def folder(self) -> Path:
        """What the program sees as /opt/ml."""
        return folder(self.world, self.task) / self.slot

    def _launch(self, shown: Path) -> Launch:
        variant, kind, runtime = self.variant, machine(self.variant), self._runtime()
        if runtime.image and self.world.processes.began(self.process) is None:
            custom.seed(self.world.root, runtime.image, shown)
        return Launch(
            argv=runtime.serve,
            env=self._environment(runtime, kind.vcpus),
            cwd=runtime.cwd,
            image=runtime.layers(self.world.root),
            exposed=runtime.exposed(self.world, self.socket, variant["isolated"]),
            root=str(shown),
            # "Your container has read-only access to these files", and all replicas share them
            frozen=["/opt/ml/model", f"/opt/ml/{MODELS}", f"/opt/ml/{artifacts.MORE}"],
            writes=[str(self._home()), str(self.socket.parent)],
            reads=[str(self.world.environments.ready)],
            hostname="model.aws.local",
            hosts={"model.aws.local": "127.0.0.1"},
            isolated=variant["isolated"],
            cpus=kind.vcpus,
            memory=int(kind.memory * GIB) if kind.memory else None,
            sandbox=self.world.settings.sandbox != "off",
        )

    def _runtime(self) -> Runtime:
        """Raises AwsError: an image of one's own may be gone by now."""
        region, role = self.task.target.region, self.variant["role"]
        pull = custom.puller(lambda: self.world.assume("ecr", region, role, "SageMaker"))
        return runtimes.resolve(self.variant["image"], pull)

    def _environment(self, runtime: Runtime, cpus: int | None) -> dict[str, str]:
        variant = self.variant
        common = process_env(self.world, self.task, self.task.target.region, self._home(), cpus, variant["isolated"])
        program = runtime.env | {"SAGEMAKER_BIND_TO_PORT": "8080"}
        program |= asynchronous.environment(variant)
        if "multi" in variant:
            memory = machine(variant).memory
            program |= {"SAGEMAKER_MULTI_MODEL": "true"}
            program |= {"SKYLAB_MODEL_MEMORY": str(int(memory * GIB))} if memory else {}
        env: dict[str, str] = common | program | variant["env"] | {"SKYLAB_SERVE_SOCKET": str(self.socket)}
        return env

    def _home(self) -> Path:
        """A home of its own, which goes when the replica does."""
        return folder(self.world, self.task) / f"{self.slot}-home"

    def _again(self, at: float) -> dict[str, Any]:
        """A new attempt under a new process id, since what has begun is never started again."""
        shutil.rmtree(self.socket.parent, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.world.processes.forget(self.process)
        return {"state": "starting", "attempt": self.known["attempt"] + 1, "since": at, "offset": 0, "unwell": None}

    def rested(self, at: float) -> dict[str, Any]:
        """After a death: at once the first time, then after ever longer rests."""
        failures = 0 if at - self.known["since"] > LASTING else self.known["failures"]
        rest = min(2.0 ** (failures - 1), LONGEST_REST) if failures else 0.0
        return {"state": "resting", "retry": at + rest, "failures": failures + 1}

    def gone(self, hard: bool) -> bool:
        """Whether nothing of it runs; asks it to end as long as something does."""
        if self.world.processes.began(self.process) is None:
            return True
        if self.world.processes.ending(self.process) is not None:
            return True
        self.world.processes.stop(self.process, hard)
        return False

    def said(self, whole: bool) -> tuple[list[str], int]:
        """Lines of its log that are not shipped yet, and the offset behind them; whole: the last line needs no end."""
        try:
            with open(self.world.processes.log(self.process), "rb") as log:
                log.seek(self.known["offset"])
                new = log.read(PIECE)
        except FileNotFoundError:
            return [], self.known["offset"]
        end = len(new) if whole or len(new) == PIECE else new.rfind(b"\n") + 1
        return new[:end].decode(errors="replace").splitlines(), self.known["offset"] + end


def parts(slot: str) -> tuple[int, int]:
    """(index of the variant, number of the container)"""
    index, _, *container = slot.split("-")
    return int(index), int(container[0]) if container else 0


def machine(variant: dict[str, Any]) -> Instance:
    """What a replica of a variant runs on: an instance, or the part of one that is its own."""
    own = variant.get("machine")
    return Instance("part", own["vcpus"], own["memory"]) if own else instance(variant["type"])


def folder(world: World, task: Task) -> Path:
    return world.root / "endpoints" / task.id


def models(world: World, task: Task) -> Path:
    return folder(world, task) / "models"


def fresh(variant: dict[str, Any], instance_id: str, at: float) -> dict[str, Any]:
    return {
        "variant": variant["name"],
        "instance": instance_id,
        "attempt": 0,
        "state": "starting",
        "since": at,
        "retry": at,
        "failures": 0,
        "offset": 0,
    }
