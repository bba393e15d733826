from dataclasses import replace

import botocore.auth
import botocore.crt.auth
import pytest
from containers.programs import based  # noqa: F401  (fixture)

from skylab.cloud import Cloud
from skylab.compute.background import Inline
from skylab.compute.processes import Ending, Launch
from skylab.gateway import identity
from skylab.kernel import credentials
from skylab.kernel.clock import RandomIds, TestClock
from skylab.settings import Settings


class RecordedProcesses:
    """Processes that end when the test says so."""

    def __init__(self):
        self.launched: dict[str, Launch] = {}
        self.endings: dict[str, Ending] = {}

    def start(self, id, launch):
        self.launched.setdefault(id, launch)

    def ending(self, id):
        return self.endings.get(id)

    def alive(self, id):
        return id in self.launched and id not in self.endings

    def stop(self, id, hard=False):
        self.endings.setdefault(id, Ending(exit_code=-15, ended=None, started=None))

    def end(self, exit_code):
        for id in self.launched:
            self.endings.setdefault(id, Ending(exit_code, ended=None, started=None))


@pytest.fixture
def clock():
    return TestClock()


@pytest.fixture
def processes():
    return RecordedProcesses()


@pytest.fixture
def settings():
    return Settings(describe_hold_seconds=0, fallback=False)


@pytest.fixture
def cloud(tmp_path, clock, processes, settings, monkeypatch):
    """Held clock, recorded processes, bugs come through. The supervisor moves only by cloud.supervisor.step(now)."""

    def now(remove_tzinfo=True):
        return clock.now().replace(tzinfo=None) if remove_tzinfo else clock.now()

    for signer in (botocore.auth, botocore.crt.auth):  # the client signs by the cloud's clock
        monkeypatch.setattr(signer, "get_current_datetime", now)
    cloud = Cloud(tmp_path / "root", settings, clock, RandomIds(), processes, Inline(), strict=True)
    yield cloud
    cloud.stop()


@pytest.fixture
def real_cloud(tmp_path, settings):
    """Real clock, real processes, its supervisor running; no socket, so jobs get no credentials of their own."""
    cloud = Cloud(tmp_path / "root", replace(settings, describe_hold_seconds=5))
    cloud.start()
    yield cloud
    cloud.stop()


def connect(cloud, service, region=None, **config):
    """A real boto3 client, as the account's administrator, whose bytes go to the cloud without a socket."""
    key = cloud.account.credentials()
    if service == "s3":
        config.setdefault("s3", {"addressing_style": "path"})
    return cloud.transport.client(
        service, region or key["Region"], key["AccessKeyId"], key["SecretAccessKey"], key["SessionToken"], **config
    )


def connect_through(cloud, service, by):
    """As connect(), but the calls come through another service in the administrator's name, as "s3" asks KMS."""
    key = cloud.account.credentials()
    with cloud.store.reading() as tx:
        known = credentials.find(tx, key["AccessKeyId"])
    caller = replace(identity.principal(known), via=(f"{by}.amazonaws.com",))
    return cloud.connect(service, key["Region"], caller)
