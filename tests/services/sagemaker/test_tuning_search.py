"""What a tuning job searches in, with what knowledge, and what it does not accept."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import connect
from services.sagemaker.acted import ACCOUNT, REGION, channel
from services.sagemaker.test_training import refused
from services.sagemaker.tuned import children, continuous, definition, described, request, values

import skylab
from skylab.services.sagemaker.tuning import ranges, search
from skylab.services.sagemaker.tuning.search import Search, Tried


def one(**members):
    return ranges.parse({"ContinuousParameterRanges": [continuous(**members)]})[0]


@pytest.mark.parametrize(
    "low, high, scale, found",
    [
        ("0.001", "1", "Auto", "Logarithmic"),
        ("0.01", "1", "Auto", "Linear"),
        ("0", "1", "Auto", "Linear"),
        ("0.9", "0.999", "ReverseLogarithmic", "ReverseLogarithmic"),
    ],
)
def test_auto_is_logarithmic_where_a_range_is_wide(low, high, scale, found):
    assert one(low=low, high=high, ScalingType=scale).scale == found


def test_values_are_as_aws_writes_them_and_come_back_from_it():
    reverse = one(low="0.5", high="0.999", ScalingType="ReverseLogarithmic")
    assert float(reverse.text(reverse.inner("0.75"))) == 0.75 and reverse.ends == pytest.approx((0.001, 0.5))
    whole = ranges.parse({"IntegerParameterRanges": [{"Name": "n", "MinValue": "1", "MaxValue": "9"}]})[0]
    assert whole.text(7) == "7" and whole.inner("7") == 7 and whole.inner("10") is whole.inner("x") is None
    word = ranges.parse({"CategoricalParameterRanges": [{"Name": "w", "Values": ['"sgd"', '"adam"']}]})[0]
    assert word.text('"sgd"') == word.inner('"sgd"') == '"sgd"' and word.inner("sgd") is None


@pytest.mark.parametrize("scale, half", [("Linear", 0.5), ("Logarithmic", 0.1), ("ReverseLogarithmic", 0.9)])
def test_a_scale_says_where_half_of_the_values_lie(scale, half):
    low, high = {"Logarithmic": ("0.01", "1"), "ReverseLogarithmic": ("0", "0.99")}.get(scale, ("0", "1"))
    chooser = Search("Random", "Minimize", 3, [one(low=low, high=high, ScalingType=scale)])
    drawn = [float(chooser.propose(number, [])["eta"]) for number in range(1, 101)]
    assert 35 <= sum(value < half for value in drawn) <= 65


def test_a_search_that_knows_the_same_chooses_the_same_and_running_ones_count():
    chooser = Search("Bayesian", "Maximize", 5, [one(low="0", high="1")])
    past = [Tried({"eta": n / 12}, -abs(n / 12 - 0.5)) for n in range(12)]
    assert chooser.propose(13, past) == chooser.propose(13, past)
    assert chooser.propose(13, past) != chooser.propose(14, [*past, Tried({"eta": 0.5}, None)])


def several(name, definition, metric="validation:rmse", low="0", high="1"):
    """One of several definitions."""
    return definition | {
        "DefinitionName": name,
        "TuningObjective": {"Type": "Minimize", "MetricName": metric},
        "HyperParameterRanges": {"ContinuousParameterRanges": [continuous(low=low, high=high)]},
    }


def of_several(*definitions):
    asked = request("several", jobs=4, more={"TrainingJobDefinitions": definitions})
    del asked["TrainingJobDefinition"]
    for member in ("ParameterRanges", "HyperParameterTuningJobObjective"):
        del asked["HyperParameterTuningJobConfig"][member]
    return asked


def test_several_definitions_take_turns_each_with_its_own_ranges_and_metric(sagemaker, acting, tune):
    small = several("small", definition(), "validation:rmse", "0.1", "0.2")
    large = several("large", definition(), "train:rmse", "0.8", "0.9")
    sagemaker.create_hyper_parameter_tuning_job(**of_several(small, large))
    doc = acting.all("several")

    found = children(sagemaker, "several")
    assert [child["TrainingJobDefinitionName"] for child in found] == ["small", "large", "small", "large"]
    assert [float(child["TunedHyperParameters"]["eta"]) < 0.5 for child in found] == [True, False, True, False]
    metrics = [child["FinalHyperParameterTuningJobObjectiveMetric"]["MetricName"] for child in found]
    assert metrics == ["validation:rmse", "train:rmse"] * 2
    assert "BestTrainingJob" not in doc, "what is measured differently has no best"
    names = [each["DefinitionName"] for each in doc["TrainingJobDefinitions"]]
    assert names == ["small", "large"] and "TrainingJobDefinition" not in doc


def warm(type, *parents):
    listed = [{"HyperParameterTuningJobName": name} for name in parents]
    return {"WarmStartConfig": {"WarmStartType": type, "ParentHyperParameterTuningJobs": listed}}


def test_a_warm_start_on_identical_data_knows_its_parents_results(sagemaker, acting, tune):
    wide = {"ContinuousParameterRanges": [continuous("eta", "0", "1")]}
    tune("parent", jobs=12, parallel=4, ranges=wide)
    best = acting.all("parent", objective=lambda tuned: abs(float(tuned["eta"]) - 0.3))["BestTrainingJob"]

    tune(
        "child", jobs=3, parallel=1, Strategy="Bayesian", ranges=wide, more=warm("IdenticalDataAndAlgorithm", "parent")
    )
    assert described(sagemaker, "child")["OverallBestTrainingJob"] == best
    sagemaker.delete_hyper_parameter_tuning_job(HyperParameterTuningJobName="parent")
    doc = acting.all("child", objective=lambda tuned: 5 + abs(float(tuned["eta"]) - 0.3))

    assert doc["OverallBestTrainingJob"]["TuningJobName"] == "parent", "which knew of a better one"
    assert doc["BestTrainingJob"]["TuningJobName"] == "child"
    assert max(abs(float(tuned["eta"]) - 0.3) for tuned in values(sagemaker, "child")[:1]) < 0.2


def test_transfer_learning_tries_first_what_was_best_for_its_parents(sagemaker, acting, tune):
    tune("parent", jobs=8, parallel=4)
    acting.all("parent")
    ranked = children(sagemaker, "parent", SortBy="FinalObjectiveMetricValue")
    tune("child", jobs=6, parallel=1, Strategy="Bayesian", more=warm("TransferLearning", "parent"))
    doc = acting.all("child")
    assert values(sagemaker, "child")[:5] == [child["TunedHyperParameters"] for child in ranked[:5]]
    assert "OverallBestTrainingJob" not in doc


def test_a_hyperparameter_may_change_between_static_and_tunable(sagemaker, acting, tune):
    tune("parent", jobs=4, parallel=4)
    acting.all("parent")
    ranges = {"IntegerParameterRanges": [{"Name": "num_round", "MinValue": "5", "MaxValue": "20"}]}
    again = definition(StaticHyperParameters={"eta": "0.1"})
    tune("child", jobs=1, definition=again, ranges=ranges, more=warm("TransferLearning", "parent"))
    assert values(sagemaker, "child") == [{"num_round": "10"}], "as it was fixed before"


@pytest.mark.parametrize(
    "members, words",
    [
        ({"more": warm("TransferLearning", "none")}, "must exist"),
        ({"more": warm("TransferLearning", "parent", "parent")}, "distinct"),
        ({"jobs": 499, "more": warm("TransferLearning", "parent")}, "is 500"),
        ({"Strategy": "Grid", "ranges": {"CategoricalParameterRanges": [{"Name": "a", "Values": ["1"]}]}, "jobs": 1,
          "more": warm("TransferLearning", "parent")}, "Bayesian and the Random"),
        ({"definition": definition(StaticHyperParameters={}), "more": warm("TransferLearning", "parent")}, "total"),
        ({"definition": definition(InputDataConfig=[channel()]),
          "more": warm("IdenticalDataAndAlgorithm", "parent")}, "input data"),
        ({"HyperParameterTuningJobObjective": {"Type": "Maximize", "MetricName": "validation:rmse"},
          "more": warm("TransferLearning", "parent")}, "must be the same"),
    ],
)  # fmt: skip
def test_what_cannot_be_a_parent_is_refused(sagemaker, acting, tune, members, words):
    tune("parent", jobs=2)
    acting.all("parent")
    _, message = refused(sagemaker.create_hyper_parameter_tuning_job, **request("child", **members))
    assert words in message


CATEGORIES = {"CategoricalParameterRanges": [{"Name": "a", "Values": ["1", "2"]}]}


@pytest.mark.parametrize(
    "members, words",
    [
        ({"more": {"Autotune": {"Mode": "Enabled"}}}, "Autotune is not offered"),
        ({"ranges": {"AutoParameters": [{"Name": "a", "ValueHint": "1"}]}}, "AutoParameters is not offered"),
        ({"ranges": {"ContinuousParameterRanges": []}}, "At least one"),
        ({"ranges": {"ContinuousParameterRanges": [continuous(low="x")]}}, "is not a number"),
        ({"ranges": {"ContinuousParameterRanges": [continuous(low="inf")]}}, "is not a number"),
        ({"ranges": {"ContinuousParameterRanges": [continuous(low="1", high="0")]}}, "must not be greater"),
        ({"ranges": {"ContinuousParameterRanges": [continuous(), continuous()]}}, "must be distinct"),
        ({"ranges": {"ContinuousParameterRanges": [continuous("num_round")]}}, "both static and tunable"),
        ({"ranges": {"ContinuousParameterRanges": [continuous(low="0", ScalingType="Logarithmic")]}}, "greater than 0"),
        ({"ranges": {"ContinuousParameterRanges": [continuous(high="1", ScalingType="ReverseLogarithmic")]}}, "x <"),
        ({"ranges": {"IntegerParameterRanges": [{"Name": "n", "MinValue": "1.5", "MaxValue": "2"}]}}, "not an integer"),
        ({"ranges": {"CategoricalParameterRanges": [{"Name": "a", "Values": ["1", "1"]}]}}, "must be distinct"),
        ({"Strategy": "Grid"}, "only categorical"),
        ({"Strategy": "Grid", "ranges": CATEGORIES, "jobs": 3}, "number of its combinations, 2"),
        ({"Strategy": "Hyperband"}, "needs MaxResource"),
        ({"Strategy": "Hyperband", "TrainingJobEarlyStoppingType": "Auto"}, "must be Off"),
        ({"StrategyConfig": {"HyperbandStrategyConfig": {"MaxResource": 9}}}, "only supported for the Hyperband"),
        ({"Strategy": "Hyperband",
          "StrategyConfig": {"HyperbandStrategyConfig": {"MinResource": 5, "MaxResource": 4}}}, "MinResource <="),
        ({"HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "no"}}, "[no], isn't valid"),
        ({"definition": definition(RoleArn=f"arn:aws:iam::{ACCOUNT}:role/Nobody")}, "Could not assume role"),
        ({"definition": definition(InputDataConfig=[channel(uri="s3://nowhere/x")])}, "nowhere does not exist"),
        ({"definition": definition(HyperParameterTuningResourceConfig={"InstanceType": "ml.m5.large"})}, "one of"),
        ({"more": {"TrainingJobDefinitions": [definition()]}}, "one of TrainingJobDefinition and"),
    ],
)  # fmt: skip
def test_what_cannot_work_is_refused_at_once(sagemaker, members, words):
    code, message = refused(sagemaker.create_hyper_parameter_tuning_job, **request(**members))
    assert code == "ValidationException" and words in message
    assert sagemaker.list_hyper_parameter_tuning_jobs()["HyperParameterTuningJobSummaries"] == []


@pytest.mark.parametrize(
    "members",
    [
        {"jobs": 751, "Strategy": "Bayesian"},
        {"jobs": 10_001},
        {"parallel": 101},
        {"ranges": {"ContinuousParameterRanges": [continuous(f"a{n}") for n in range(16)],
                    "CategoricalParameterRanges": [{"Name": f"b{n}", "Values": ["1"]} for n in range(15)]}},
        {"definition": definition(StaticHyperParameters={f"s{n}": "1" for n in range(99)})},
        {"definition": definition(AlgorithmSpecification={
            "TrainingImage": definition()["AlgorithmSpecification"]["TrainingImage"], "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": f"m{n}", "Regex": "(1)"} for n in range(21)]})},
    ],
)  # fmt: skip
def test_quotas_hold(sagemaker, members):
    """https://docs.aws.amazon.com/sagemaker/latest/dg/automatic-model-tuning-limits.html"""
    code, message = refused(sagemaker.create_hyper_parameter_tuning_job, **request(**members))
    assert code == "ResourceLimitExceeded" and "service limit" in message


def test_names_are_taken_once_and_lists_come_in_pages(sagemaker, clock, acting, tune):
    for name in ("b", "a", "c"):
        clock.advance(seconds=1)
        sagemaker.create_hyper_parameter_tuning_job(**request(name, jobs=3, parallel=3))
    assert refused(sagemaker.create_hyper_parameter_tuning_job, **request("a"))[0] == "ResourceInUse"
    for operation in (sagemaker.describe_hyper_parameter_tuning_job, sagemaker.stop_hyper_parameter_tuning_job):
        assert refused(operation, HyperParameterTuningJobName="no")[0] == "ResourceNotFound"
    first = sagemaker.list_hyper_parameter_tuning_jobs(MaxResults=2)
    rest = sagemaker.list_hyper_parameter_tuning_jobs(NextToken=first["NextToken"])
    found = first["HyperParameterTuningJobSummaries"] + rest["HyperParameterTuningJobSummaries"]
    assert [each["HyperParameterTuningJobName"] for each in found] == ["a", "b", "c"]
    assert found[0]["Strategy"] == "Random" and found[0]["ResourceLimits"]["MaxParallelTrainingJobs"] == 3
    late = sagemaker.list_hyper_parameter_tuning_jobs(SortBy="CreationTime", SortOrder="Descending", MaxResults=1)
    assert late["HyperParameterTuningJobSummaries"][0]["HyperParameterTuningJobName"] == "c"

    acting.all("a")
    ask = {"HyperParameterTuningJobName": "a", "SortBy": "FinalObjectiveMetricValue", "SortOrder": "Descending"}
    page = sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(MaxResults=2, **ask)
    more = sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(NextToken=page["NextToken"], **ask)
    both = page["TrainingJobSummaries"] + more["TrainingJobSummaries"]
    reached = [each["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] for each in both]
    assert len(reached) == 3 and reached == sorted(reached, reverse=True) and "NextToken" not in more


def test_optuna_is_not_imported_before_it_is_needed():
    code = "import sys, skylab.cloud; sys.exit('optuna' in sys.modules or 'numpy' in sys.modules)"
    env = os.environ | {"PYTHONPATH": str(Path(skylab.__file__).parents[1])}
    assert subprocess.run([sys.executable, "-c", code], env=env).returncode == 0


def test_without_optuna_a_tuning_job_is_refused_by_name(sagemaker, monkeypatch):
    monkeypatch.setattr(search, "find_spec", lambda name: None)
    _, message = refused(sagemaker.create_hyper_parameter_tuning_job, **request())
    assert "skylab[tuning]" in message


def test_who_makes_a_tuning_job_must_be_allowed_each_of_its_definitions(cloud, sagemaker, s3):
    large = definition(ResourceConfig={"InstanceCount": 1, "InstanceType": "ml.p3.2xlarge", "VolumeSizeInGB": 5})
    allow = {"Effect": "Allow", "Action": ["sagemaker:CreateHyper*", "iam:PassRole"], "Resource": "*"}
    deny = {"Effect": "Deny", "Action": "sagemaker:*", "Resource": "*"}
    deny["Condition"] = {"ForAnyValue:StringEquals": {"sagemaker:InstanceTypes": "ml.p3.2xlarge"}}
    ann = user(cloud, allow, deny)
    ann.create_hyper_parameter_tuning_job(**request("fine"))
    code, _ = refused(ann.create_hyper_parameter_tuning_job, **request("no", definition=large))
    assert code == "AccessDeniedException"
    both = [several(name, each) for name, each in (("a", definition()), ("b", large))]
    assert refused(ann.create_hyper_parameter_tuning_job, **of_several(*both))[0] == "AccessDeniedException"
    nobody = user(cloud, allow | {"Action": "sagemaker:*"}, name="bob")
    assert refused(nobody.create_hyper_parameter_tuning_job, **request("no"))[0] == "AccessDeniedException"


def role(cloud, *actions):
    """The ARN of a role that SageMaker assumes, and that may do so much."""
    iam, service = connect(cloud, "iam"), {"Service": "sagemaker.amazonaws.com"}
    trust = {"Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole", "Principal": service}]}
    iam.create_role(RoleName="plain", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17"} | trust))
    policy = {"Statement": [{"Effect": "Allow", "Action": actions, "Resource": "*"}]}
    iam.put_role_policy(
        RoleName="plain", PolicyName="own", PolicyDocument=json.dumps({"Version": "2012-10-17"} | policy)
    )
    return f"arn:aws:iam::{ACCOUNT}:role/plain"


def test_the_role_needs_not_be_allowed_to_make_training_jobs(cloud, sagemaker, acting, tune):
    tune(jobs=2, definition=definition(RoleArn=role(cloud, "s3:*")))
    assert acting.all()["TrainingJobStatusCounters"]["Completed"] == 2


def test_a_training_job_that_cannot_be_made_any_more_ends_the_tuning_job(sagemaker, s3, acting, tune):
    tune(jobs=3, parallel=1)
    s3.delete_bucket(Bucket="sagemaker-data")
    doc = acting.all()
    assert doc["HyperParameterTuningJobStatus"] == "Failed"
    assert doc["FailureReason"] == "ClientError: The specified bucket sagemaker-data does not exist."
    assert sum(doc["TrainingJobStatusCounters"].values()) == 1


def user(cloud, *statements, name="ann"):
    """A client of a user with this policy."""
    iam = connect(cloud, "iam")
    iam.create_user(UserName=name)
    policy = json.dumps({"Version": "2012-10-17", "Statement": statements})
    iam.put_user_policy(UserName=name, PolicyName="own", PolicyDocument=policy)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return cloud.transport.client("sagemaker", REGION, key["AccessKeyId"], key["SecretAccessKey"], None)
