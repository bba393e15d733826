import pytest
from botocore.exceptions import ClientError

from conftest import connect


@pytest.fixture
def kms(cloud):
    return connect(cloud, "kms")


@pytest.fixture
def key(kms):
    """A symmetric encryption key: its KeyMetadata."""
    return kms.create_key()["KeyMetadata"]


class Refusal:
    """What `with refused() as said` was refused with."""

    def __enter__(self):
        return self

    def __exit__(self, kind, error, trace):
        assert kind is not None, "nothing was refused"
        if issubclass(kind, ClientError):
            self.code, self.message = error.response["Error"]["Code"], error.response["Error"]["Message"]
            return True
        return False


@pytest.fixture
def refused():
    return Refusal


@pytest.fixture
def step(cloud, clock):
    """Lets time pass, and what falls due happen."""

    def after(**delta):
        now = clock.advance(**delta)
        with cloud.store.writing() as tx:
            tx.db.execute("update credential set expires = null")  # the clients outlive their sessions
        for _ in range(3):
            cloud.supervisor.step(now)

    return after
