"""Nothing of a key on the disk in the clear, nothing secret in the log, and a lost root key said at the start."""

import base64
import logging
import shutil

import pytest
from conftest import connect_through

from skylab.cloud import Cloud
from skylab.kernel.refused import Refused
from skylab.services.kms import materials as made
from skylab.settings import Settings

SPECS = [
    ("SYMMETRIC_DEFAULT", "ENCRYPT_DECRYPT"), ("RSA_2048", "SIGN_VERIFY"), ("ECC_NIST_P256", "SIGN_VERIFY"),
    ("HMAC_512", "GENERATE_VERIFY_MAC"),
]  # fmt: skip


@pytest.fixture
def material(monkeypatch):
    """All that is generated or imported, as it is in the clear."""
    seen, identify = [], made.identify

    def watched(arn, plain):
        seen.append(plain)
        return identify(arn, plain)

    monkeypatch.setattr(made, "identify", watched)
    monkeypatch.setattr("skylab.services.kms.importing.identify", watched)
    return seen


def clear(secret):
    """The secret, and the ways in which it might be written; of a private key, the numbers that are secret in it."""
    ways = [secret]
    if len(secret) > 64:
        private = made.load_private(secret).private_numbers()
        numbers = [private.d, private.p, private.q] if hasattr(private, "d") else [private.private_value]
        ways += [number.to_bytes((number.bit_length() + 7) // 8, "big") for number in numbers]
    return [form for way in ways for form in (way, way.hex().encode(), base64.b64encode(way).rstrip(b"="))]


@pytest.mark.parametrize("settings", [Settings(fallback=False), Settings(fallback=False, root_key_passphrase="p")])
def test_no_byte_of_key_material_is_on_the_disk(cloud, kms, importing, material, step, settings):
    for spec, usage in SPECS:
        key = kms.create_key(KeySpec=spec, KeyUsage=usage)["KeyMetadata"]["KeyId"]
        if spec == "SYMMETRIC_DEFAULT":
            kms.rotate_key_on_demand(KeyId=key)
            plain = kms.generate_data_key(KeyId=key, KeySpec="AES_256")["Plaintext"]
    empty = kms.create_key(Origin="EXTERNAL")["KeyMetadata"]["KeyId"]
    importing(empty, b"imported material of 32 bytes...")
    connect_through(cloud, "kms", "s3").generate_data_key(KeyId="alias/aws/s3", KeySpec="AES_256")
    secrets = {*material, plain, cloud_key(cloud)} if settings.root_key_passphrase else {*material, plain}

    assert len(secrets) >= 8
    for path in [path for path in cloud.root.rglob("*") if path.is_file()]:
        content = path.read_bytes()
        for secret in secrets:
            assert not any(form in content for form in clear(secret)), path


def cloud_key(cloud):
    from skylab.kernel import vault

    return vault._read(cloud.root / "root.key", cloud.settings.root_key_passphrase)


def test_what_is_secret_is_not_logged(kms, key, caplog):
    logging.getLogger("botocore").setLevel(logging.WARNING)  # the client's own, which tells all when asked to
    with caplog.at_level(logging.DEBUG, "skylab"):
        plain = kms.generate_data_key(KeyId=key["KeyId"], KeySpec="AES_256")["Plaintext"]
        kms.encrypt(KeyId=key["KeyId"], Plaintext=b"a very secret text")

    assert base64.b64encode(plain).decode() not in caplog.text and "secret text" not in caplog.text
    assert "YSB2ZXJ5IHNlY3JldCB0ZXh0" not in caplog.text


def test_a_folder_without_its_root_key_does_not_start(cloud, kms, key, tmp_path):
    copy = shutil.copytree(cloud.root, tmp_path / "copy")
    (copy / "root.key").unlink()

    with pytest.raises(Refused, match="is gone"):
        Cloud(copy, Settings(fallback=False))
    assert not (copy / "root.key").exists()


def test_a_folder_with_a_new_root_key_does_not_start_with_the_old_keys(cloud, kms, key, tmp_path):
    """Even where the check is lost with it: what is sealed in the store tells."""
    copy = shutil.copytree(cloud.root, tmp_path / "copy")
    (copy / "root.key").unlink()
    (copy / "root.check").unlink()

    with pytest.raises(Refused, match="does not open the keys"):
        Cloud(copy, Settings(fallback=False))


def test_sealed_material_does_not_open_under_another_keys_name(cloud, kms, key, refused):
    """Who can write to the store cannot give one key the material of another."""
    other = kms.create_key()["KeyMetadata"]
    with cloud.store.writing() as tx:
        docs = {doc["KeyId"]: doc for doc in tx.all("000000000000", "us-east-1", "kms", "material")}
        mine, theirs = docs[key["KeyId"]], docs[other["KeyId"]]
        mine["_"]["sealed"] = theirs["_"]["sealed"]
        at = made.place(made.Key("000000000000", "us-east-1", "kms", "key", key["KeyId"]), mine["KeyMaterialId"])
        tx.put(at, mine, cloud.clock.now())

    with refused() as said:
        kms.encrypt(KeyId=key["KeyId"], Plaintext=b"x")
    assert said.code == "KMSInternalException"
