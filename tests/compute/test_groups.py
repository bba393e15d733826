"""Control groups, in a folder that looks like the kernel's: what is written where."""

import pytest

from skylab.compute import groups


def kernel(folder, *, controllers="cpu memory pids", writable=True):
    """A cgroup folder, with the files that the kernel puts there."""
    folder.mkdir(parents=True, exist_ok=True)
    for name in ("cgroup.procs", "cgroup.subtree_control", "memory.max", "memory.swap.max", "cpu.max"):
        (folder / name).write_text("")
    (folder / "cgroup.controllers").write_text(controllers)
    if not writable:
        folder.chmod(0o555)
    return folder


@pytest.fixture
def top(tmp_path):
    made = kernel(tmp_path / "cgroup")
    kernel(made / "skylab")
    kernel(made / "skylab" / "run")
    return made


def test_a_group_has_the_limits_of_its_job(top):
    group = groups.made("run", 2, 1 << 30, str(top), "/")

    assert group == f"{top}/skylab/run"
    said = {name: (top / "skylab/run" / name).read_text() for name in ("memory.max", "memory.swap.max", "cpu.max")}
    assert said == {"memory.max": "1073741824", "memory.swap.max": "0", "cpu.max": "200000 100000"}
    assert (top / "skylab/cgroup.subtree_control").read_text()


def test_who_joins_writes_its_number(top):
    groups.join(groups.made("run", None, 1, str(top), "/"))

    assert (top / "skylab/run/cgroup.procs").read_text() == "0"


@pytest.mark.parametrize("controllers", ["", "cpu pids"])
def test_without_the_memory_controller_there_is_no_group(tmp_path, controllers):
    top = kernel(tmp_path / "cgroup", controllers=controllers)

    assert groups.made("run", 2, 1 << 30, str(top), "/") is None


def test_on_cgroup_v1_there_is_no_group(tmp_path):
    (tmp_path / "memory").mkdir()

    assert groups.made("run", 2, 1 << 30, str(tmp_path), "/") is None


def test_a_group_that_the_kernel_gives_no_memory_file_is_not_used(top):
    assert groups.made("other", 2, 1 << 30, str(top), "/") is None
    assert not (top / "skylab/other").exists()
