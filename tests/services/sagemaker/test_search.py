"""Search: the expression language over what jobs, experiments and the registry left."""

import json
import time
from datetime import timedelta

import pytest
from botocore.exceptions import ClientError
from conftest import connect
from services.sagemaker.acted import ACCOUNT, REGION, XGBOOST, channel, request

from skylab.kernel.key import Key

PLACE = (ACCOUNT, REGION, "sagemaker")


@pytest.fixture
def jobs(cloud, sagemaker, clock):
    """Three jobs, made a minute apart; their metrics are written as their end would."""
    for number, (eta, auc) in enumerate([("0.1", 0.7), ("0.25", 0.9), ("1", 0.8)]):
        sagemaker.create_training_job(
            **request(
                f"job-{number}",
                HyperParameters={"eta": eta, "a.b": "x"},
                InputDataConfig=[
                    channel("train", f"s3://sagemaker-data/{number}/"),
                    channel("test", "s3://sagemaker-data/t/"),
                ],
                EnableNetworkIsolation=number == 1,
                Tags=[{"Key": "team", "Value": "red" if number else "blue"}, {"Key": "n.o", "Value": str(number)}],
            )
        )
        with cloud.store.writing() as tx:
            key = Key(*PLACE, "training-job", f"job-{number}")
            metric = {"MetricName": "auc", "Value": auc, "Timestamp": clock.now()}
            tx.put(key, tx.get(key) | {"FinalMetricDataList": [metric], "LastModifiedTime": clock.now()}, clock.now())
        clock.advance(minutes=1)
    return sagemaker


def where(name, operator=None, value=None):
    given = {"Name": name, "Operator": operator, "Value": value}
    return {member: said for member, said in given.items() if said is not None}


def found(sagemaker, *filters, resource="TrainingJob", **members):
    expression = {"Filters": list(filters)} | members.pop("expression", {})
    expression = {name: value for name, value in expression.items() if value}
    answer = sagemaker.search(Resource=resource, **({"SearchExpression": expression} if expression else {}), **members)
    return [int(result["TrainingJob"]["TrainingJobName"][-1]) for result in answer["Results"]]


FILTERS = [
    (where("TrainingJobName", "Equals", "job-1"), [1]),
    (where("TrainingJobName", value="job-1"), [1]),
    (where("trainingjobname", "NotEquals", "job-1"), [2, 0]),
    (where("TrainingJobName", "Contains", "ob-2"), [2]),
    (where("TrainingJobName", "In", "job-0, job-2"), [2, 0]),
    (where("HyperParameters.eta", "LessThan", "0.5"), [1, 0]),
    (where("HyperParameters.eta", "GreaterThanOrEqualTo", "0.25"), [2, 1]),
    (where("HyperParameters.eta", "Equals", "0"), [1, 0]),  # a whole number: theirs are cut to whole ones
    (where("HyperParameters.a.b", "Equals", "x"), [2, 1, 0]),
    (where("HyperParameters.none", "Exists"), []),
    (where("HyperParameters.none", "NotExists"), [2, 1, 0]),
    (where("Metrics.auc", "GreaterThan", "0.75"), [2, 1]),
    (where("Metrics.auc", "LessThanOrEqualTo", "0.7"), [0]),
    (where("Tags.team", "Equals", "red"), [2, 1]),
    (where("Tags.n.o", "Equals", "0"), [0]),
    (where("EnableNetworkIsolation", "Equals", "true"), [1]),
    (where("ResourceConfig.InstanceCount", "GreaterThan", "1"), []),
    (where("ResourceConfig.VolumeSizeInGB", "Equals", "5"), [2, 1, 0]),
    (where("InputDataConfig.DataSource.S3DataSource.S3Uri", "Contains", "/1/"), [1]),
    (where("CreationTime", "GreaterThan", "2025-01-01T00:00:30"), [2, 1]),
    (where("CreationTime", "LessThan", "2025-01-01T00:00:30Z"), [0]),
    (where("SecondaryStatusTransitions.Status", "Equals", "Starting"), [2, 1, 0]),
]


def test_filters(jobs):
    assert [found(jobs, filter) for filter, _ in FILTERS] == [numbers for _, numbers in FILTERS]


def test_expressions_are_joined_by_and_or_and_nested(jobs):
    one, red = where("TrainingJobName", "Equals", "job-0"), where("Tags.team", "Equals", "red")
    assert found(jobs, one, red) == []
    assert found(jobs, one, red, expression={"Operator": "Or"}) == [2, 1, 0]
    inner = {"Filters": [one, where("Metrics.auc", "Equals", "0.9")], "Operator": "Or"}
    assert found(jobs, red, expression={"SubExpressions": [inner]}) == [1]


def test_nested_filters_hold_for_one_item_of_a_list(jobs):
    uri = "InputDataConfig.DataSource.S3DataSource.S3Uri"

    def asked(name):
        filters = [where("InputDataConfig.ChannelName", "Equals", name), where(uri, "Contains", "/1/")]
        nested = {"NestedPropertyName": "InputDataConfig", "Filters": filters}
        return found(jobs, expression={"NestedFilters": [nested]})

    assert asked("train") == [1]
    assert asked("test") == []


def test_results_are_sorted_by_any_property(jobs):
    assert found(jobs) == [2, 1, 0]  # by LastModifiedTime, the latest first
    assert found(jobs, SortBy="Metrics.auc") == [1, 2, 0]
    assert found(jobs, SortBy="HyperParameters.eta", SortOrder="Ascending") == [0, 1, 2]
    assert found(jobs, SortBy="TrainingJobName", SortOrder="Ascending") == [0, 1, 2]


def test_pages_go_on_where_the_one_before_ended(jobs):
    seen, token = [], {}
    while True:
        answer = jobs.search(Resource="TrainingJob", MaxResults=2, SortBy="Metrics.auc", **token)
        seen += [result["TrainingJob"]["TrainingJobName"] for result in answer["Results"]]
        assert answer["TotalHits"] == {"Value": 3, "Relation": "EqualTo"}
        if "NextToken" not in answer:
            break
        token = {"NextToken": answer["NextToken"]}
    assert seen == ["job-1", "job-2", "job-0"]


def refused(sagemaker, **members):
    with pytest.raises(ClientError) as caught:
        sagemaker.search(**({"Resource": "TrainingJob"} | members))
    error = caught.value.response["Error"]
    assert error["Code"] == "ValidationException"
    return error["Message"]


def test_what_makes_no_sense_is_refused(sagemaker):
    def asked(*filter, **members):
        return refused(sagemaker, SearchExpression={"Filters": [where(*filter)]} | members)

    assert asked("Colour", "Equals", "red") == "Unknown property name: Colour"
    assert "not supported" in asked("TrainingJobName", "GreaterThan", "a")
    assert "not a number" in asked("ResourceConfig.InstanceCount", "Equals", "a")
    assert "ISO 8601" in asked("CreationTime", "GreaterThan", "soon")
    assert "needs a Value" in asked("TrainingJobName", "Equals")
    assert "at least one" in refused(sagemaker, SearchExpression={"Operator": "And"})
    assert "Invalid NextToken" in refused(sagemaker, NextToken="x")
    assert refused(sagemaker, Resource="Image") == "Search of the resource Image is not offered yet."


def test_visibility_conditions_leave_out_what_has_another_tag(jobs):
    assert found(jobs, VisibilityConditions=[{"Key": "Tags.team", "Value": "red"}]) == [2, 1]
    assert found(jobs, VisibilityConditions=[{"Key": "Tags.none", "Value": "red"}]) == [2, 1, 0]


def test_a_policy_can_demand_a_visibility_condition(cloud, jobs):
    iam = connect(cloud, "iam")
    iam.create_user(UserName="ann")
    condition = {"StringEquals": {"sagemaker:SearchVisibilityCondition/Tags.team": "red"}}
    may = {"Effect": "Allow", "Action": "sagemaker:Search", "Resource": "*", "Condition": condition}
    document = json.dumps({"Version": "2012-10-17", "Statement": may})
    iam.put_user_policy(UserName="ann", PolicyName="p", PolicyDocument=document)
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    ann = cloud.transport.client("sagemaker", REGION, key["AccessKeyId"], key["SecretAccessKey"], None)

    with pytest.raises(ClientError, match="not authorized"):
        found(ann)
    assert found(ann, VisibilityConditions=[{"Key": "Tags.team", "Value": "red"}]) == [2, 1]


def test_components_are_found_by_parents_parameters_and_metrics(cloud, sagemaker, clock):
    sagemaker.create_experiment(ExperimentName="Exp")
    sagemaker.create_trial(TrialName="Try", ExperimentName="Exp")
    config = {"ExperimentName": "Exp", "TrialName": "Try"}
    sagemaker.create_training_job(**request("Job", HyperParameters={"lr": "0.1"}, ExperimentConfig=config))
    sagemaker.create_trial_component(TrialComponentName="alone", Parameters={"kind": {"StringValue": "a"}})
    data = [{"MetricName": "loss:x", "Timestamp": clock.now() + timedelta(seconds=n), "Value": n} for n in (3.0, 1.0)]
    connect(cloud, "sagemaker-metrics").batch_put_metrics(TrialComponentName="job-aws-training-job", MetricData=data)

    def asked(*filter, **members):
        expression = {"Filters": [where(*filter)]}
        answer = sagemaker.search(Resource="ExperimentTrialComponent", SearchExpression=expression, **members)
        return [result["TrialComponent"] for result in answer["Results"]]

    (one,) = asked("Parents.ExperimentName", "Equals", "Exp")
    assert one["Parents"] == [{"TrialName": "Try", "ExperimentName": "Exp"}]
    assert one["SourceDetail"]["TrainingJob"]["TrainingJobName"] == "Job"
    assert [metric["MetricName"] for metric in one["Metrics"]] == ["loss:x"]
    assert len(asked("Parameters.lr", "LessThan", "0.2")) == 1 == len(asked("Parameters.kind", "Equals", "a"))
    assert len(asked("Metrics.loss:x.min", "Equals", "1")) == 1 == len(asked("Metrics.loss:x", "Exists"))
    assert len(asked("Source.SourceArn", "Contains", "training-job/job")) == 1
    both = asked("TrialComponentName", "Exists", SortBy="metrics.loss:x.max", SortOrder="Ascending")
    assert [each["TrialComponentName"] for each in both] == ["Job-aws-training-job", "alone"]


def test_other_resources_are_found_too(sagemaker):
    container = {"Image": XGBOOST, "ModelDataUrl": "s3://sagemaker-data/m"}
    sagemaker.create_model_package_group(ModelPackageGroupName="G", Tags=[{"Key": "team", "Value": "red"}])
    sagemaker.create_model_package(ModelPackageGroupName="G", InferenceSpecification={"Containers": [container]})
    sagemaker.create_experiment(ExperimentName="Exp")
    sagemaker.create_trial(TrialName="Try", ExperimentName="Exp")
    sagemaker.create_model(ModelName="M", PrimaryContainer=container)

    def one(resource, *filter):
        (result,) = sagemaker.search(Resource=resource, SearchExpression={"Filters": [where(*filter)]})["Results"]
        return result

    red = ("Tags.team", "Equals", "red")
    assert one("ModelPackageGroup", *red)["ModelPackageGroup"]["ModelPackageGroupName"] == "G"
    assert one("ModelPackage", *red)["ModelPackage"]["ModelPackageVersion"] == 1  # it has its group's tags
    assert one("ModelPackage", "ModelPackageVersion", "Equals", "1")["ModelPackage"]["ModelPackageGroupName"] == "G"
    assert one("Experiment", "ExperimentName", "Equals", "Exp")["Experiment"]["ExperimentName"] == "Exp"
    assert one("ExperimentTrial", "ExperimentName", "Equals", "Exp")["Trial"]["TrialName"] == "Try"
    assert one("Model", "ModelName", "Equals", "M")["Model"]["Model"]["ModelName"] == "M"


def test_names_are_suggested(jobs):
    def suggested(hint):
        query = {"PropertyNameQuery": {"PropertyNameHint": hint}}
        answer = jobs.get_search_suggestions(Resource="TrainingJob", SuggestionQuery=query)
        return [each["PropertyName"] for each in answer["PropertyNameSuggestions"]]

    assert suggested("HyperParameters.") == ["HyperParameters.a.b", "HyperParameters.eta"]
    assert suggested("Metrics.a") == ["Metrics.auc"]
    assert suggested("tags.") == ["Tags.n.o", "Tags.team"]
    assert suggested("TrainingJobN") == ["TrainingJobName"]


def test_ten_thousand_are_searched_in_one_pass(cloud, sagemaker, clock):
    with cloud.store.writing() as tx:
        for number in range(10_000):
            name = f"c-{number:05d}"
            doc = {"TrialComponentName": name, "TrialComponentArn": f"arn:{name}", "CreationTime": clock.now()}
            doc |= {"LastModifiedTime": clock.now(), "Parameters": {"n": {"NumberValue": float(number)}}}
            tx.create(Key(*PLACE, "experiment-trial-component", name), doc | {"_": {"tags": {}}}, clock.now())

    began = time.monotonic()
    answer = sagemaker.search(
        Resource="ExperimentTrialComponent",
        SearchExpression={"Filters": [where("Parameters.n", "GreaterThan", "9000")]},
        SortBy="Parameters.n",
        MaxResults=100,
    )

    assert time.monotonic() - began < 10  # about half a second, on a machine that does nothing else
    assert answer["TotalHits"]["Value"] == 999 and len(answer["Results"]) == 100
    assert answer["Results"][0]["TrialComponent"]["TrialComponentName"] == "c-09999"
