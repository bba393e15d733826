"""SageMaker SDK v2: runs of an experiment, a training job in one of them, and what is found of it afterwards."""

import sys
import tempfile
from pathlib import Path

import numpy as np
import sagemaker
from sagemaker.analytics import ExperimentAnalytics
from sagemaker.experiments import load_run
from sagemaker.experiments.run import Run, list_runs
from sagemaker.lineage.query import LineageEntityEnum, LineageFilter, LineageQuery, LineageQueryDirectionEnum
from sagemaker.sklearn import SKLearn

SOURCE = str(Path(__file__).with_name("source"))
session = sagemaker.Session()

random = np.random.default_rng(0)
x = random.normal(size=(200, 3))
y = (x @ [2.0, -1.0, 0.5] > 0).astype(int)
with tempfile.TemporaryDirectory() as folder:
    np.savetxt(f"{folder}/train.csv", np.column_stack([y, x]), delimiter=",")
    data = session.upload_data(folder, key_prefix="runs/train")

with Run(experiment_name="Churn", run_name="First", sagemaker_session=session) as run:
    run.log_parameter("lr", 0.1)
    run.log_parameters({"depth": 3, "kind": "tree"})
    for step, loss in enumerate([3.0, 2.0, 1.0]):
        run.log_metric("loss", loss, step=step)
    run.log_artifact("data", "s3://somewhere/data", is_output=False)
    run.log_file(__file__, name="script")
    estimator = SKLearn(
        entry_point="train.py",
        source_dir=SOURCE,
        framework_version="1.2-1",
        role=sagemaker.get_execution_role(session),
        instance_type="ml.m5.large",
        hyperparameters={"c": 10.0},
        sagemaker_session=session,
    )
    estimator.fit({"train": data}, job_name="Churn-training")

with load_run(experiment_name="Churn", run_name="First", sagemaker_session=session) as run:
    run.log_parameter("after", 1)

(only,) = list_runs("Churn", sagemaker_session=session)
frame = ExperimentAnalytics(experiment_name="churn", sagemaker_session=session).dataframe()
row = frame.iloc[0]
print(row.to_dict())

client = session.sagemaker_client
component = client.describe_trial_component(TrialComponentName="churn-first")
(model,) = client.list_artifacts(SourceUri=estimator.model_data)["ArtifactSummaries"]
walked = LineageQuery(session).query(
    start_arns=[model["ArtifactArn"]],
    query_filter=LineageFilter(entities=[LineageEntityEnum.ARTIFACT]),
    direction=LineageQueryDirectionEnum.ASCENDANTS,
    include_edges=False,
)
sources = {client.describe_artifact(ArtifactArn=vertex.arn)["Source"]["SourceUri"] for vertex in walked.vertices}

checks = {
    "runs": len(frame) == 1 and only.run_name == "first",
    "parameters": (row["lr"], row["depth"], row["kind"], row["after"]) == (0.1, 3, "tree", 1),
    "metrics": (row["loss - Min"], row["loss - Count"], row["loss - Last"]) == (1.0, 3, 1.0),
    "artifacts": row["script - Value"].startswith("s3://") and row["data - Value"] == "s3://somewhere/data",
    "parents": row["Experiments"] == ["churn"],
    "job": component["Source"]["SourceArn"].endswith("training-job/churn-training") and row["c"] == 10.0,
    "status": component["Status"]["PrimaryStatus"] == "Completed",
    "lineage": data in {uri.rstrip("/") for uri in sources},
}
print(" ".join(f"{name}={ok}" for name, ok in checks.items()))
sys.exit(0 if all(checks.values()) else "a check failed")
