"""Replicas of endpoints that are isolated, killed, or hang."""

import json
import os
import signal
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from endpoint_steps import SKLEARN, archive, until

from skylab.compute.supervisor import Supervisor
from skylab.services.sagemaker.hosting import health, replicas


def test_a_killed_replica_comes_back_under_a_restarted_cloud(hosting):
    hosting.model("a")
    hosting.config("c", ("A", "a", 1, 1))
    hosting.endpoint("e", "c")
    before = hosting.ask("e")["born"]
    world = hosting.cloud.world
    hosting.cloud.supervisor.stop()  # as a crash leaves it: the replica goes on, nobody watches
    assert hosting.ask("e")["born"] == before

    (process,) = [f"{path.parent.name}/{path.name}" for path in world.processes.root.glob("*/0-*")]
    world.processes.stop(process, hard=True)
    until(lambda: not world.processes.alive(process))
    with pytest.raises(ClientError, match="ServiceUnavailable"):
        hosting.ask("e")

    hosting.cloud.supervisor = Supervisor(hosting.cloud.store, hosting.cloud.supervisor.work, hosting.cloud.clock)
    hosting.cloud.supervisor.start()

    until(lambda: came_back(hosting, before))


def came_back(hosting, before):
    try:
        return hosting.ask("e")["born"] > before
    except ClientError as refused:
        error = refused.response["Error"]  # the dying process may still have accepted the connection
        assert error["Code"] == "ServiceUnavailable" or "The connection was closed" in error["Message"]


def test_a_replica_under_network_isolation_answers_and_knows_no_credentials(hosting):
    hosting.s3.put_object(Bucket="models", Key="i.tar.gz", Body=archive("i"))
    container = {"Image": SKLEARN, "ModelDataUrl": "s3://models/i.tar.gz", "Environment": {"SECRET": "kept"}}
    hosting.sagemaker.create_model(
        ModelName="i", PrimaryContainer=container, ExecutionRoleArn=hosting.role, EnableNetworkIsolation=True
    )
    hosting.config("c", ("A", "i", 1, 1))
    hosting.endpoint("e", "c")
    answer = hosting.ask("e")
    assert answer["secret"] == "kept" and answer["aws"] == []


@pytest.fixture
def impatient(monkeypatch):
    """Half a minute of silence in half a second."""
    for name, seconds in {"EVERY": 0.1, "PING": 0.2}.items():
        monkeypatch.setattr(health, name, seconds)
    monkeypatch.setattr(replicas, "UNWELL", 0.5)


def test_a_replica_that_hangs_is_passed_over_and_then_replaced(hosting, impatient):
    hosting.model("a")
    hosting.config("c", ("A", "a", 2, 1))
    hosting.endpoint("e", "c")
    born = {hosting.ask("e")["born"] for _ in range(4)}
    assert len(born) == 2

    hang(hosting, "0-0")
    until(lambda: "unwell" in known(hosting, "0-0"))

    until(lambda: {hosting.ask("e")["born"] for _ in range(4)} - born)
    until(lambda: len({hosting.ask("e")["born"] for _ in range(4)}) == 2)
    assert len({hosting.ask("e")["born"] for _ in range(4)} & born) == 1
    assert hosting.settled("e")["EndpointStatus"] == "InService"


def test_a_replica_that_hangs_for_a_moment_only_is_kept(hosting, impatient, monkeypatch):
    monkeypatch.setattr(replicas, "UNWELL", 60.0)
    hosting.model("a")
    hosting.config("c", ("A", "a", 1, 1))
    hosting.endpoint("e", "c")
    before = hosting.ask("e")["born"]

    program = hang(hosting, "0-0")
    until(lambda: "unwell" in known(hosting, "0-0"))
    os.kill(program, signal.SIGCONT)
    until(lambda: "unwell" not in known(hosting, "0-0"))

    assert hosting.ask("e")["born"] == before


def test_a_replica_whose_socket_is_gone_is_replaced_at_once(hosting):
    hosting.model("a")
    hosting.config("c", ("A", "a", 1, 1))
    hosting.endpoint("e", "c")
    before = hosting.ask("e")["born"]

    for socket in hosting.cloud.world.sockets.glob("*/s"):
        socket.unlink()
    until(lambda: known(hosting, "0-0")["attempt"] == 1 and known(hosting, "0-0")["state"] == "healthy")

    assert hosting.ask("e")["born"] != before
    assert not any(hosting.cloud.world.processes.root.glob("*/0-0-0"))


def hang(hosting, slot):
    """Stops the program of a slot, as a deadlock does: it holds its socket and says nothing more."""
    (folder,) = hosting.cloud.world.processes.root.glob(f"*/{slot}-*")
    init = json.loads((folder / "pid").read_text())["init"]
    (program,) = [int(pid) for pid in Path(f"/proc/{init}/task/{init}/children").read_text().split()]
    os.kill(program, signal.SIGSTOP)
    return program


def known(hosting, slot):
    with hosting.cloud.store.reading() as tx:
        (task,) = [task for task in tx.tasks() if task.kind == "endpoint"]
    return task.data["replicas"][slot]
