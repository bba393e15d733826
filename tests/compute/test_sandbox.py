"""What a program sees with a sandbox, and what it is told without one."""

import os
import socket

from compute.programs import PATH, python, run, shell, started, until
from skylab.compute.processes import LocalProcesses

HOSTS = {"algo-1": "127.0.0.11", "algo-2": "127.0.0.12"}


def test_opt_ml_is_the_folder_of_the_job_and_where_the_program_begins(sandboxed, root):
    (root / "input").mkdir()

    _, said = run(sandboxed, shell("pwd; ls /opt/ml; echo model > /opt/ml/model.txt", root=str(root)))

    assert said == "/opt/ml\ninput\n"
    assert (root / "model.txt").read_text() == "model\n"


def test_what_else_is_in_opt_is_still_there(sandboxed, root):
    there = {name for name in os.listdir("/opt") if os.access(f"/opt/{name}", os.R_OK)}

    _, said = run(sandboxed, python("import os; print(os.listdir('/opt'))", root=str(root)))

    assert set(eval(said)) == {*os.listdir("/opt"), "ml"}
    for name in there:
        _, said = run(sandboxed, python(f"import os; print(os.listdir('/opt/{name}'))", root=str(root)), f"in/{name}")
        assert os.path.isfile(f"/opt/{name}") or set(eval(said)) == set(os.listdir(f"/opt/{name}"))


def test_a_folder_that_is_frozen_is_read_only_and_what_is_written_elsewhere_is_there_afterwards(
    sandboxed, root, tmp_path
):
    (root / "model").mkdir(mode=0o700)
    (root / "model" / "weights").write_text("trained")
    (root / "model" / "weights").chmod(0o600)
    own = tmp_path / "own"
    own.mkdir()
    script = f"cat /opt/ml/model/weights; echo x > /opt/ml/model/weights; echo y > /opt/ml/y; echo z > {own}/z"

    _, said = run(sandboxed, shell(script, root=str(root), frozen=["/opt/ml/model"], writes=[str(own)]))

    assert said.startswith("trained") and "Read-only file system" in said
    assert (root / "model" / "weights").read_text() == "trained"
    assert (root / "y").read_text() == "y\n" and (own / "z").read_text() == "z\n"


def test_the_host_has_the_name_and_the_neighbours_it_was_given(sandboxed):
    code = "import socket; print(socket.gethostname(), [socket.gethostbyname(f'algo-{i}') for i in (1, 2)])"

    _, said = run(sandboxed, python(code, hostname="algo-1", hosts=HOSTS))

    assert said == "algo-1 ['127.0.0.11', '127.0.0.12']\n"
    assert socket.gethostname() != "algo-1"


def test_an_isolated_program_has_loopback_and_nothing_else(sandboxed):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        code = f"""
import socket
print([name for _, name in socket.if_nameindex()])
own = socket.create_server(("127.0.0.11", 7777))
socket.create_connection(("127.0.0.11", 7777)).close()
try:
    socket.create_connection(("127.0.0.1", {port}), 2)
except OSError as error:
    print(type(error).__name__)
"""
        _, isolated = run(sandboxed, python(code, isolated=True), "isolated")
        _, reached = run(
            sandboxed, python(f"import socket; socket.create_connection(('127.0.0.1', {port}), 2)"), "open"
        )

    assert isolated == "['lo']\nConnectionRefusedError\n"
    assert reached == ""


def test_the_hosts_of_an_isolated_job_reach_one_another_and_no_other_job(sandboxed):
    listen = "import socket; s = socket.create_server(('127.0.0.11', 7777)); print('ready', flush=True); s.accept()"
    call = "import socket; socket.create_connection(('127.0.0.11', 7777), 2); print('reached')"
    started(sandboxed, python(listen, isolated=True, together=True), "job/algo-1")

    _, stranger = run(sandboxed, python(call, isolated=True, together=True), "other/algo-2")
    _, alone = run(sandboxed, python(call, isolated=True), "job/algo-3")
    _, neighbour = run(sandboxed, python(call, isolated=True, together=True), "job/algo-2")

    assert "ConnectionRefusedError" in stranger and "ConnectionRefusedError" in alone
    assert neighbour == "reached\n"
    until(lambda: sandboxed.ending("job/algo-1"))
    _, late = run(sandboxed, python("print('alone')", isolated=True, together=True), "job/algo-4")
    assert late == "alone\n"


def test_a_program_is_an_ordinary_user_and_may_do_nothing_to_the_machine(sandboxed):
    code = """
import ctypes, os, signal
print(os.geteuid(), os.getppid())
print(ctypes.CDLL(None, use_errno=True).settimeofday(None, ctypes.byref(ctypes.c_longlong(0))), ctypes.get_errno())
"""
    _, said = run(sandboxed, python(code))

    assert said == "1000 1\n-1 1\n"  # EPERM


def test_without_a_sandbox_paths_are_rewritten_and_the_log_says_so(processes, root):
    code = (
        "import os, sys; print(sys.argv[1:], os.environ['SM_MODEL_DIR'], os.environ['SAGEMAKER_BASE_DIR'], os.getcwd())"
    )
    env = {"PATH": PATH, "SM_MODEL_DIR": "/opt/ml/model", "OTHER": "/opt/mlx"}

    _, said = run(
        processes, python(code, "/opt/ml/input", "/opt/ml", "/opt/mlx", env=env, root=str(root), sandbox=False)
    )

    warning, result = said.splitlines()
    assert warning == f"Paths are not isolated: /opt/ml is {root}. Sandboxes are switched off: unset SKYLAB_SANDBOX."
    assert result == f"{[f'{root}/input', str(root), '/opt/mlx']} {root}/model {root} {root}"


def test_without_a_sandbox_an_isolated_program_is_not_run(processes):
    ending, said = run(processes, shell("echo leaked", isolated=True, sandbox=False))

    assert ending.exit_code == 126
    assert said.startswith("The program was not run: network isolation needs a sandbox.")


def test_where_the_kernel_refuses_the_program_runs_and_the_log_says_how_to_allow_it(tmp_path, root):
    class Refused(LocalProcesses):
        unsandboxed = "The kernel refuses a user namespace: Operation not permitted. Allow them with: sudo sysctl x=0"

    ending, said = run(Refused(tmp_path / "runs"), shell("echo trained", root=str(root)))

    assert ending.ok
    assert said.splitlines() == [f"Paths are not isolated: /opt/ml is {root}. {Refused.unsandboxed}", "trained"]


def test_a_sandbox_that_breaks_after_all_says_so_and_does_not_run_the_program(sandboxed, tmp_path):
    ending, said = run(sandboxed, shell("echo ran", root=str(tmp_path / "missing")))

    assert ending.exit_code == 126
    assert said.startswith("The program was not run: ") and "ran" not in said.splitlines()
