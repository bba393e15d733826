"""Pipelines and their versions."""

import pytest
from botocore.exceptions import ClientError
from services.sagemaker.acted import ACCOUNT, REGION, ROLE
from services.sagemaker.drawn import create, definition, described, fail, start, status, token, training


def code(caught):
    return caught.value.response["Error"]["Code"]


def test_a_pipeline_is_shown_as_it_was_made(sagemaker):
    arn = create(
        sagemaker, fail(), name="Abc", PipelineDescription="d", PipelineDisplayName="Shown",
        ParallelismConfiguration={"MaxParallelExecutionSteps": 3}, Tags=[{"Key": "team", "Value": "a"}],
    )  # fmt: skip
    assert arn == f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:pipeline/abc"
    doc = sagemaker.describe_pipeline(PipelineName="Abc")
    assert doc["PipelineArn"] == arn and doc["PipelineName"] == "Abc" and doc["PipelineStatus"] == "Active"
    assert doc["PipelineDescription"] == "d" and doc["PipelineDisplayName"] == "Shown" and doc["RoleArn"] == ROLE
    assert doc["ParallelismConfiguration"] == {"MaxParallelExecutionSteps": 3}
    assert doc["PipelineDefinition"] == definition(fail())
    assert doc["CreatedBy"]["IamIdentity"]["Arn"] and "LastRunTime" not in doc
    assert sagemaker.describe_pipeline(PipelineName=arn)["PipelineName"] == "Abc"
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "team", "Value": "a"}]


def test_a_second_pipeline_of_a_name_is_refused_but_a_repeated_request_is_answered(sagemaker):
    again = token()
    assert create(sagemaker, fail(), ClientRequestToken=again) == create(sagemaker, fail(), ClientRequestToken=again)
    with pytest.raises(ClientError, match="already exists") as caught:
        create(sagemaker, fail())
    assert code(caught) == "ValidationException"


def test_a_role_that_sagemaker_may_not_assume_is_refused(sagemaker):
    with pytest.raises(ClientError, match="Could not assume role"):
        sagemaker.create_pipeline(PipelineName="p", PipelineDefinition=definition(fail()), RoleArn=ROLE + "X")


def test_what_is_not_there_is_not_found(sagemaker):
    for call, given in [
        (sagemaker.describe_pipeline, {"PipelineName": "z"}),
        (sagemaker.update_pipeline, {"PipelineName": "z"}),
        (sagemaker.delete_pipeline, {"PipelineName": "z"}),
        (sagemaker.start_pipeline_execution, {"PipelineName": "z"}),
        (sagemaker.list_pipeline_executions, {"PipelineName": "z"}),
        (sagemaker.describe_pipeline_execution, {"PipelineExecutionArn": EXECUTION}),
        (sagemaker.list_pipeline_execution_steps, {"PipelineExecutionArn": EXECUTION}),
        (sagemaker.stop_pipeline_execution, {"PipelineExecutionArn": EXECUTION}),
        (sagemaker.send_pipeline_execution_step_success, {"CallbackToken": "abcdefghij"}),
    ]:
        with pytest.raises(ClientError) as caught:
            call(**given)
        assert code(caught) == "ResourceNotFound", given


EXECUTION = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:pipeline/z/execution/abc"


def test_a_changed_definition_is_a_new_version_and_an_equal_one_is_not(sagemaker):
    create(sagemaker, fail("A"))
    assert sagemaker.update_pipeline(PipelineName="p", PipelineDescription="x")["PipelineVersionId"] == 1
    assert (
        sagemaker.update_pipeline(PipelineName="p", PipelineDefinition=definition(fail("A")))["PipelineVersionId"] == 1
    )
    assert (
        sagemaker.update_pipeline(PipelineName="p", PipelineDefinition=definition(fail("B")))["PipelineVersionId"] == 2
    )

    assert sagemaker.describe_pipeline(PipelineName="p")["PipelineDefinition"] == definition(fail("B"))
    old = sagemaker.describe_pipeline(PipelineName="p", PipelineVersionId=1)
    assert old["PipelineDefinition"] == definition(fail("A")) and old["PipelineDescription"] == "x"
    versions = sagemaker.list_pipeline_versions(PipelineName="p")["PipelineVersionSummaries"]
    assert [each["PipelineVersionId"] for each in versions] == [2, 1]
    page = sagemaker.list_pipeline_versions(PipelineName="p", MaxResults=1, SortOrder="Ascending")
    rest = sagemaker.list_pipeline_versions(PipelineName="p", NextToken=page["NextToken"], SortOrder="Ascending")
    assert [each["PipelineVersionId"] for each in rest["PipelineVersionSummaries"]] == [2]
    with pytest.raises(ClientError) as caught:
        sagemaker.describe_pipeline(PipelineName="p", PipelineVersionId=3)
    assert code(caught) == "ResourceNotFound"


def test_an_execution_runs_the_version_it_was_started_with(sagemaker, steps):
    create(sagemaker, fail("A"))
    sagemaker.update_pipeline(PipelineName="p", PipelineDefinition=definition(fail("B")))
    old, new = start(sagemaker, PipelineVersionId=1), start(sagemaker)
    steps()
    for execution, number, name in [(old, 1, "A"), (new, 2, "B")]:
        assert described(sagemaker, execution)["PipelineVersionId"] == number
        shown = sagemaker.describe_pipeline_definition_for_execution(PipelineExecutionArn=execution)
        assert shown["PipelineDefinition"] == definition(fail(name))
    versions = sagemaker.list_pipeline_versions(PipelineName="p")["PipelineVersionSummaries"]
    assert [each["LastExecutionPipelineExecutionArn"] for each in versions] == [new, old]


def test_versions_have_names_and_aliases(sagemaker):
    arn = create(sagemaker, fail("A"), PipelineVersionAliases=["live"])
    with pytest.raises(ClientError) as caught:
        sagemaker.update_pipeline(
            PipelineName="p", PipelineDefinition=definition(fail("B")), PipelineVersionAliases=["live"]
        )
    assert code(caught) == "ConflictException"
    sagemaker.update_pipeline(PipelineName="p", PipelineDefinition=definition(fail("B")))
    move = {"PipelineArn": arn, "PipelineVersionId": 1, "PipelineVersionAliasOperations": {"Remove": ["live"]}}
    sagemaker.update_pipeline_version(**move)
    sagemaker.update_pipeline_version(
        PipelineArn=arn, PipelineVersionId=2, PipelineVersionDisplayName="Two", PipelineVersionDescription="second",
        PipelineVersionAliasOperations={"Add": ["live"]},
    )  # fmt: skip
    shown = sagemaker.describe_pipeline(PipelineName="p", PipelineVersionAlias="live")
    assert shown["PipelineDefinition"] == definition(fail("B")) and shown["PipelineVersionAliases"] == ["live"]
    assert shown["PipelineVersionDisplayName"] == "Two" and shown["PipelineVersionDescription"] == "second"
    execution = start(sagemaker, PipelineVersionAlias="live")
    assert described(sagemaker, execution)["PipelineVersionId"] == 2
    start(sagemaker, PipelineVersionId=1)
    found = sagemaker.list_pipeline_executions(PipelineName="p", PipelineVersionAlias="live")
    assert [each["PipelineExecutionArn"] for each in found["PipelineExecutionSummaries"]] == [execution]
    for wrong, words in [
        ({"Add": ["12"]}, "numbers only"),
        ({"Add": ["a"], "Remove": ["a"]}, "both added and removed"),
    ]:
        with pytest.raises(ClientError, match=words):
            sagemaker.update_pipeline_version(
                PipelineArn=arn, PipelineVersionId=1, PipelineVersionAliasOperations=wrong
            )
    with pytest.raises(ClientError) as caught:
        start(sagemaker, PipelineVersionAlias="nobody")
    assert code(caught) == "ResourceNotFound"


def test_pipelines_are_listed_by_name_time_and_page(sagemaker, clock):
    for name in ("b", "a", "c"):
        create(sagemaker, fail(), name=name)
        clock.advance(seconds=1)
    start(sagemaker, "a")

    def names(**given):
        return [each["PipelineName"] for each in sagemaker.list_pipelines(**given)["PipelineSummaries"]]

    assert names() == ["c", "a", "b"] and names(SortBy="Name", SortOrder="Ascending") == ["a", "b", "c"]
    assert names(PipelineNamePrefix="a") == ["a"] and names(ManagedBy="AWS") == []
    assert names(CreatedAfter=clock.now()) == []
    page = sagemaker.list_pipelines(MaxResults=2)
    assert names(NextToken=page["NextToken"]) == ["b"]
    summary = next(each for each in sagemaker.list_pipelines()["PipelineSummaries"] if each["PipelineName"] == "a")
    assert summary["LastExecutionTime"] and summary["RoleArn"] == ROLE
    with pytest.raises(ClientError, match="Invalid NextToken"):
        sagemaker.list_pipelines(NextToken="x")


def test_a_pipeline_that_is_under_way_is_not_deleted_and_then_goes_with_all_it_had(sagemaker, cloud, steps):
    create(sagemaker, training())
    execution = start(sagemaker)
    steps()
    with pytest.raises(ClientError) as caught:
        sagemaker.delete_pipeline(PipelineName="p")
    assert code(caught) == "ConflictException"
    sagemaker.stop_pipeline_execution(PipelineExecutionArn=execution)
    steps(8)
    assert status(sagemaker, execution) == "Stopped"
    sagemaker.delete_pipeline(PipelineName="p")
    assert sagemaker.list_pipelines()["PipelineSummaries"] == []
    with cloud.store.reading() as tx:
        assert tx.db.execute("select count(*) from resource where type like 'pipeline%'").fetchone()[0] == 0
