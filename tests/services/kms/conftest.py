import os

import pytest
from botocore.exceptions import ClientError
from conftest import connect
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP
from cryptography.hazmat.primitives.keywrap import aes_key_wrap_with_padding
from cryptography.hazmat.primitives.serialization import load_der_public_key
from services.kms.calling import call  # noqa: F401  (fixture)


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


@pytest.fixture
def importing(kms):
    """Wraps material as a caller does, and imports it."""

    def run(key, material, algorithm="RSAES_OAEP_SHA_256", **given):
        asked = kms.get_parameters_for_import(KeyId=key, WrappingAlgorithm=algorithm, WrappingKeySpec="RSA_2048")
        given = {"ExpirationModel": "KEY_MATERIAL_DOES_NOT_EXPIRE"} | given
        return kms.import_key_material(
            KeyId=key,
            ImportToken=asked["ImportToken"],
            EncryptedKeyMaterial=wrapped(asked["PublicKey"], material, algorithm),
            **{name: value for name, value in given.items() if value is not None},
        )

    return run


def wrapped(public, material, algorithm):
    digest = hashes.SHA1() if algorithm.endswith("SHA_1") else hashes.SHA256()
    rsa = load_der_public_key(public)
    oaep = OAEP(MGF1(digest), digest, None)
    if algorithm.startswith("RSAES"):
        return rsa.encrypt(material, oaep)
    inner = os.urandom(32)
    return rsa.encrypt(inner, oaep) + aes_key_wrap_with_padding(inner, material)
