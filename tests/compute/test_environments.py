"""Environments that jobs share: installed once, from wheels, by real processes; whole or not there."""

import fcntl
import os
import re
from datetime import UTC, datetime, timedelta

import pytest

from compute.programs import python, run, until
from compute.wheels import sdist, wheel
from skylab.compute.environments import Environments
from skylab.compute.processes import LocalProcesses

ENTRY = {"tinypackage-1.0.dist-info/entry_points.txt": "[console_scripts]\ntiny = tinypackage:main\n"}
TINY = {"tinypackage/__init__.py": "ANSWER = 42\ndef main():\n    print('tiny', ANSWER)\n", **ENTRY}


@pytest.fixture
def wheels(tmp_path):
    wheel(tmp_path / "wheels", "tinypackage", TINY)
    return tmp_path / "wheels"


@pytest.fixture
def environments(tmp_path, processes, wheels):
    return Environments(tmp_path / "requirements", processes, True, wheels)


def now():
    return datetime.now(UTC)


def settled(environments, text, at=None):
    def asked():
        found = environments.find(text, at or now())
        return found if found.folder or found.reason else None

    return until(asked, 60)


def installs(processes):
    return [path.name for path in (processes.root / "requirements").glob("*")]


def test_an_environment_is_installed_once_and_then_there_at_once(environments, processes):
    first = settled(environments, "tinypackage\n")
    again = environments.find("# the same\nTinyPackage", now())

    assert first.folder and again == first
    assert (
        "ANSWER = 42"
        in (first.folder / (first.folder / "ready").read_text().strip() / "tinypackage/__init__.py").read_text()
    )
    assert not installs(processes)


def test_those_who_ask_meanwhile_wait_for_the_same_installation(environments, processes):
    for _ in range(5):
        assert environments.find("tinypackage", now()).folder is None

    assert len(installs(processes)) == 1
    assert settled(environments, "tinypackage").folder


def test_what_is_there_is_not_installed_again(environments):
    found = settled(environments, "numpy\ntinypackage").folder

    assert found and not list(found.rglob("numpy*"))


def test_a_program_uses_it_and_so_do_its_scripts(environments, processes):
    found = settled(environments, "tinypackage").folder
    code = "import os, subprocess, tinypackage; print(tinypackage.ANSWER, flush=True); subprocess.run(['tiny'])"
    launch = python(code, reads=[str(environments.ready)])
    env = {"PATH": f"{found}/bin:/usr/bin:/bin", "PYTHONPATH": str(found / (found / "ready").read_text().strip())}

    ending, said = run(processes, type(launch)([launch.argv[0], "-c", code], env, reads=launch.reads))

    assert (ending.exit_code, said) == (0, "42\ntiny 42\n")


def test_it_is_ours_and_readable_by_all(environments):
    found = settled(environments, "tinypackage").folder

    every = [found, *found.rglob("*")]
    assert {path.stat().st_uid for path in every} == {os.geteuid()}
    assert {path.stat().st_mode & 0o7777 for path in every} <= {0o755, 0o644}
    assert environments.ready.stat().st_mode & 0o777 == 0o711


def test_nothing_of_a_wheel_runs_while_it_is_installed(environments, processes, wheels):
    """Its .pth files, its sitecustomize, and what it puts where pip would import it from."""
    says = "import os; os.write(1, b'EXECUTED\\n')\n"
    names = ("evil.pth", "sitecustomize.py", "usercustomize.py", "pip/_internal/self_outdated_check.py", "keyring.py")
    wheel(wheels, "evil", dict.fromkeys((*names, "pip/_vendor/certifi/__init__.py", "importlib_metadata.py"), says))
    environments.find("evil\ntinypackage", now())
    (name,) = installs(processes)

    until(lambda: processes.ending(f"requirements/{name}"), 60)

    said = processes.log(f"requirements/{name}").read_text()
    assert "Successfully installed evil-1.0" in said and "EXECUTED" not in said
    assert list(settled(environments, "evil\ntinypackage").folder.rglob("evil.pth"))


def test_what_has_no_wheel_is_not_shared_and_its_setup_does_not_run(environments, wheels):
    sdist(wheels, "onlysource", "print('EXECUTED'); import os; os.write(2, b'EXECUTED')\n")

    found = settled(environments, "onlysource")

    assert found.folder is None and not list(environments.ready.iterdir())
    assert re.search("wheels alone: ERROR: No matching distribution found for onlysource", found.reason)


def test_nor_does_that_of_a_dependency_that_a_wheel_names_by_its_place(environments, wheels):
    """pip does not hold --only-binary against a direct URL."""
    sdist(wheels, "direct", "from setuptools import setup; setup(name='direct', version='1.0')\n")
    wheel(wheels, "naming", {"naming.py": ""}, needs=[f"direct @ file://{wheels}/direct-1.0.tar.gz"])

    found = settled(environments, "naming")

    assert found.folder is None and "nothing is built here" in found.reason


def test_a_failure_is_told_to_all_and_tried_again_later(environments, processes, wheels):
    assert settled(environments, "later").reason
    wheel(wheels, "later", {"later.py": ""})

    assert environments.find("later", now()).reason
    assert settled(environments, "later", now() + timedelta(minutes=11)).folder


def test_an_install_that_is_killed_leaves_nothing_and_is_made_again(environments, processes):
    environments.find("tinypackage", now())
    (name,) = installs(processes)
    until(lambda: processes.stop(f"requirements/{name}", hard=True) or not processes.alive(f"requirements/{name}"))

    assert not list(environments.ready.iterdir())
    assert settled(environments, "tinypackage", now() + timedelta(minutes=11)).folder


def test_an_install_goes_on_without_us_and_is_found_by_the_next(environments, processes, wheels):
    environments.find("tinypackage", now())
    (name,) = installs(processes)
    until(lambda: processes.ending(f"requirements/{name}"), 60)
    next_one = Environments(environments.ready.parent, LocalProcesses(processes.root), True, wheels)

    assert next_one.find("tinypackage", now()).folder


def test_a_draft_that_never_began_is_swept(environments):
    (environments.ready.parent / "drafts" / "0").mkdir()

    assert settled(environments, "tinypackage").folder
    assert not list((environments.ready.parent / "drafts").iterdir())


def test_what_nobody_asks_for_is_purged_unless_it_is_used(environments, wheels):
    wheel(wheels, "other", {"other.py": ""})
    unused, used = settled(environments, "tinypackage").folder, settled(environments, "tinypackage\nother").folder
    held = os.open(used, os.O_RDONLY)
    fcntl.flock(held, fcntl.LOCK_SH)

    environments.find("other", now() + timedelta(days=31))

    os.close(held)
    assert not unused.exists() and used.exists()


def test_only_so_many_install_at_once(environments, monkeypatch):
    monkeypatch.setattr("skylab.compute.environments.AT_ONCE", 1)
    environments.find("tinypackage", now())

    assert "too many" in environments.find("numpy", now()).reason
