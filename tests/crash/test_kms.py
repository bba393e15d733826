"""Kill -9 before every effect of KMS: creation, rotation, import, expiry, deletion happen whole or not at all."""

import base64
import functools
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

import skylab
from crash import kms_writer
from crash.kms_writer import ACCOUNT, DELETED, EXPIRED, RENEWED, SEALED, STEPS, Opened
from skylab.kernel.refused import Refused
from skylab.services.kms import import_tokens
from skylab.wire.errors import AwsError

SOURCE = str(Path(skylab.__file__).parents[1])


def killed(root, durability):
    """A folder for each kill, and one of the run that none hit."""
    program = [sys.executable, kms_writer.__file__, str(root), durability]
    subprocess.run(program, env=os.environ | {"PYTHONPATH": SOURCE}, check=True, timeout=100)
    folders = sorted(root.iterdir(), key=lambda path: int(path.name))
    assert len(folders) > 18
    return folders


def check(kms, said, where):
    """What holds at every moment: no key without its material, no material without its key, nothing sealed lost."""
    with kms.store.reading() as tx:
        keys = {doc["KeyId"]: doc for doc in tx.all(ACCOUNT, "us-east-1", "kms", "key")}
        materials = list(tx.all(ACCOUNT, "us-east-1", "kms", "material"))
    assert {one["KeyId"] for one in materials} <= set(keys), where
    for doc in keys.values():
        own = [one for one in materials if one["KeyId"] == doc["KeyId"]]
        current = [one for one in own if one["KeyMaterialState"] == "CURRENT"]
        assert len(current) == (0 if doc["KeyState"] == "PendingImport" and not own else 1), where
        if doc["KeyState"] == "Enabled":
            assert doc["_"]["material"] == current[0]["KeyMaterialId"] and "sealed" in current[0]["_"], where
    for step, by in SEALED.items():
        if len(said) > step:
            opens(kms, said, step, by, where)


def opens(kms, said, step, by, where):
    try:
        doc = kms.do("describe_key", KeyId=said[by])["KeyMetadata"]
    except AwsError as gone:
        assert gone.code == "NotFoundException" and len(said) >= DELETED, where
        return
    if doc["KeyState"] == "Enabled":
        plain = kms.do("decrypt", CiphertextBlob=base64.b64decode(said[step]))["Plaintext"]
        assert plain == b"sealed by step %d" % by, where
    elif by == 0:
        assert doc["KeyState"] == "PendingDeletion" and len(said) >= DELETED - 1, where
    else:
        assert doc["KeyState"] == "PendingImport" and EXPIRED <= len(said) <= RENEWED, where


@pytest.mark.parametrize("durability", ["kill", pytest.param("power", marks=pytest.mark.slow)])
def test_a_kill_at_any_effect_loses_no_key_and_leaves_none_half_made(tmp_path, durability, monkeypatch):
    monkeypatch.setattr(import_tokens, "generate", functools.cache(import_tokens.generate))  # it takes long for RSA
    for folder in killed(tmp_path, durability):
        acks = folder / "acks"
        said = [json.loads(line) for line in acks.read_text().splitlines()] if acks.exists() else []
        kms = Opened(folder)
        kms.at(STEPS[min(len(said), len(STEPS) - 1)][0])
        check(kms, said, f"killed before effect {folder.name}")

        for day, do in STEPS[len(said) :]:  # the client tries again, from the step it got no answer to
            kms.at(day)
            said.append(do(kms, said))
            check(kms, said, f"killed before effect {folder.name}, then step {len(said) - 1}")
        with kms.store.reading() as tx:
            assert tx.find(kms_writer.kms.materials.Key(ACCOUNT, "us-east-1", "kms", "key", said[0])) is None
        kms.close()


def test_a_wrong_passphrase_is_one_sentence_of_the_server_and_no_start(tmp_path):
    argv = [sys.executable, "-m", "skylab.server", str(tmp_path / "root"), "0"]
    environ = os.environ | {"PYTHONPATH": SOURCE, "SKYLAB_FALLBACK": "0"}
    first = environ | {"SKYLAB_ROOT_KEY_PASSPHRASE": "right"}
    with subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, env=first) as server:
        assert server.stdout.readline().startswith("ready ")
        server.terminate()

    for wrong in ({"SKYLAB_ROOT_KEY_PASSPHRASE": "wrong"}, {}):
        ended = subprocess.run(argv, capture_output=True, text=True, env=environ | wrong, timeout=60)
        assert ended.returncode == 2 and "SKYLAB_ROOT_KEY_PASSPHRASE" in ended.stdout
        assert ended.stdout.startswith("failed ") and ended.stdout.count("\n") == 1


def test_a_root_key_that_a_kill_left_half_written_is_made_again(tmp_path):
    """Nothing was sealed under it: the file appears whole, by its last step."""
    (tmp_path / "root.key.draft").write_bytes(b"{")

    kms = Opened(tmp_path)
    kms.do("create_key")
    kms.close()
    (tmp_path / "root.key").unlink()
    with pytest.raises(Refused):
        Opened(tmp_path)
