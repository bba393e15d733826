"""SageMaker SDK v3: runs of an experiment, loaded again and listed."""

import sys

from sagemaker.core.experiments.run import Run, list_runs, load_run
from sagemaker.core.helper.session_helper import Session

session = Session()
with Run(experiment_name="Third", run_name="One", sagemaker_session=session) as run:
    run.log_parameters({"lr": 0.1, "kind": "tree"})
    for step, loss in enumerate([3.0, 2.0, 1.0]):
        run.log_metric("loss", loss, step=step)
    run.log_file(__file__, name="script", is_output=False)
    run.log_artifact("model", "s3://somewhere/model")
with load_run(experiment_name="Third", run_name="One", sagemaker_session=session) as run:
    run.log_metric("loss", 0.5, step=3)

(only,) = list_runs("Third", sagemaker_session=session)
found = session.sagemaker_client.describe_trial_component(TrialComponentName="third-one")
(metric,) = found["Metrics"]
print(found)
checks = {
    "runs": only.run_name == "one",
    "parameters": found["Parameters"] == {"lr": {"NumberValue": 0.1}, "kind": {"StringValue": "tree"}},
    "metrics": (metric["Min"], metric["Max"], metric["Count"], metric["Last"]) == (0.5, 3.0, 4, 0.5),
    "artifacts": found["OutputArtifacts"]["model"]["Value"] == "s3://somewhere/model"
    and "script" in found["InputArtifacts"],
    "status": found["Status"]["PrimaryStatus"] == "Completed",
}
print(" ".join(f"{name}={ok}" for name, ok in checks.items()))
sys.exit(0 if all(checks.values()) else "a check failed")
