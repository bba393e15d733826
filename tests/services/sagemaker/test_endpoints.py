import io
import json
import os
import signal
import tarfile
from pathlib import Path

import pytest
from botocore.exceptions import ClientError
from endpoint_steps import SKLEARN, archive, until

from skylab.compute.supervisor import Supervisor
from skylab.services.sagemaker.hosting import health, replicas

ARN = "arn:aws:sagemaker:us-east-1:000000000000"


def message(refused):
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    return refused.value.response["Error"]["Message"]


def test_what_is_not_there_is_said_as_aws_says_it(hosting):
    with pytest.raises(ClientError) as refused:
        hosting.sagemaker.describe_endpoint(EndpointName="None")
    assert message(refused) == f'Could not find endpoint "{ARN}:endpoint/none".'
    with pytest.raises(ClientError) as refused:
        hosting.sagemaker.describe_model(ModelName="None")
    assert message(refused) == f'Could not find model "{ARN}:model/none".'
    with pytest.raises(ClientError) as refused:
        hosting.sagemaker.describe_endpoint_config(EndpointConfigName="None")
    assert message(refused) == f'Could not find endpoint configuration "{ARN}:endpoint-config/none".'


def test_what_is_there_already_is_not_made_again(hosting):
    hosting.model("a")
    hosting.config("c", ("A", "a", 1, 1))
    hosting.endpoint("e", "c")
    with pytest.raises(ClientError) as refused:
        hosting.model("a")
    assert message(refused) == f'Cannot create already existing model "{ARN}:model/a".'
    with pytest.raises(ClientError) as refused:
        hosting.config("c", ("A", "a", 1, 1))
    assert message(refused) == f'Cannot create already existing endpoint configuration "{ARN}:endpoint-config/c".'
    with pytest.raises(ClientError) as refused:
        hosting.sagemaker.create_endpoint(EndpointName="e", EndpointConfigName="c")
    assert message(refused) == f'Cannot create already existing endpoint "{ARN}:endpoint/e".'


def test_what_is_not_offered_is_refused_by_name(hosting):
    container = {"Image": SKLEARN, "ModelDataUrl": "s3://b/k"}
    with pytest.raises(ClientError, match="InferenceSpecificationName can be given only with"):
        hosting.sagemaker.create_model(
            ModelName="m",
            PrimaryContainer=container | {"InferenceSpecificationName": "s"},
            ExecutionRoleArn=hosting.role,
        )
    with pytest.raises(ClientError, match="Cannot access ECR image my/own:1"):
        hosting.bare_model("m", "s3://b/k", image="my/own:1")
    hosting.model("a")
    variant = {"VariantName": "A", "ModelName": "a", "InstanceType": "ml.m5.large"}
    managed = {"ManagedInstanceScaling": {"Status": "ENABLED"}}
    with pytest.raises(ClientError, match="ManagedInstanceScaling is not offered yet"):
        hosting.sagemaker.create_endpoint_config(EndpointConfigName="c", ProductionVariants=[variant | managed])


def test_a_model_that_does_not_load_fails_its_endpoint_and_says_why_in_the_log(hosting):
    hosting.model("bad", BROKEN="yes")
    hosting.config("c", ("AllTraffic", "bad", 1, 1))

    failed = hosting.endpoint("e", "c")

    assert failed["EndpointStatus"] == "Failed"
    assert failed["FailureReason"] == (
        "The primary container for production variant AllTraffic did not pass the ping health check. "
        "Please check CloudWatch logs for this endpoint."
    )
    group = "/aws/sagemaker/Endpoints/e"
    until(lambda: "this model cannot be loaded" in said(hosting, group))
    (stream,) = hosting.logs.describe_log_streams(logGroupName=group)["logStreams"]
    assert stream["logStreamName"].startswith("AllTraffic/i-0")
    hosting.sagemaker.delete_endpoint(EndpointName="e")
    until(lambda: not hosting.sagemaker.list_endpoints()["Endpoints"])


def said(hosting, group):
    try:
        events = hosting.logs.filter_log_events(logGroupName=group)["events"]
    except hosting.logs.exceptions.ResourceNotFoundException:
        return ""
    return "\n".join(event["message"] for event in events)


def test_model_data_that_is_missing_fails_the_endpoint(hosting):
    hosting.bare_model("m", "s3://models/nothing.tar.gz")
    hosting.config("c", ("A", "m", 1, 1))
    assert "Failed to download model data" in hosting.endpoint("e", "c")["FailureReason"]


def test_model_data_that_is_no_archive_fails_the_endpoint(hosting):
    hosting.s3.put_object(Bucket="models", Key="text.tar.gz", Body=b"not a tar")
    hosting.bare_model("m", "s3://models/text.tar.gz")
    hosting.config("c", ("A", "m", 1, 1))
    assert "Failed to extract model data" in hosting.endpoint("e", "c")["FailureReason"]


def test_an_update_answers_throughout_and_then_serves_the_new_model(hosting):
    hosting.model("old")
    hosting.model("new")
    hosting.config("c1", ("A", "old", 1, 1))
    hosting.config("c2", ("B", "new", 1, 1))
    hosting.endpoint("e", "c1")

    hosting.sagemaker.update_endpoint(EndpointName="e", EndpointConfigName="c2")
    answers = [hosting.ask("e")["model"]]
    while answers[-1] == "old":
        answers.append(hosting.ask("e")["model"])

    described = hosting.settled("e")
    assert described["EndpointStatus"] == "InService" and described["EndpointConfigName"] == "c2"
    assert [variant["VariantName"] for variant in described["ProductionVariants"]] == ["B"]
    assert "PendingDeploymentSummary" not in described
    until(lambda: len(os.listdir(hosting.cloud.root / "endpoints")) == 1)


def test_an_update_that_fails_leaves_the_endpoint_as_it_was(hosting):
    hosting.model("good")
    hosting.model("bad", BROKEN="yes")
    hosting.config("c1", ("A", "good", 1, 1))
    hosting.config("c2", ("A", "bad", 1, 1))
    hosting.endpoint("e", "c1")

    hosting.sagemaker.update_endpoint(EndpointName="e", EndpointConfigName="c2")
    described = hosting.settled("e")

    assert described["EndpointStatus"] == "InService" and described["EndpointConfigName"] == "c1"
    assert "did not pass the ping health check" in described["FailureReason"]
    assert hosting.ask("e")["model"] == "good"


def test_weights_and_capacities_change_while_it_serves(hosting):
    hosting.model("a")
    hosting.model("b")
    hosting.config("c", ("A", "a", 1, 1), ("B", "b", 1, 1))
    hosting.endpoint("e", "c")

    wanted = [
        {"VariantName": "A", "DesiredWeight": 0, "DesiredInstanceCount": 1},
        {"VariantName": "B", "DesiredInstanceCount": 2},
    ]
    hosting.sagemaker.update_endpoint_weights_and_capacities(EndpointName="e", DesiredWeightsAndCapacities=wanted)

    first, second = hosting.settled("e")["ProductionVariants"]
    assert (first["CurrentWeight"], second["CurrentInstanceCount"]) == (0, 2)
    answers = [hosting.ask("e") for _ in range(4)]
    assert {each["model"] for each in answers} == {"b"} and len({each["born"] for each in answers}) == 2


def test_a_deleted_endpoint_leaves_nothing(hosting):
    hosting.model("a")
    hosting.config("c", ("A", "a", 1, 1))
    hosting.endpoint("e", "c")
    hosting.sagemaker.delete_endpoint(EndpointName="e")
    with pytest.raises(ClientError, match="Endpoint e of account 000000000000 not found."):
        hosting.ask("e")
    hosting.sagemaker.get_waiter("endpoint_deleted").wait(EndpointName="e", WaiterConfig={"Delay": 1})
    until(lambda: not os.listdir(hosting.cloud.root / "endpoints"))
    assert not list(hosting.cloud.world.sockets.glob("*.sock"))


def test_an_endpoint_under_way_is_not_changed(hosting):
    hosting.model("a")
    hosting.config("c", ("A", "a", 1, 1))
    hosting.sagemaker.create_endpoint(EndpointName="e", EndpointConfigName="c")
    with pytest.raises(ClientError) as refused:
        hosting.sagemaker.delete_endpoint(EndpointName="e")
    assert message(refused) == f'Cannot update in-progress endpoint "{ARN}:endpoint/e".'


def test_lists_are_filtered_and_paged(hosting):
    for name in ("a1", "a2", "b"):
        hosting.model(name)
    pages = hosting.sagemaker.get_paginator("list_models").paginate(
        NameContains="A", SortBy="Name", SortOrder="Ascending", PaginationConfig={"PageSize": 1}
    )
    assert [[model["ModelName"] for model in page["Models"]] for page in pages] == [["a1"], ["a2"]]
    assert hosting.sagemaker.list_endpoints()["Endpoints"] == []


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


def test_an_archive_that_reaches_outside_its_folder_is_not_unpacked(hosting, tmp_path):
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        tar.addfile(tarfile.TarInfo("../../../escaped"))
    hosting.s3.put_object(Bucket="models", Key="evil.tar.gz", Body=out.getvalue())
    hosting.bare_model("m", "s3://models/evil.tar.gz")
    hosting.config("c", ("A", "m", 1, 1))
    assert "Failed to extract model data" in hosting.endpoint("e", "c")["FailureReason"]
    assert not list(tmp_path.rglob("escaped"))


def test_a_model_of_the_xgboost_image_is_served_without_a_script(hosting, tmp_path):
    xgboost = pytest.importorskip("xgboost")
    rows = [[float(i), float(i % 3)] for i in range(60)]
    booster = xgboost.train({"objective": "reg:squarederror"}, xgboost.DMatrix(rows, label=[r[0] for r in rows]), 20)
    booster.save_model(tmp_path / "xgboost-model.json")
    os.rename(tmp_path / "xgboost-model.json", tmp_path / "xgboost-model")
    with tarfile.open(tmp_path / "x.tar.gz", "w:gz") as tar:
        tar.add(tmp_path / "xgboost-model", "xgboost-model")
    hosting.s3.upload_file(str(tmp_path / "x.tar.gz"), "models", "x.tar.gz")
    image = "683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1"
    hosting.bare_model("x", "s3://models/x.tar.gz", image)
    hosting.config("c", ("A", "x", 1, 1))
    assert hosting.endpoint("e", "c")["EndpointStatus"] == "InService"

    answer = hosting.runtime.invoke_endpoint(EndpointName="e", ContentType="text/csv", Body=b"30,0")

    assert abs(float(answer["Body"].read()) - 30) < 3
    assert answer["InvokedProductionVariant"] == "A"


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
