"""The whole, put together: the only module that knows every other."""

import asyncio
import hashlib
import json
import os
import tempfile
import threading
from collections.abc import Callable
from concurrent.futures import Executor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property
from pathlib import Path
from typing import Any

from skylab.account import Account
from skylab.compute.background import Background
from skylab.compute.ends import Ends
from skylab.compute.environments import Environments
from skylab.compute.processes import LocalProcesses, Processes
from skylab.compute.supervisor import Supervisor
from skylab.compute.world import World
from skylab.gateway import sessions
from skylab.gateway.app import Gateway
from skylab.gateway.asgi import App
from skylab.gateway.audit import Audit
from skylab.gateway.fallback import Fallback
from skylab.gateway.identity import Origin
from skylab.gateway.inprocess import Transport
from skylab.gateway.service import Service
from skylab.kernel import credentials
from skylab.kernel.clock import Clock, Ids, RandomIds, SystemClock
from skylab.kernel.store import Store
from skylab.services import cloudtrail, ecr, iam, kms, logs, s3, sagemaker, sagemaker_metrics, sagemaker_runtime, sts
from skylab.services.call import Principal
from skylab.settings import Settings

MODULES = [iam, sts, kms, cloudtrail, logs, s3, ecr, sagemaker, sagemaker_runtime, sagemaker_metrics]
ASSUMED = timedelta(hours=12)


@dataclass
class Cloud:
    """root: the folder that holds everything. strict: bugs come through instead of being logged (tests)."""

    root: Path
    settings: Settings = field(default_factory=Settings)
    clock: Clock = field(default_factory=SystemClock)
    ids: Ids = field(default_factory=RandomIds)
    processes: Processes | None = None
    executor: Executor | None = None  # for background effects; tests run them inline
    strict: bool = False

    def __post_init__(self) -> None:
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.store = Store(self.root / "state.db", self.settings.durability)
        self._clients: dict[tuple[str, str, str], Any] = {}
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self.loop.run_forever, name="in-process calls", daemon=True)
        self._thread.start()
        self.services = [Service(m, self._open(m)) for m in MODULES]
        self.fallback = Fallback(self.root, self.settings) if self.settings.fallback else None
        part = next(service.part for service in self.services if service.name == cloudtrail.NAME)
        self.audit = Audit(self.store, part["ledger"], part["watch"], self.clock, self.ids)
        self.ends = Ends(lambda: self.supervisor.wake())
        runs = self.root.absolute() / "runs"
        self.programs: Processes = self.processes or LocalProcesses(runs, hidden=[self.root], ends=self.ends)
        sandbox = self.settings.sandbox != "off"
        self.environments = Environments(self.root / "requirements", self.programs, sandbox)
        self.gateway = Gateway(
            *(self.services, self.store, self.clock, self.ids, self.settings),
            *(self.connect, self.assume, self.audit, self.fallback, self.environments),
        )
        self.app, self.transport = App(self.gateway), Transport(self.gateway, self.loop)
        self.account = Account(self.store, self.clock, self.settings, self.transport)
        self.account.prepare()
        work = {kind: made(self.world) for m in MODULES for kind, made in getattr(m, "WORK", {}).items()}
        work["session"] = self.account
        self.supervisor = Supervisor(self.store, work, self.clock, self.strict)
        self._write_credentials()

    def _open(self, module: Any) -> dict[str, Any]:
        made: dict[str, Any] = module.open(self.root, self.settings, self.clock) if hasattr(module, "open") else {}
        return made

    @cached_property
    def world(self) -> World:
        digest = hashlib.sha256(str(self.root.absolute()).encode()).hexdigest()[:10]
        sockets = Path(tempfile.gettempdir()) / f"skylab-{os.getuid()}-{digest}"
        sockets.mkdir(mode=0o700, exist_ok=True)
        if sockets.stat().st_uid != os.getuid():
            raise PermissionError(f"{sockets} belongs to somebody else: remove it, or set TMPDIR to a folder of yours.")
        return World(
            root=self.root.absolute(),
            sockets=sockets,
            store=self.store,
            processes=self.programs,
            environments=self.environments,
            settings=self.settings,
            ids=self.ids,
            background=Background(self.executor, lambda: self.supervisor.wake()),
            assume=self.assume,
            as_service=self.as_service,
            endpoint=f"http://127.0.0.1:{self.settings.port}",
            report=self.audit.service_event,
            parts={service.name: service.part for service in self.services},
        )

    # -- clients in process

    def connect(self, service: str, region: str, principal: Principal) -> Any:
        """A boto3 client that calls as the principal, by the very key it signed with, through the services it names."""
        if principal.type == "AWSService":
            return self._of_service(service, region, principal)
        with self.store.reading() as tx:
            known = credentials.find(tx, principal.access_key)
        if known is None:
            raise LookupError("the caller's key is gone")
        origin = Origin(principal) if principal.via else None
        return self._client(service, region, known.access_key, known.secret, known.token, origin)

    def assume(
        self,
        service: str,
        region: str,
        role_arn: str,
        name: str,
        by: str = "sagemaker.amazonaws.com",
        source_arn: str = "",
    ) -> Any:
        """A boto3 client that acts as a role which the service `by` assumes, for source_arn. Raises AwsError."""
        now = self.clock.now()
        with self.store.writing() as tx:
            issued = sessions.assumed(tx, role_arn, name, by, now, now + ASSUMED, source_arn)
        return self._client(service, region, issued["AccessKeyId"], issued["SecretAccessKey"], issued["SessionToken"])

    def as_service(self, principal: str, source_arn: str) -> Callable[[str, str], Any]:
        """(service, region) -> a boto3 client with which a service acts in its own name for a resource."""
        return lambda service, region: self._of_service(service, region, sessions.of_service(principal, source_arn))

    def _of_service(self, service: str, region: str, principal: Principal) -> Any:
        """Signed with a key that only this client and the gateway it speaks to ever know."""
        own = credentials.momentary(principal.account, self.clock.now())
        return self._client(service, region, own.access_key, own.secret, None, Origin(principal, own))

    def _client(
        self, service: str, region: str, key: str, secret: str, token: str | None, origin: Origin | None = None
    ) -> Any:
        config = {"s3": {"addressing_style": "path"}} if service == "s3" else {}
        return self.transport.client(service, region, key, secret, token, origin, **config)

    # -- life

    def _write_credentials(self) -> None:
        path = self.root / "credentials.json"
        draft = path.with_suffix(".draft")
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(self.account.credentials(), indent=1))
        draft.replace(path)

    def start(self) -> None:
        self.supervisor.start()

    def stop(self) -> None:
        """Ends the cloud, not its jobs: they go on, and the next start adopts them."""
        self.supervisor.stop()
        self.ends.close()
        self.world.background.close()
        if self.fallback:
            self.fallback.stop()
        self.gateway.pool.shutdown(wait=True)
        for service in self.services:
            if keeper := service.part.get("keeper"):
                keeper.close()
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()
        self.store.close()
