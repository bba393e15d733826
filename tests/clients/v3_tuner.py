"""SageMaker SDK v3's HyperparameterTuner over a ModelTrainer."""

import sys
import tempfile
from pathlib import Path

import numpy as np
from sagemaker.core import image_uris
from sagemaker.core.helper.session_helper import Session, get_execution_role
from sagemaker.core.parameter import ContinuousParameter
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData, SourceCode
from sagemaker.train.tuner import HyperparameterTuner

SOURCE = str(Path(__file__).with_name("source"))

session = Session()
role = get_execution_role()
random = np.random.default_rng(0)
x = random.normal(size=(500, 3))
y = (x @ [2.0, -1.0, 0.5] > 0).astype(int)
with tempfile.TemporaryDirectory() as folder:
    np.savetxt(f"{folder}/train.csv", np.column_stack([y, x]), delimiter=",")
    data = session.upload_data(folder, key_prefix="sdk3/tuning")

trainer = ModelTrainer(
    sagemaker_session=session,
    role=role,
    base_job_name="sdk3",
    training_image=image_uris.retrieve("sklearn", session.boto_region_name, version="1.4-2"),
    source_code=SourceCode(source_dir=SOURCE, entry_script="train.py"),
    compute=Compute(instance_type="ml.m5.large", instance_count=1),
    hyperparameters={"c": 10.0},
)
tuner = HyperparameterTuner(
    trainer,
    objective_metric_name="accuracy",
    metric_definitions=[{"Name": "accuracy", "Regex": "accuracy=([0-9.]+)"}],
    hyperparameter_ranges={"c": ContinuousParameter(0.0001, 10, scaling_type="Logarithmic")},
    max_jobs=3,
    max_parallel_jobs=2,
)
tuner.tune(inputs=[InputData(channel_name="train", data_source=data)], wait=True)
job = tuner.describe()
best = job.best_training_job
print(f"status={job.hyper_parameter_tuning_job_status} best={tuner.best_training_job()}")
value = best.final_hyper_parameter_tuning_job_objective_metric.value
print(f"tuned={best.tuned_hyper_parameters} accuracy={value:.3f}")
assert job.training_job_status_counters.completed == 3, job.training_job_status_counters
sys.exit(0 if value > 0.9 else "the best training job is not good")
