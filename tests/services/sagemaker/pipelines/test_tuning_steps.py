"""Tuning steps: the best training job, and the others in their order, are what later steps refer to."""

import pytest
from services.sagemaker.drawn import create, fail, get, join, listed, start, status

tuned = pytest.importorskip("services.sagemaker.tuned", reason="tuning jobs are not there yet")


@pytest.mark.parametrize("type", ["Minimize", "Maximize"])
def test_a_tuning_step_shows_its_best_job_and_the_ranking_and_is_cached(sagemaker, acting, steps, type):
    given = tuned.request(jobs=3, parallel=3)
    del given["HyperParameterTuningJobName"]
    given["HyperParameterTuningJobConfig"]["HyperParameterTuningJobObjective"]["Type"] = type
    cache = {"Enabled": True, "ExpireAfter": "P1D"}
    tuning = {"Name": "HPTuning", "Type": "Tuning", "Arguments": given, "CacheConfig": cache}
    best = get("Steps.HPTuning.BestTrainingJob.TrainingJobName")
    first = get("Steps.HPTuning.TrainingJobSummaries[0].TrainingJobName")
    create(sagemaker, tuning, fail(message=join(best, first, on=" ")))
    execution = start(sagemaker)
    steps(5)
    name = sagemaker.list_hyper_parameter_tuning_jobs()["HyperParameterTuningJobSummaries"][0][
        "HyperParameterTuningJobName"
    ]
    assert name.startswith(f"{execution.rpartition('/')[2]}-HPTunin-") and len(name) == 31
    for _ in range(10):
        if status(sagemaker, execution) == "Executing":
            acting.round()
    one, other = listed(sagemaker, execution)["Fail"]["FailureReason"].split()
    assert one == other
    again = start(sagemaker)
    steps(2)
    assert "CacheHitResult" in listed(sagemaker, again)["HPTuning"]
