"""SageMaker SDK v3, by its resource classes: its trainer has no Debugger, its TrainingJob has."""

import sys
import tempfile
import time

import numpy as np
from sagemaker.core import image_uris
from sagemaker.core.helper.session_helper import Session, get_execution_role
from sagemaker.core.resources import TrainingJob
from sagemaker.core.shapes import (
    AlgorithmSpecification,
    Channel,
    CollectionConfiguration,
    DataSource,
    DebugHookConfig,
    DebugRuleConfiguration,
    OutputDataConfig,
    ResourceConfig,
    S3DataSource,
    StoppingCondition,
)

session = Session()
role = get_execution_role()
region = session.boto_region_name

random = np.random.default_rng(0)
x = random.normal(size=(600, 3))
y = (x[:, 0] > 2).astype(int)
with tempfile.TemporaryDirectory() as folder:
    np.savetxt(f"{folder}/train.csv", np.column_stack([y, x]), delimiter=",")
    data = session.upload_data(folder, key_prefix="debugger3/train")
out = f"s3://{session.default_bucket()}/debugger3"


def channel(name):
    source = S3DataSource(s3_data_type="S3Prefix", s3_uri=data, s3_data_distribution_type="FullyReplicated")
    return Channel(channel_name=name, data_source=DataSource(s3_data_source=source), content_type="text/csv")


job = TrainingJob.create(
    training_job_name=f"debugger3-{int(time.time())}",
    role_arn=role,
    algorithm_specification=AlgorithmSpecification(
        training_image=image_uris.retrieve("xgboost", region, version="1.7-1"), training_input_mode="File"
    ),
    hyper_parameters={"objective": "binary:logistic", "num_round": "10"},
    input_data_config=[channel("train"), channel("validation")],
    output_data_config=OutputDataConfig(s3_output_path=out),
    resource_config=ResourceConfig(instance_type="ml.m5.large", instance_count=1, volume_size_in_gb=30),
    stopping_condition=StoppingCondition(max_runtime_in_seconds=600),
    debug_hook_config=DebugHookConfig(
        s3_output_path=out,
        collection_configurations=[
            CollectionConfiguration(collection_name=name, collection_parameters={"save_interval": "2"})
            for name in ("labels", "predictions", "metrics")
        ],
    ),
    debug_rule_configurations=[
        DebugRuleConfiguration(
            rule_configuration_name="ClassImbalance",
            rule_evaluator_image=image_uris.retrieve("debugger", region),
            rule_parameters={"rule_to_invoke": "ClassImbalance", "samples": "100"},
        )
    ],
)
job.wait(poll=1)
for _ in range(100):
    job.refresh()
    (told,) = job.debug_rule_evaluation_statuses
    if told.rule_evaluation_status != "InProgress":
        break
    time.sleep(1)
print(f"rule={told.rule_evaluation_status} details={told.status_details}")
sys.exit(0 if told.rule_evaluation_status == "IssuesFound" else "the rule has found nothing")
