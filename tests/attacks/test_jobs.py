"""A job whose code is hostile: what it tries, run as any job is, and what it gets."""

import json
import os
import re
import shutil
import subprocess
import tempfile
from dataclasses import replace
from pathlib import Path

import pytest
from compute.programs import PATH, python, run, shell, started, until

import skylab
from skylab.compute.pipes import Pipe
from skylab.compute.processes import LocalProcesses

SECRET = "s3cr3t-of-another"


@pytest.fixture
def store(tmp_path):
    """A cloud's folder with all that is worth stealing, and another job in it."""
    folder = tmp_path / "store"
    for name in (
        "root.key",
        "state.db",
        "credentials.json",
        "jobs/other/algo-1/input/data/x",
        "runs/other/launch.json",
    ):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(SECRET)
        (folder / name).chmod(0o644)  # that they cannot be reached is to be shown, not that they cannot be read
    return folder


@pytest.fixture
def inside(sandboxed, store):
    """Processes whose folders are in the store, as those of a cloud are."""
    made = LocalProcesses(store / "runs", hidden=[store])
    yield made
    for lock in (store / "runs").glob("**/lock"):
        id = str(lock.parent.relative_to(store / "runs"))
        until(lambda id=id: made.stop(id, hard=True) or not made.alive(id))


def test_the_store_other_jobs_the_home_and_its_keys_do_not_exist_for_a_job(inside, store, root):
    wanted = [str(path) for path in store.rglob("*")] + [
        os.path.expanduser(f"~/{n}") for n in (".aws", ".ssh", ".bashrc")
    ]
    code = f"""
import os
print([path for path in {wanted!r} if os.path.exists(path)])
print([os.path.join(where, name) for where, _, names in os.walk({str(store)!r}) for name in names])
"""
    _, said = run(inside, python(code, root=str(root)))

    assert said == "[]\n[]\n"


def test_no_file_that_a_job_can_find_holds_the_secret(inside, store, root):
    """It looks everywhere it may write, where the store lies, and in every process it sees."""
    places = f"/tmp /var/tmp /run /opt/ml /root /home {store.parent} /dev/shm"
    script = f"grep -arl s3cr3t-of-an[o]ther {places} /proc/[0-9]*/environ 2>/dev/null; echo looked"

    _, said = run(inside, shell(script, root=str(root)))

    assert said == "looked\n"


def test_a_job_writes_nowhere_but_to_its_own(inside, store, root):
    code = f"""
import os
tried = "/ /usr /usr/bin /etc /opt /dev /sys /proc /run /var {store} {os.path.dirname(os.__file__)}".split()
def writes(path):
    try:
        open(path + "/planted", "w").close()
        return True
    except OSError:
        return False
print([path for path in tried if writes(path)])
print([path for path in ("/opt/ml", "/tmp", "/var/tmp", "/dev/shm") if writes(path)])
"""
    _, said = run(inside, python(code, root=str(root)))

    assert said == "[]\n['/opt/ml', '/tmp', '/var/tmp', '/dev/shm']\n"
    assert not [path for path in ("/tmp/planted", "/var/tmp/planted", "/dev/shm/planted") if os.path.exists(path)]


def test_a_job_has_no_capability_cannot_get_one_and_makes_no_namespace(sandboxed):
    script = "grep -E '^(Cap|NoNewPrivs)' /proc/self/status; unshare -Ur true; unshare -n true; "
    script += "mount -t tmpfs x /tmp; chroot / true"

    _, said = run(sandboxed, shell(script))

    status = dict(re.findall(r"^(\w+):\s+(\w+)$", said, re.MULTILINE))
    assert {name: int(value, 16) for name, value in status.items() if name.startswith("Cap")} == dict.fromkeys(
        ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"), 0
    )
    assert status["NoNewPrivs"] == "1"
    assert (
        len(re.findall("(?i)unshare failed|permission denied|not permitted|must be superuser|no space left", said)) >= 4
    )


def test_a_job_sees_only_its_own_processes_and_cannot_look_into_or_end_what_guards_it(sandboxed):
    started(sandboxed, shell("echo ready; sleep 60", env={"PATH": PATH, "TOKEN": SECRET}), "victim")
    code = """
import ctypes, os, signal
pids = [int(name) for name in os.listdir("/proc") if name.isdigit()]
print(len(pids))
for look, name in ((open, "environ"), (open, "mem"), (os.listdir, "fd"), (os.listdir, "root")):
    try:
        print("got", look("/proc/1/" + name))
    except PermissionError:
        print("refused")
print(ctypes.CDLL(None).ptrace(16, 1, 0, 0))
for pid in range(2, 5000):
    if pid != os.getpid():
        try:
            os.kill(pid, signal.SIGKILL)
            print("killed", pid)
        except ProcessLookupError:
            pass
try:
    os.kill(1, signal.SIGKILL)
except PermissionError:
    pass
print("alive")
"""
    ending, said = run(sandboxed, python(code), "attacker")

    assert (ending.exit_code, said.splitlines()) == (0, ["2", *["refused"] * 4, "-1", "alive"])
    assert sandboxed.alive("victim")


def test_two_jobs_are_two_users_when_skylab_is_root(sandboxed, tmp_path):
    if os.geteuid() != 0:
        pytest.skip("an ordinary user has no other user to give to a job")
    folders = [tmp_path / "a", tmp_path / "b"]
    for folder in folders:
        folder.mkdir()
    for folder in folders:
        started(sandboxed, shell("touch /opt/ml/mine; echo ready; sleep 60", root=str(folder)), folder.name)

    owners = {(folder / "mine").stat().st_uid for folder in folders}

    assert len(owners) == 2 and min(owners) >= 1_900_000_000


def test_a_setuid_program_that_a_job_makes_helps_nobody(sandboxed, root):
    _, said = run(sandboxed, shell("cp /usr/bin/id /opt/ml/id; chmod 4755 /opt/ml/id; /opt/ml/id -u", root=str(root)))

    assert said == "1000\n"
    assert (root / "id").stat().st_uid != 0 or os.geteuid() != 0


def test_the_number_of_processes_of_a_job_is_bounded(sandboxed):
    """Children that only sleep: the limit is shown, and the machine is left in peace."""
    code = """
import os, resource, signal
limit, hard = resource.getrlimit(resource.RLIMIT_NPROC)
print(limit == hard < 100_000, resource.getrlimit(resource.RLIMIT_CORE))
resource.setrlimit(resource.RLIMIT_NPROC, (20, 20))
pids = []
try:
    while len(pids) < 100:
        if not (pid := os.fork()):
            signal.pause()
        pids.append(pid)
except BlockingIOError:
    print("no more", len(pids) < 20)
"""
    _, said = run(sandboxed, python(code))

    assert said == "True (0, 0)\nno more True\n"


def test_a_job_cannot_say_of_itself_how_it_ended(sandboxed, root):
    """Its process folder, with launch, lock and ending, is not in its view."""
    script = "ls ending.json launch.json lock; ls -A /tmp; echo '{\"exit_code\": 0}' > ending.json; exit 3"

    ending, said = run(sandboxed, shell(script, root=str(root)))

    assert ending.exit_code == 3
    assert json.loads((sandboxed.root / "run" / "ending.json").read_text())["exit_code"] == 3


def test_a_job_that_swaps_a_pipe_for_a_link_reaches_no_file_of_the_machine(sandboxed, root, tmp_path):
    """The feeder outside would have written the channel's data through it."""
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"x" * 100)
    target.write_text("precious")
    code = f"""
import os, time
data = "/opt/ml/input/data/"
os.unlink(data + "t_1") if os.path.exists(data + "t_1") else None
os.symlink({str(target)!r}, data + "t_1")
print(len(open(data + "t_0", "rb").read()), flush=True)
time.sleep(0.5)
"""
    launch = replace(python(code, root=str(root)), pipes=[Pipe("/opt/ml/input/data/t", [str(source)])])

    run(sandboxed, launch)

    assert target.read_text() == "precious"


def test_a_job_that_moves_the_folder_of_its_pipes_reaches_no_other(sandboxed, root, tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "t_0").write_text("precious")
    source = tmp_path / "source"
    source.write_bytes(b"x")
    code = f"""
import os, time
fifo = open("/opt/ml/input/data/t_0", "rb")
os.rename("/opt/ml/input/data", "/opt/ml/input/gone")
os.symlink({str(elsewhere)!r}, "/opt/ml/input/data")
fifo.read()
time.sleep(0.5)
"""
    launch = replace(python(code, root=str(root)), pipes=[Pipe("/opt/ml/input/data/t", [str(source)])])

    run(sandboxed, launch)

    assert (elsewhere / "t_0").read_text() == "precious" and sorted(p.name for p in elsewhere.iterdir()) == ["t_0"]


def test_what_a_job_logs_stays_in_its_log(sandboxed):
    """/dev/stderr is its log, opened anew; nothing else can be had by the descriptors it inherits."""
    _, said = run(
        sandboxed, shell("echo again > /dev/stderr; ls -l /proc/self/fd | grep -c -v -e null -e pipe -e total")
    )

    assert said.splitlines()[0] == "again"


ORDINARY = """
import os, sys, time
from pathlib import Path
own, source = sys.argv[1:]
os.setgroups([]); os.setresgid(65534, 65534, 65534); os.setresuid(65534, 65534, 65534)
os.environ["HOME"] = own
sys.path.insert(0, source)
from skylab.compute.processes import LocalProcesses, Launch
processes = LocalProcesses(Path(own, "runs"))
print(processes.unsandboxed)
Path(own, "ml").mkdir()
script = f"id -u; touch /opt/ml/x; grep CapBnd /proc/self/status; unshare -Ur true 2>/dev/null || echo closed; "
script += f"ls {own} 2>/dev/null; cat /proc/1/environ 2>/dev/null || echo hidden"
processes.start("x", Launch(["sh", "-c", script], {"PATH": "/usr/bin:/bin"}, root=own + "/ml"))
while (ending := processes.ending("x")) is None:
    time.sleep(0.01)
print(ending.exit_code, processes.log("x").read_text())
"""


def test_the_sandbox_of_an_ordinary_user_is_as_closed(sandboxed):
    """The tests above show it for whoever runs them; where that is root, this one is somebody else."""
    if os.geteuid() != 0 or not os.access("/usr/bin/python3", os.X_OK):
        pytest.skip("the tests above have shown it")
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        os.chmod(folder, 0o755)
        own, source = Path(folder, "own"), Path(folder, "src")
        own.mkdir()
        os.chown(own, 65534, 65534)
        shutil.copytree(Path(skylab.__file__).parent / "compute", source / "skylab" / "compute")
        argv = ["/usr/bin/python3", "-c", ORDINARY, str(own), str(source)]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=60, cwd="/", env={"PATH": PATH})

    said = done.stdout.splitlines()
    assert said and not done.stderr, done.stderr
    if said[0] != "None":
        pytest.skip(said[0])
    assert said[1:5] == ["0 1000", "CapBnd:\t0000000000000000", "closed", "hidden"], said
