"""A job that wants to run its code in others: through the environments that all of them share."""

import os
import shutil
import subprocess
import tempfile
from datetime import UTC, datetime
from pathlib import Path

import pytest
from compute.programs import PATH, python, run, shell, started, until
from compute.wheels import wheel

import skylab
from skylab.compute.environments import Environments
from skylab.compute.processes import LocalProcesses

# what a program tries with a folder, and prints when it has worked; told by its arguments: folders and files
TRIES = """
import ctypes, os, shutil, sys
from pathlib import Path
def tried(what, *given):
    try:
        what(*given)
        print("DID", what, given)
    except OSError:
        pass
for given in sys.argv[1:]:
    path = Path(given)
    every = [path, *path.rglob("*")] if path.is_dir() else [path]
    for each in every:
        tried(os.chmod, each, 0o777)
        tried(os.utime, each)
        tried(os.link, each, "/tmp/linked")
        tried(os.chown, each, os.getuid(), os.getgid())
        tried(os.open, each, os.O_WRONLY | os.O_CREAT)
        tried(os.open, each / "planted", os.O_WRONLY | os.O_CREAT)
        tried(os.mkdir, each / "planted")
        tried(os.symlink, "/tmp", each / "planted")
        tried(os.rename, each, f"{each}.moved")
        tried(os.unlink, each)
        tried(os.rmdir, each)
    libc = ctypes.CDLL(None, use_errno=True)
    for flags in (32, 32 | 4096, 0):
        if libc.mount(None, given.encode(), None, flags, None) == 0:
            print("DID mount", given)
    if libc.umount2(given.encode(), 2) == 0:
        print("DID umount", given)
print("tried", len(sys.argv[1:]))
"""


@pytest.fixture
def inside(sandboxed, tmp_path):
    """Processes whose folders are in the store, as those of a cloud are."""
    made = LocalProcesses(tmp_path / "store" / "runs", hidden=[tmp_path / "store"])
    yield made
    for lock in made.root.glob("**/lock"):
        id = str(lock.parent.relative_to(made.root))
        until(lambda id=id: made.stop(id, hard=True) or not made.alive(id))


@pytest.fixture
def environments(tmp_path, inside):
    wheel(tmp_path / "wheels", "tinypackage", {"tinypackage.py": "ANSWER = 42\n"})
    wheel(tmp_path / "wheels", "other", {"other.py": "ANSWER = 43\n"})
    return Environments(tmp_path / "store" / "requirements", inside, True, tmp_path / "wheels")


def made(environments, text):
    return until(lambda: environments.find(text, datetime.now(UTC)).folder, 60)


def content(folder):
    return {
        str(path): (path.lstat().st_mode, path.lstat().st_uid, path.read_bytes() if path.is_file() else b"")
        for path in [folder, *folder.rglob("*")]
    }


def test_the_attempts_are_real(inside, root):
    (root / "own").mkdir()
    _, said = run(inside, python(TRIES, "/opt/ml/own", root=str(root)))

    assert said.count("DID") >= 5 and "mount" not in said, said


def test_a_job_changes_neither_its_own_environment_nor_anothers_nor_makes_one(environments, inside, root):
    own, other = made(environments, "tinypackage"), made(environments, "other")
    before = content(environments.ready)
    forged = environments.ready / ("0" * 40)

    launch = python(
        TRIES, *map(str, (own, other, environments.ready, forged)), root=str(root), reads=[str(environments.ready)]
    )
    ending, said = run(inside, launch, "attacker")

    assert (ending.exit_code, said) == (0, "tried 4\n")
    assert content(environments.ready) == before


def test_a_job_does_not_find_the_drafts_while_others_install(environments, inside, root, monkeypatch):
    """The installation hangs, so that there is a draft to be found."""
    slow = environments.ready.parents[2] / "wheels" / "slow.py"
    slow.write_text(
        "import sys, time; open(sys.argv[1] + '/half', 'w').close(); print('ready', flush=True); time.sleep(60)"
    )
    monkeypatch.setattr("skylab.compute.environments.INSTALLER", str(slow))
    environments.find("tinypackage", datetime.now(UTC))
    drafts = environments.ready.parent / "drafts"
    (half,) = until(lambda: list(drafts.glob("*/half")))

    script = f"ls {drafts} {half.parent} {environments.ready.parent}; find / -xdev -name half 2>/dev/null; echo looked"
    _, said = run(inside, shell(script, root=str(root), reads=[str(environments.ready)]), "attacker")

    lines = said.splitlines()
    assert str(half) not in said and lines[-1] == "looked" and sum("No such file" in line for line in lines) == 2, said
    assert lines[-2].split() == ["ready"]
    assert not list(environments.ready.iterdir())


def test_what_installs_changes_no_environment_and_no_draft_but_its_own_and_knows_nothing_of_the_job(
    environments, inside, monkeypatch
):
    """As if pip itself were taken over: a hostile program in its place. What it makes in its own /tmp, where folders
    of this test lie, is only there."""
    there = made(environments, "other")
    foreign = environments.ready.parent / "drafts" / "foreign.gone"
    before = content(environments.ready)
    hostile = environments.ready.parents[2] / "wheels" / "hostile.py"
    targets = [str(environments.ready), str(there), str(foreign), str(inside.root), "/opt/ml"]
    hostile.write_text(
        f"import sys; sys.argv[1:] = {targets!r}\n"
        + TRIES
        + "print(sorted(os.environ), os.path.exists('/opt/ml') and os.listdir('/opt/ml'))\nsys.exit(1)\n"
    )
    monkeypatch.setattr("skylab.compute.environments.INSTALLER", str(hostile))
    environments.find("tinypackage", datetime.now(UTC))
    (id,) = [f"requirements/{path.name}" for path in (inside.root / "requirements").iterdir()]

    until(lambda: inside.ending(id))

    assert inside.log(id).read_text().splitlines()[-2:] == ["tried 5", "['HOME', 'LANG', 'PATH'] []"]
    assert content(environments.ready) == before
    assert not foreign.exists() and os.listdir(inside.root) == ["requirements"]


def test_a_link_in_place_of_an_environment_leads_nowhere(environments, inside, monkeypatch, tmp_path):
    """A draft that names what lies outside of it: nothing of the machine is given away or shown by its keeping."""
    secret = tmp_path / "secret"
    secret.write_text("precious")
    secret.chmod(0o600)
    hostile = tmp_path / "wheels" / "hostile.py"
    hostile.write_text(
        f"import os, sys; os.symlink({str(secret)!r}, sys.argv[1] + '/ready'); os.mkfifo(sys.argv[1] + '/p')\n"
    )
    monkeypatch.setattr("skylab.compute.environments.INSTALLER", str(hostile))

    made(environments, "tinypackage")

    assert secret.stat().st_mode & 0o777 == 0o600 and secret.stat().st_uid == os.geteuid()


def test_a_program_that_uses_an_environment_keeps_nobody_from_using_it(environments, inside):
    """It may lock it as firmly as it likes; no one who asks waits for that."""
    folder = made(environments, "tinypackage")
    code = f"""
import fcntl, os, time
fcntl.flock(os.open({str(folder)!r}, os.O_RDONLY), fcntl.LOCK_EX)
print("ready", flush=True)
time.sleep(60)
"""
    started(inside, python(code, reads=[str(environments.ready)]), "attacker")

    assert environments.find("tinypackage", datetime.now(UTC)).folder == folder


ORDINARY = """
import os, sys, time
from pathlib import Path
own, source, tries = sys.argv[1:]
os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)
os.environ["HOME"] = own
sys.path.insert(0, source)
from skylab.compute.environments import Environments
from skylab.compute.processes import LocalProcesses, Launch
processes = LocalProcesses(Path(own, "runs"), hidden=[Path(own)])
print(processes.unsandboxed)
environments = Environments(Path(own, "requirements"), processes, True)
made = environments.ready / "made"
made.mkdir()
(made / "module.py").write_text("ANSWER = 42")
(environments.ready.parent / "drafts" / "draft").mkdir()
told = [str(environments.ready), str(made), str(environments.ready.parent / "drafts" / "draft")]
argv = ["/usr/bin/python3", "-I", "-S", "-c", tries, *told]
processes.start("x", Launch(argv, {"PATH": "/usr/bin:/bin"}, reads=[str(environments.ready)]))
while (ending := processes.ending("x")) is None:
    time.sleep(0.01)
print(ending.exit_code, processes.log("x").read_text(), sorted(path.name for path in environments.ready.rglob("*")))
"""


def test_nor_does_it_where_skylab_is_an_ordinary_user_and_the_job_is_the_same_one(sandboxed):
    """The tests above show it for whoever runs them; where that is root, this one is somebody else."""
    if os.geteuid() != 0 or not os.access("/usr/bin/python3", os.X_OK):
        pytest.skip("the tests above have shown it")
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        os.chmod(folder, 0o755)
        own, source = Path(folder, "own"), Path(folder, "src")
        own.mkdir()
        os.chown(own, 65534, 65534)
        shutil.copytree(Path(skylab.__file__).parent / "compute", source / "skylab" / "compute")
        argv = ["/usr/bin/python3", "-c", ORDINARY, str(own), str(source), TRIES]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, cwd="/", env={"PATH": PATH})

    said = done.stdout.splitlines()
    assert said and not done.stderr, done.stderr
    if said[0] != "None":
        pytest.skip(said[0])
    assert said[1:] == ["0 tried 3", " ['made', 'module.py']"], said
