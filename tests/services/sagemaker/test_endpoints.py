"""Endpoints: what is refused, what fails, how they are updated, listed and deleted."""

import io
import os
import tarfile

import pytest
from botocore.exceptions import ClientError
from endpoint_steps import SKLEARN, until

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
