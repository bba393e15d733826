"""Artifacts, actions, contexts, associations, and walks along them, from data to endpoint."""

import pytest
from botocore.exceptions import ClientError
from services.sagemaker.acted import ACCOUNT, REGION, ROLE, XGBOOST, channel, request

from skylab.kernel.key import Key
from skylab.services.sagemaker.tracking import automatic
from skylab.services.sagemaker.tracking.deployments import Deployment

ARN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}"
DATA, MODEL = "s3://sagemaker-data/train/", "s3://sagemaker-data/out/Job/output/model.tar.gz"


def refused(operation, **members):
    with pytest.raises(ClientError) as caught:
        operation(**members)
    error = caught.value.response["Error"]
    return error["Code"], error["Message"]


def artifact(sagemaker, uri, type="DataSet", **members):
    return sagemaker.create_artifact(Source={"SourceUri": uri}, ArtifactType=type, **members)["ArtifactArn"]


def action(sagemaker, name, type="ModelDeployment", **members):
    source = {"SourceUri": "arn:x", "SourceType": "ARN"}
    return sagemaker.create_action(ActionName=name, ActionType=type, Source=source, **members)["ActionArn"]


def context(sagemaker, name, type="Endpoint", **members):
    source = {"SourceUri": f"arn:{name}", "SourceType": "ARN"}
    return sagemaker.create_context(ContextName=name, ContextType=type, Source=source, **members)["ContextArn"]


def test_an_artifact_is_known_by_its_source(sagemaker):
    arn = artifact(sagemaker, "s3://b/k", ArtifactName="mine", Properties={"a": "1", "b": "2"})
    assert arn.startswith(f"{ARN}:artifact/") and len(arn.rpartition("/")[2]) == 32
    code, message = refused(artifact, sagemaker=sagemaker, uri="s3://b/k")
    assert code == "ValidationException" and "already exists" in message and arn in message
    types = {"SourceUri": "s3://b/k", "SourceTypes": [{"SourceIdType": "S3ETag", "Value": "e"}]}
    assert sagemaker.create_artifact(Source=types, ArtifactType="DataSet")["ArtifactArn"] != arn

    sagemaker.update_artifact(ArtifactArn=arn, Properties={"c": "3"}, PropertiesToRemove=["a"])
    found = sagemaker.describe_artifact(ArtifactArn=arn)
    assert found["Properties"] == {"b": "2", "c": "3"} and found["ArtifactName"] == "mine"
    assert len(sagemaker.list_artifacts(SourceUri="s3://b/k")["ArtifactSummaries"]) == 2
    assert sagemaker.list_artifacts(ArtifactType="Model")["ArtifactSummaries"] == []
    assert "Either ArtifactArn or Source" in refused(sagemaker.delete_artifact)[1]
    assert sagemaker.delete_artifact(Source={"SourceUri": "s3://b/k"})["ArtifactArn"] == arn
    assert refused(sagemaker.describe_artifact, ArtifactArn=arn)[0] == "ResourceNotFound"


@pytest.mark.parametrize(("word", "make"), [("action", action), ("context", context)])
def test_actions_and_contexts_are_made_changed_listed_and_deleted(sagemaker, word, make):
    Word = word.title()
    make(sagemaker, "One", Properties={"a": "1"})
    make(sagemaker, "Two", "Approval")

    def on(operation, **members):
        return getattr(sagemaker, f"{operation}_{word}")(**{f"{Word}Name": "One"}, **members)

    on("update", Description="why", PropertiesToRemove=["a"])
    found = on("describe")
    assert found["Description"] == "why" and found["Properties"] == {} and "LineageGroupArn" in found
    listed = getattr(sagemaker, f"list_{word}s")(**{f"{Word}Type": "Approval"})[f"{Word}Summaries"]
    assert [each[f"{Word}Name"] for each in listed] == ["Two"]
    on("delete")
    with pytest.raises(ClientError, match="ResourceNotFound"):
        on("describe")


def test_associations_are_listed_from_either_end(sagemaker):
    data, done, place = artifact(sagemaker, "s3://b/k"), action(sagemaker, "Do"), context(sagemaker, "Here")
    sagemaker.add_association(SourceArn=data, DestinationArn=done, AssociationType="ContributedTo")
    sagemaker.add_association(SourceArn=done, DestinationArn=place)

    def listed(**members):
        found = sagemaker.list_associations(**members)["AssociationSummaries"]
        return [(each["SourceArn"], each["DestinationArn"]) for each in found]

    assert listed(SourceArn=data) == listed(DestinationArn=done) == [(data, done)]
    assert listed(DestinationType="Endpoint") == [(done, place)] == listed(SourceType="Action")
    assert listed(AssociationType="ContributedTo") == [(data, done)]
    assert len(listed()) == 2
    (one,) = sagemaker.list_associations(SourceArn=data)["AssociationSummaries"]
    assert (one["SourceType"], one["DestinationType"], one["DestinationName"]) == ("DataSet", "ModelDeployment", "Do")
    again = {"SourceArn": data, "DestinationArn": done}
    assert "already exists" in refused(sagemaker.add_association, **again)[1]
    lost = {"SourceArn": data, "DestinationArn": f"{ARN}:action/none"}
    assert refused(sagemaker.add_association, **lost)[0] == "ResourceNotFound"
    sagemaker.create_experiment(ExperimentName="Exp")
    sagemaker.add_association(SourceArn=f"{ARN}:experiment/exp", DestinationArn=place)
    assert listed(SourceType="Experiment") == [(f"{ARN}:experiment/exp", place)]
    sagemaker.delete_association(SourceArn=f"{ARN}:experiment/exp", DestinationArn=place)

    sagemaker.delete_association(**again)
    assert refused(sagemaker.delete_association, **again)[0] == "ResourceNotFound"
    sagemaker.delete_action(ActionName="Do")
    assert listed() == []


@pytest.fixture
def chain(sagemaker):
    """a -> b -> c -> d, and x -> c"""
    made = {name: artifact(sagemaker, name, type=name.upper(), Properties={"n": name}) for name in "abcdx"}
    for source, destination in ("ab", "bc", "cd", "xc"):
        sagemaker.add_association(SourceArn=made[source], DestinationArn=made[destination])
    return made


def walked(sagemaker, made, start, **members):
    answer = sagemaker.query_lineage(StartArns=[made[start]], **members)
    names = {arn: name for name, arn in made.items()}
    vertices = "".join(sorted(names[each["Arn"]] for each in answer["Vertices"]))
    edges = sorted(names[each["SourceArn"]] + names[each["DestinationArn"]] for each in answer["Edges"])
    return vertices, edges


def test_a_walk_goes_up_down_or_both_ways_so_far(sagemaker, chain):
    assert walked(sagemaker, chain, "c", Direction="Ascendants") == ("abcx", ["ab", "bc", "xc"])
    assert walked(sagemaker, chain, "c", Direction="Descendants") == ("cd", ["cd"])
    assert walked(sagemaker, chain, "b", Direction="Both") == ("abcd", ["ab", "bc", "cd"])
    assert walked(sagemaker, chain, "d", Direction="Ascendants", MaxDepth=1) == ("cd", ["cd"])
    assert walked(sagemaker, chain, "a", Direction="Ascendants") == ("", [])
    lost = {"StartArns": [f"{ARN}:artifact/{'0' * 32}"]}
    assert refused(sagemaker.query_lineage, **lost)[0] == "ResourceNotFound"


def test_filters_choose_what_is_shown_and_not_the_way(sagemaker, chain, clock):
    down = {"Direction": "Descendants", "IncludeEdges": False}
    assert walked(sagemaker, chain, "a", **down, Filters={"Types": ["D"]}) == ("d", [])
    assert walked(sagemaker, chain, "a", **down, Filters={"LineageTypes": ["Context"]}) == ("", [])
    assert walked(sagemaker, chain, "a", **down, Filters={"Properties": {"n": "c", "m": "z"}}) == ("c", [])
    assert walked(sagemaker, chain, "a", **down, Filters={"CreatedAfter": clock.now()}) == ("", [])
    later = clock.advance(hours=1)
    assert walked(sagemaker, chain, "a", **down, Filters={"ModifiedBefore": later}) == ("bcd", [])
    path = walked(sagemaker, chain, "a", Direction="Descendants", Filters={"Types": ["C"]})
    assert path == ("abc", ["ab", "bc"])  # with edges: what lies on the way


def test_a_walk_is_told_in_pages(sagemaker, chain):
    pages, token = [], {}
    while True:
        answer = sagemaker.query_lineage(StartArns=[chain["a"]], Direction="Descendants", MaxResults=3, **token)
        pages.append(answer)
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    assert [len(page["Vertices"]) for page in pages] == [3, 1]
    assert [len(page["Edges"]) for page in pages] == [2, 1]


def test_there_is_one_lineage_group_from_the_first_entity_on(sagemaker):
    assert sagemaker.list_lineage_groups()["LineageGroupSummaries"] == []
    artifact(sagemaker, "s3://b/k")
    (group,) = sagemaker.list_lineage_groups()["LineageGroupSummaries"]
    found = sagemaker.describe_lineage_group(LineageGroupName=group["LineageGroupName"])
    assert (
        found["LineageGroupArn"] == group["LineageGroupArn"] == f"{ARN}:lineage-group/sagemaker-default-lineage-group"
    )


def test_what_a_job_produced_is_walked_from_data_to_endpoint(sagemaker, s3, processes, steps):
    s3.put_object(Bucket="sagemaker-data", Key="train/a", Body=b"1")
    sagemaker.create_training_job(**request("Job", InputDataConfig=[channel()]))
    steps(3)
    processes.end(0)
    steps(6)
    container = {"Image": XGBOOST, "ModelDataUrl": MODEL}
    sagemaker.create_model_package_group(ModelPackageGroupName="Group")
    package = sagemaker.create_model_package(
        ModelPackageGroupName="Group", InferenceSpecification={"Containers": [container]}
    )["ModelPackageArn"]
    sagemaker.update_model_package(
        ModelPackageArn=package, ModelApprovalStatus="Approved", ApprovalDescription="good enough"
    )
    sagemaker.create_model(ModelName="M", PrimaryContainer={"ModelPackageName": package}, ExecutionRoleArn=ROLE)
    variant = {"VariantName": "A", "ModelName": "M", "InstanceType": "ml.m5.large", "InitialInstanceCount": 1}
    sagemaker.create_endpoint_config(EndpointConfigName="C", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="E", EndpointConfigName="C")

    (data,) = sagemaker.list_artifacts(SourceUri=DATA)["ArtifactSummaries"]
    found = sagemaker.query_lineage(StartArns=[data["ArtifactArn"]], Direction="Descendants", IncludeEdges=False)
    kinds = sorted((each["LineageType"], each["Type"]) for each in found["Vertices"])
    assert kinds == [
        ("Action", "Approval"),
        ("Action", "ModelDeployment"),
        ("Artifact", "Model"),  # model.tar.gz
        ("Artifact", "Model"),  # the model of SageMaker
        ("Artifact", "ModelPackage"),
        ("Context", "Endpoint"),
        ("Context", "ModelGroup"),
        ("TrialComponent", "TrainingJob"),
    ]

    (endpoint,) = sagemaker.list_contexts(ContextType="Endpoint")["ContextSummaries"]
    assert endpoint["Source"]["SourceUri"] == f"{ARN}:endpoint/e"
    back = sagemaker.query_lineage(
        StartArns=[endpoint["ContextArn"]],
        Direction="Ascendants",
        IncludeEdges=False,
        Filters={"Types": ["TrainingJob", "DataSet", "Image"]},
    )
    assert sorted(each["Type"] for each in back["Vertices"]) == ["DataSet", "Image", "TrainingJob"]
    (approval,) = sagemaker.list_actions(ActionType="Approval")["ActionSummaries"]
    said = sagemaker.describe_action(ActionName=approval["ActionName"])
    assert said["Description"] == "good enough" and said["Properties"] == {"ModelApprovalStatus": "Approved"}
    assert "IamIdentity" in said["CreatedBy"] and approval["Source"]["SourceUri"] == package


DEPLOYMENTS = [  # (the endpoint's status, the configuration that it serves, what became of the deployment of "new")
    ("Updating", "old", "InProgress"),
    ("InService", "new", "Completed"),
    ("InService", "old", "Failed"),
    ("Failed", "new", "Failed"),
    (None, "", "Failed"),
]


def test_a_deployment_is_over_when_the_endpoint_says_how(cloud, sagemaker, clock):
    for number, (status, serves, said) in enumerate(DEPLOYMENTS):
        endpoint, now = Key(ACCOUNT, REGION, "sagemaker", "endpoint", f"E{number}"), clock.now()
        with cloud.store.writing() as tx:
            automatic.deployed(tx, endpoint, "new", now, f"task-{number}")
            if status:
                tx.create(endpoint, {"EndpointStatus": status, "EndpointConfigName": serves}, now)
            (task,) = [task for task in tx.tasks() if task.id == f"task-{number}"]

        Deployment(cloud.world).advance(task, now)
        Deployment(cloud.world).advance(task, now)  # as after a kill

        (found,) = [
            each
            for each in sagemaker.list_actions(ActionType="ModelDeployment")["ActionSummaries"]
            if each["Source"]["SourceUri"] == f"{ARN}:endpoint/e{number}"
        ]
        assert found["Status"] == said
