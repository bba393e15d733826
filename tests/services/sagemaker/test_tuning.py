"""Hyperparameter tuning jobs: what runs, what is found, how they end."""

import pytest
from services.sagemaker.acted import ACCOUNT, REGION
from services.sagemaker.test_training import refused
from services.sagemaker.tuned import NAME, STEPS, children, continuous, definition, described, request, values


def test_a_tuning_job_runs_so_many_training_jobs_at_a_time_and_finds_the_best(sagemaker, acting, tune):
    arn = tune(jobs=5, parallel=2)
    assert arn == f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:hyper-parameter-tuning-job/tuner"
    assert len(acting.running()) == 2
    doc = described(sagemaker)
    assert doc["TrainingJobStatusCounters"]["InProgress"] == doc["ObjectiveStatusCounters"]["Pending"] == 2
    assert doc["HyperParameterTuningJobStatus"] == "InProgress" and "BestTrainingJob" not in doc

    doc = acting.all()

    assert doc["HyperParameterTuningJobStatus"] == "Completed"
    assert doc["TrainingJobStatusCounters"] == {
        "Completed": 5, "InProgress": 0, "RetryableError": 0, "NonRetryableError": 0, "Stopped": 0
    }  # fmt: skip
    assert doc["ObjectiveStatusCounters"] == {"Succeeded": 5, "Pending": 0, "Failed": 0}
    best, ranked = doc["BestTrainingJob"], children(sagemaker, SortBy="FinalObjectiveMetricValue")
    assert best["TrainingJobName"] == ranked[0]["TrainingJobName"]
    eta = min(float(each["eta"]) for each in values(sagemaker))
    final = best["FinalHyperParameterTuningJobObjectiveMetric"]
    assert final == {"Type": "Minimize", "MetricName": "validation:rmse", "Value": pytest.approx(eta)}
    assert best["ObjectiveStatus"] == "Succeeded" and best["TuningJobName"] == NAME
    assert doc["ConsumedResources"]["RuntimeInSeconds"] > 0 and doc["HyperParameterTuningEndTime"]
    assert len(sagemaker.list_training_jobs()["TrainingJobSummaries"]) == 5


def test_a_training_job_is_as_the_definition_and_the_search_say(sagemaker, acting, tune):
    tune(more={"Tags": [{"Key": "team", "Value": "ml"}]}, definition=definition(
        CheckpointConfig={"S3Uri": "s3://sagemaker-data/kept/"}, Environment={"MINE": "1"},
        EnableManagedSpotTraining=True, RetryStrategy={"MaximumRetryAttempts": 2},
        StoppingCondition={"MaxRuntimeInSeconds": 60, "MaxWaitTimeInSeconds": 90},
    ))  # fmt: skip
    name = children(sagemaker)[0]["TrainingJobName"]
    assert name.startswith("tuner-001-") and len(name.rpartition("-")[2]) == 8
    child = sagemaker.describe_training_job(TrainingJobName=name)
    assert child["TuningJobArn"] == described(sagemaker)["HyperParameterTuningJobArn"]
    tuned = children(sagemaker)[0]["TunedHyperParameters"]
    static = {"num_round": "10", "_tuning_objective_metric": "validation:rmse"}
    assert child["HyperParameters"] == static | tuned and 0.01 <= float(tuned["eta"]) <= 0.9
    assert child["CheckpointConfig"]["S3Uri"] == f"s3://sagemaker-data/kept/{name}"
    assert child["Environment"] == {"MINE": "1"} and child["RetryStrategy"] == {"MaximumRetryAttempts": 2}
    assert child["EnableManagedSpotTraining"] and child["StoppingCondition"]["MaxWaitTimeInSeconds"] == 90
    assert sagemaker.list_tags(ResourceArn=child["TrainingJobArn"])["Tags"] == [{"Key": "team", "Value": "ml"}]


def test_what_sdks_look_up_is_filled_in(sagemaker, tune):
    resources = {"InstanceCount": 2, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 5}
    types = [resources, resources | {"InstanceType": "ml.m5.xlarge"}]
    flexible = {"AllocationStrategy": "Prioritized", "InstanceConfigs": types}
    several = definition(HyperParameterTuningResourceConfig=flexible)
    del several["ResourceConfig"]
    tune(definition=several)
    doc = described(sagemaker)
    made = doc["TrainingJobDefinition"]
    assert made["StaticHyperParameters"]["_tuning_objective_metric"] == "validation:rmse"
    assert made["ResourceConfig"] == resources and made["OutputDataConfig"]["KmsKeyId"] == ""
    assert "validation:auc" in [metric["Name"] for metric in made["AlgorithmSpecification"]["MetricDefinitions"]]
    assert doc["HyperParameterTuningJobConfig"]["TrainingJobEarlyStoppingType"] == "Off"


@pytest.mark.parametrize("strategy", ["Random", "Bayesian"])
def test_the_same_seed_tries_the_same(sagemaker, acting, tune, strategy):
    everything = {
        "ContinuousParameterRanges": [
            continuous(ScalingType="Logarithmic"),
            continuous("subsample", "0.5", "0.99", ScalingType="ReverseLogarithmic"),
            continuous("alpha", "0", "10", ScalingType="Linear"),
        ],
        "IntegerParameterRanges": [{"Name": "max_depth", "MinValue": "1", "MaxValue": "9"}],
        "CategoricalParameterRanges": [{"Name": "booster", "Values": ["gbtree", "dart"]}],
    }
    for name in ("a", "b"):
        tune(name, ranges=everything, Strategy=strategy, jobs=4, parallel=1)
        acting.all(name)
    tune("c", ranges=everything, Strategy=strategy, jobs=4, parallel=1, RandomSeed=8)
    acting.all("c")
    assert values(sagemaker, "a") == values(sagemaker, "b") != values(sagemaker, "c")
    for tuned in values(sagemaker, "a"):
        assert 0.01 <= float(tuned["eta"]) <= 0.9 and 0.5 <= float(tuned["subsample"]) <= 0.99
        assert tuned["max_depth"] in "123456789" and tuned["booster"] in ("gbtree", "dart")
    assert len({tuned["eta"] for tuned in values(sagemaker, "a")}) == 4


def test_a_bayesian_search_learns(sagemaker, acting, tune):
    tune(jobs=16, parallel=1, Strategy="Bayesian", ranges={"ContinuousParameterRanges": [continuous("eta", "0", "1")]})
    acting.all(objective=lambda tuned: (float(tuned["eta"]) - 0.3) ** 2, rounds=20)
    late = [abs(float(tuned["eta"]) - 0.3) for tuned in values(sagemaker)[10:]]
    assert sum(late) / len(late) < 0.12


def test_a_grid_is_all_combinations_once(sagemaker, acting, tune):
    ranges = {"CategoricalParameterRanges": [
        {"Name": "booster", "Values": ["gbtree", "dart"]}, {"Name": "eta", "Values": ["0.1", "0.2", "0.3"]}
    ]}  # fmt: skip
    grid = request(ranges=ranges, Strategy="Grid", parallel=4)
    del grid["HyperParameterTuningJobConfig"]["ResourceLimits"]["MaxNumberOfTrainingJobs"]
    sagemaker.create_hyper_parameter_tuning_job(**grid)
    assert acting.all()["TrainingJobStatusCounters"]["Completed"] == 6
    assert len({tuple(sorted(tuned.items())) for tuned in values(sagemaker)}) == 6


def test_stopping_stops_the_training_jobs_that_run(sagemaker, acting, tune, processes):
    tune(jobs=4, parallel=2)
    sagemaker.stop_hyper_parameter_tuning_job(HyperParameterTuningJobName=NAME)
    assert described(sagemaker)["HyperParameterTuningJobStatus"] == "Stopping"
    acting.steps(2 * STEPS)
    doc = described(sagemaker)
    assert doc["HyperParameterTuningJobStatus"] == "Stopped" and doc["TrainingJobStatusCounters"]["Stopped"] == 2
    assert {child["TrainingJobStatus"] for child in children(sagemaker)} == {"Stopped"}
    code, _ = refused(sagemaker.stop_hyper_parameter_tuning_job, HyperParameterTuningJobName=NAME)
    assert code == "ValidationException"


def test_deleting_forgets_the_entry_and_keeps_the_training_jobs(sagemaker, acting, tune):
    tune(jobs=2)
    code, _ = refused(sagemaker.delete_hyper_parameter_tuning_job, HyperParameterTuningJobName=NAME)
    assert code == "ValidationException"
    acting.all()
    sagemaker.delete_hyper_parameter_tuning_job(HyperParameterTuningJobName=NAME)
    assert refused(described, sagemaker=sagemaker)[0] == "ResourceNotFound"
    assert len(sagemaker.list_training_jobs()["TrainingJobSummaries"]) == 2
    tune(jobs=2, RandomSeed=9)
    assert len(children(sagemaker)) == 2, "nothing is left of the one before"


def test_training_jobs_that_fail_or_say_nothing_are_counted_as_such(sagemaker, acting, tune):
    tune(jobs=4, parallel=4)
    a, b, c, d = acting.running()
    acting.end(a, 0.5)
    acting.end(b, code=1)
    acting.end(c)
    acting.processes.end(None, acting.running()[d])
    acting.steps(2 * STEPS)
    doc = described(sagemaker)
    assert doc["HyperParameterTuningJobStatus"] == "Completed" and doc["BestTrainingJob"]["TrainingJobName"] == a
    assert doc["ObjectiveStatusCounters"] == {"Succeeded": 1, "Pending": 0, "Failed": 3}
    counters = {"Completed": 2, "InProgress": 0, "RetryableError": 1, "NonRetryableError": 1, "Stopped": 0}
    assert doc["TrainingJobStatusCounters"] == counters
    failed = {child["TrainingJobName"]: child for child in children(sagemaker, StatusEquals="Failed")}
    assert set(failed) == {b, d} and "exit code: 1" in failed[b]["FailureReason"]
    ranked = children(sagemaker, SortBy="FinalObjectiveMetricValue")
    assert [child["TrainingJobName"] for child in ranked] == [a]


@pytest.mark.parametrize(
    "members, words",
    [
        ({"objective": None, "code": 1}, "No training job succeeded after 6 attempts."),
        ({"objective": None}, "No objective metrics found after running 6 training jobs."),
    ],
)
def test_a_job_whose_first_training_jobs_find_nothing_fails(sagemaker, acting, tune, members, words):
    tune(jobs=20, parallel=2)
    doc = acting.all(**members)
    assert doc["HyperParameterTuningJobStatus"] == "Failed" and doc["FailureReason"].startswith(words)


def test_a_target_ends_the_job_and_stops_what_still_runs(sagemaker, acting, tune):
    tune(jobs=10, parallel=2, TuningJobCompletionCriteria={"TargetObjectiveMetricValue": 0.5})
    first, _ = acting.running()
    acting.end(first, 0.4)
    acting.steps(2 * STEPS)
    doc = described(sagemaker)
    assert doc["HyperParameterTuningJobStatus"] == "Completed"
    assert doc["TrainingJobStatusCounters"]["Completed"] == doc["TrainingJobStatusCounters"]["Stopped"] == 1


def test_a_job_that_does_not_improve_by_a_hundredth_ends(sagemaker, acting, tune):
    told = iter([1.0, 0.9, 0.895, 0.894, 0.893, 0.1])
    criteria = {"BestObjectiveNotImproving": {"MaxNumberOfTrainingJobsNotImproving": 3}}
    tune(jobs=10, parallel=1, TuningJobCompletionCriteria=criteria)
    doc = acting.all(objective=lambda tuned: next(told))
    assert doc["TrainingJobStatusCounters"]["Completed"] == 5
    assert doc["TuningJobCompletionDetails"]["NumberOfTrainingJobsObjectiveNotImproving"] == 3
    assert doc["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == pytest.approx(0.893)


def test_a_job_that_has_converged_ends_where_that_is_asked_for(sagemaker, acting, tune):
    tune(jobs=15, parallel=3, TuningJobCompletionCriteria={"ConvergenceDetected": {"CompleteOnConvergence": "Enabled"}})
    doc = acting.all(objective=lambda tuned: 1.0)
    assert 11 <= doc["TrainingJobStatusCounters"]["Completed"] < 15
    assert doc["TuningJobCompletionDetails"]["ConvergenceDetectedTime"]


def test_the_time_of_a_tuning_job_is_limited(sagemaker, acting, tune, steps):
    tune(jobs=10, parallel=2, limits={"MaxRuntimeInSeconds": 120})
    steps(1, seconds=130)
    steps(STEPS)
    doc = described(sagemaker)
    assert doc["HyperParameterTuningJobStatus"] == "Completed" and doc["TrainingJobStatusCounters"]["Stopped"] == 2
    assert doc["ConsumedResources"]["RuntimeInSeconds"] >= 120
