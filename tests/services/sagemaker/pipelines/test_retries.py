"""Retry policies: https://docs.aws.amazon.com/sagemaker/latest/dg/pipelines-retry-policy.html"""

import pytest
from botocore.exceptions import ClientError
from services.sagemaker.drawn import create, listed, start, status, statuses, training

from skylab.services.sagemaker.training.operations import TrainingJobs
from skylab.wire.errors import AwsError

DONE = 7


@pytest.fixture
def refuse(cloud, monkeypatch):
    """CreateTrainingJob fails so often with this code."""
    service = next(service for service in cloud.services if service.name == "sagemaker")
    real = TrainingJobs().create_training_job

    def refuse(times, code, status=None):
        left = [times]

        def create(call, request):
            if left[0]:
                left[0] -= 1
                raise AwsError(code, "not now", status)
            return real(call, request)

        monkeypatch.setitem(service.operations, "CreateTrainingJob", create)

    return refuse


def policy(*types, **members):
    return {"ExceptionType": list(types), "IntervalSeconds": 10, "BackoffRate": 2.0} | members


def attempts(sagemaker, execution):
    step = listed(sagemaker, execution)["Train"]
    return step["StepStatus"], step["AttemptCount"]


def test_faults_of_the_service_are_tried_again_without_a_policy(sagemaker, steps, refuse):
    refuse(2, "InternalFailure", 500)
    create(sagemaker, training())
    execution = start(sagemaker)
    steps(seconds=0.01)
    assert attempts(sagemaker, execution) == ("Starting", 2)
    steps(seconds=0.5)
    assert attempts(sagemaker, execution) == ("Starting", 2), "the first rest is a second"
    steps(2, seconds=0.6)
    assert attempts(sagemaker, execution) == ("Starting", 3)
    steps(2, seconds=1)
    assert attempts(sagemaker, execution) == ("Executing", 3)


def test_a_policy_says_when_and_how_often(sagemaker, steps, refuse):
    refuse(9, "ThrottlingException")
    create(sagemaker, training(RetryPolicies=[policy("Step.THROTTLING", MaxAttempts=2)]))
    execution = start(sagemaker)
    steps(seconds=1)
    for rest, attempt in [(10, 2), (20, 3)]:
        assert attempts(sagemaker, execution) == ("Starting", attempt)
        steps(seconds=rest - 2)
        assert attempts(sagemaker, execution) == ("Starting", attempt)
        steps(2, seconds=1)
    assert attempts(sagemaker, execution) == ("Failed", 3)
    reason = listed(sagemaker, execution)["Train"]["FailureReason"]
    assert "Error Details: not now" in reason and "exception type STEP_THROTTLING" in reason
    assert status(sagemaker, execution) == "Failed"


def test_a_resource_limit_is_tried_again_only_by_a_policy(sagemaker, steps, refuse):
    refuse(2, "ResourceLimitExceeded")
    create(sagemaker, training())
    execution = start(sagemaker)
    steps()
    assert listed(sagemaker, execution)["Train"]["FailureReason"].endswith(
        f"\nRetry not appropriate on execution of step with PipelineExecutionArn {execution} and StepId Train. "
        "No retry policy configured for the exception type SAGEMAKER_RESOURCE_LIMIT."
    )
    create(sagemaker, training(RetryPolicies=[policy("SageMaker.RESOURCE_LIMIT", MaxAttempts=1)]), name="q")
    execution = start(sagemaker, "q")
    steps(2)
    assert attempts(sagemaker, execution) == ("Starting", 2)
    steps(seconds=10)
    assert attempts(sagemaker, execution) == ("Executing", 2)


def test_a_policy_expires(sagemaker, steps, refuse):
    refuse(9, "ThrottlingException")
    given = policy("Step.THROTTLING", ExpireAfterMin=1, BackoffRate=1.0, IntervalSeconds=25)
    create(sagemaker, training(RetryPolicies=[given]))
    execution = start(sagemaker)
    steps(5, seconds=25)
    assert attempts(sagemaker, execution)[0] == "Failed"


def test_a_lost_job_is_made_again_and_a_programs_own_failure_is_not(sagemaker, steps, processes):
    create(sagemaker, training(RetryPolicies=[policy("SageMaker.JOB_INTERNAL_ERROR", MaxAttempts=3)]))
    execution = start(sagemaker)
    steps(4)
    first = listed(sagemaker, execution)["Train"]["Metadata"]
    processes.end(None)  # as when its processes are killed from outside
    steps(DONE)
    assert attempts(sagemaker, execution) == ("Starting", 2)
    steps(4, seconds=4)
    assert attempts(sagemaker, execution) == ("Executing", 2)
    assert listed(sagemaker, execution)["Train"]["Metadata"] != first
    processes.end(1)
    steps(DONE)
    assert attempts(sagemaker, execution) == ("Failed", 2) and status(sagemaker, execution) == "Failed"


def test_a_stop_ends_the_waiting_for_another_attempt(sagemaker, steps, refuse):
    refuse(9, "ThrottlingException")
    create(sagemaker, training(RetryPolicies=[policy("Step.THROTTLING", MaxAttempts=9)]))
    execution = start(sagemaker)
    steps()
    sagemaker.stop_pipeline_execution(PipelineExecutionArn=execution)
    steps()
    assert statuses(sagemaker, execution) == {"Train": "Stopped"} and status(sagemaker, execution) == "Stopped"


def test_a_client_error_is_not_tried_again(sagemaker, steps, refuse):
    refuse(1, "ValidationException")
    create(sagemaker, training(RetryPolicies=[policy("Step.SERVICE_FAULT", "Step.THROTTLING", MaxAttempts=9)]))
    execution = start(sagemaker)
    steps()
    assert attempts(sagemaker, execution) == ("Failed", 1)
    with pytest.raises(ClientError):
        sagemaker.stop_pipeline_execution(PipelineExecutionArn=execution)
