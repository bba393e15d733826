"""The root key: made once, kept to its owner, and never replaced behind anybody's back."""

import json
import os
import re
import stat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from skylab.kernel import vault as vaults
from skylab.kernel.vault import Tampered, Vault
from skylab.root import Refused
from skylab.settings import Settings

OPEN, LOCKED = Settings(), Settings(root_key_passphrase="correct horse")
both = pytest.mark.parametrize("settings", [OPEN, LOCKED], ids=["file", "passphrase"])


@pytest.fixture(autouse=True)
def cheap(monkeypatch):
    monkeypatch.setattr(vaults, "_COST", {"n": 2**10, "r": 8, "p": 1})


@both
def test_what_is_sealed_is_unsealed_by_a_later_opening(tmp_path, settings):
    sealed = Vault.open(tmp_path, settings).seal(b"secret", b"about")

    assert Vault.open(tmp_path, settings).unseal(sealed, b"about") == b"secret"


@given(st.binary(max_size=5000), st.binary(max_size=50))
def test_any_bytes_come_back(plain, about):
    vault = Vault(bytes(32))

    assert vault.unseal(vault.seal(plain, about), about) == plain


@given(st.binary(max_size=40), st.data())
def test_any_changed_byte_is_noticed(plain, data):
    vault = Vault(bytes(32))
    sealed = bytearray(vault.seal(plain, b"about"))
    place = data.draw(st.integers(0, len(sealed) - 1))
    sealed[place] ^= data.draw(st.integers(1, 255))

    with pytest.raises(Tampered):
        vault.unseal(bytes(sealed), b"about")


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01" * 28, b"\x02" * 60])
def test_what_was_never_sealed_is_noticed(sealed):
    with pytest.raises(Tampered):
        Vault(bytes(32)).unseal(sealed, b"")


def test_a_secret_about_one_thing_is_none_about_another():
    vault = Vault(bytes(32))

    with pytest.raises(Tampered):
        vault.unseal(vault.seal(b"secret", b"key 1"), b"key 2")


def test_the_same_secret_is_sealed_differently_each_time():
    vault = Vault(bytes(32))

    assert vault.seal(b"secret", b"") != vault.seal(b"secret", b"")


@both
def test_the_file_is_its_owners_alone_whatever_the_umask(tmp_path, settings):
    before = os.umask(0)
    try:
        Vault.open(tmp_path, settings)
    finally:
        os.umask(before)

    assert stat.S_IMODE((tmp_path / "root.key").stat().st_mode) == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["root.check", "root.key"]


def test_behind_a_passphrase_the_key_is_not_in_the_file(tmp_path):
    vault = Vault.open(tmp_path, LOCKED)
    key = vaults._read(tmp_path / "root.key", "correct horse")

    assert Vault(key).unseal(vault.seal(b"x", b""), b"") == b"x"
    assert vaults._encoded(key) not in (tmp_path / "root.key").read_text()
    assert "correct" not in repr(LOCKED)


def refusal(root, settings):
    with pytest.raises(Refused) as refused:
        Vault.open(root, settings)
    assert re.fullmatch(r"[^.]+(\.\w[^.]*)*\.", str(refused.value)), "one sentence"
    return str(refused.value)


def test_a_wrong_passphrase_is_refused_with_the_remedy(tmp_path):
    Vault.open(tmp_path, LOCKED)

    said = refusal(tmp_path, Settings(root_key_passphrase="wrong"))

    assert "does not open" in said and "SKYLAB_ROOT_KEY_PASSPHRASE" in said


def test_a_missing_passphrase_is_refused_with_the_remedy(tmp_path):
    Vault.open(tmp_path, LOCKED)

    assert "set SKYLAB_ROOT_KEY_PASSPHRASE" in refusal(tmp_path, OPEN)


def test_a_passphrase_for_a_key_without_one_is_refused_rather_than_ignored(tmp_path):
    Vault.open(tmp_path, OPEN)

    assert "without a passphrase" in refusal(tmp_path, LOCKED)


@both
def test_a_lost_key_is_refused_and_not_made_anew(tmp_path, settings):
    Vault.open(tmp_path, settings)
    (tmp_path / "root.key").unlink()

    assert "is gone" in refusal(tmp_path, settings)
    assert not (tmp_path / "root.key").exists()


def test_anothers_key_is_refused(tmp_path):
    for name in ("ours", "theirs"):
        (tmp_path / name).mkdir()
        Vault.open(tmp_path / name, OPEN)
    (tmp_path / "theirs" / "root.key").replace(tmp_path / "ours" / "root.key")

    assert "not the key that sealed this folder" in refusal(tmp_path / "ours", OPEN)


@pytest.mark.parametrize("content", [b"", b"{}", b"[1]", b"\xff", b'{"version": 1}', b'{"version": 1, "key": "AAAA"}'])
def test_an_altered_key_is_refused(tmp_path, content):
    Vault.open(tmp_path, OPEN)
    (tmp_path / "root.key").write_bytes(content)

    assert "cannot be read as a root key" in refusal(tmp_path, OPEN)


def test_one_changed_character_of_the_key_is_refused(tmp_path):
    Vault.open(tmp_path, OPEN)
    path = tmp_path / "root.key"
    document = json.loads(path.read_text())
    document["key"] = ("B" if document["key"][0] == "A" else "A") + document["key"][1:]
    path.write_text(json.dumps(document))

    assert "not the key" in refusal(tmp_path, OPEN)


def test_a_newer_version_is_refused(tmp_path):
    Vault.open(tmp_path, OPEN)
    (tmp_path / "root.key").write_text('{"version": 2}')

    assert "newer Skylab" in refusal(tmp_path, OPEN)


def test_a_key_that_others_may_read_is_refused(tmp_path):
    Vault.open(tmp_path, OPEN)
    (tmp_path / "root.key").chmod(0o644)

    assert "chmod 600" in refusal(tmp_path, OPEN)


def test_a_start_that_was_killed_after_the_key_goes_on_with_it(tmp_path):
    vault = Vault.open(tmp_path, OPEN)
    (tmp_path / "root.check").unlink()

    assert Vault.open(tmp_path, OPEN).unseal(vault.seal(b"x", b""), b"") == b"x"
    assert (tmp_path / "root.check").exists()
