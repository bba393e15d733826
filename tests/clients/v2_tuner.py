"""SageMaker SDK v2: HyperparameterTuner over a script and over the built-in XGBoost, attached to, warm-started."""

import sys
import tempfile
from pathlib import Path

import numpy as np
import sagemaker
from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput
from sagemaker.sklearn import SKLearn
from sagemaker.tuner import CategoricalParameter, ContinuousParameter, HyperparameterTuner, IntegerParameter

SOURCE = str(Path(__file__).with_name("source"))

session = sagemaker.Session()
role = sagemaker.get_execution_role(session)
random = np.random.default_rng(0)
x = random.normal(size=(500, 3))
y = (x @ [2.0, -1.0, 0.5] > 0).astype(int)
with tempfile.TemporaryDirectory() as folder:
    np.savetxt(f"{folder}/train.csv", np.column_stack([y, x]), delimiter=",")
    data = session.upload_data(folder, key_prefix="sdk2/tuning")

scripted = SKLearn(
    entry_point="train.py",
    source_dir=SOURCE,
    framework_version="1.2-1",
    role=role,
    instance_type="ml.m5.large",
    sagemaker_session=session,
)
tuner = HyperparameterTuner(
    scripted,
    objective_metric_name="accuracy",
    metric_definitions=[{"Name": "accuracy", "Regex": "accuracy=([0-9.]+)"}],
    hyperparameter_ranges={"c": ContinuousParameter(0.0001, 10, scaling_type="Logarithmic")},
    max_jobs=4,
    max_parallel_jobs=2,
    strategy="Random",
    early_stopping_type="Auto",
)
tuner.fit({"train": data}, wait=True)
again = HyperparameterTuner.attach(tuner.latest_tuning_job.name, sagemaker_session=session)
best = again.best_estimator()
table = again.analytics().dataframe()
assert len(table) == 4 and table["TrainingJobStatus"].eq("Completed").all(), table
assert best.latest_training_job.name == again.best_training_job()
ranked = table.sort_values("FinalObjectiveValue", ascending=False)
assert (
    ranked["FinalObjectiveValue"].iloc[0]
    == table.set_index("TrainingJobName").loc[again.best_training_job()].FinalObjectiveValue
)

warm = again.identical_dataset_and_algorithm_tuner()
warm.max_jobs, warm.strategy, warm.metric_definitions = 2, "Bayesian", again.metric_definitions
warm.fit({"train": data}, wait=True)
assert warm.describe()["OverallBestTrainingJob"]["TrainingJobName"]

built_in = Estimator(
    image_uri=sagemaker.image_uris.retrieve("xgboost", session.boto_region_name, version="1.7-1"),
    role=role,
    instance_count=1,
    instance_type="ml.m5.large",
    sagemaker_session=session,
)
built_in.set_hyperparameters(objective="binary:logistic", num_round=5)
boosted = HyperparameterTuner(
    built_in,
    objective_metric_name="validation:error",
    objective_type="Minimize",
    hyperparameter_ranges={"max_depth": IntegerParameter(2, 4), "booster": CategoricalParameter(["gbtree", "dart"])},
    max_jobs=2,
    max_parallel_jobs=2,
)
channel = TrainingInput(data, content_type="text/csv")
boosted.fit({"train": channel, "validation": channel}, wait=True, include_cls_metadata=False)
error = boosted.describe()["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"]
print(f"accuracy={ranked['FinalObjectiveValue'].iloc[0]:.3f} error={error:.3f}")
sys.exit(0 if error < 0.1 else "the best training job is not good")
