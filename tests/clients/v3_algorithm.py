"""SageMaker SDK v3: ModelTrainer with the image of a first-party algorithm, csv in, an endpoint's answer out."""

import json
import sys
import tempfile
import time

import numpy as np
from sagemaker.core import image_uris
from sagemaker.core.helper.session_helper import Session, get_execution_role
from sagemaker.core.resources import Endpoint, EndpointConfig, Model
from sagemaker.core.shapes import ContainerDefinition, ProductionVariant
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData

session = Session()
role = get_execution_role()
image = image_uris.retrieve("linear-learner", session.boto_region_name)

random = np.random.default_rng(0)
x = random.normal(size=(500, 3))
y = x @ [2.0, -1.0, 0.5] + 3
with tempfile.TemporaryDirectory() as folder:
    np.savetxt(f"{folder}/train.csv", np.column_stack([y, x]), delimiter=",")
    data = session.upload_data(folder, key_prefix="sdk3/linear")

trainer = ModelTrainer(
    sagemaker_session=session,
    role=role,
    base_job_name="linear",
    training_image=image,
    compute=Compute(instance_type="ml.m5.large", instance_count=1),
    hyperparameters={"predictor_type": "regressor", "mini_batch_size": 50, "epochs": 30},
)
given = [InputData(channel_name="train", data_source=data, content_type="text/csv")]
trainer.train(input_data_config=given, wait=True, logs=False)
job = trainer._latest_training_job
job.refresh()
assert job.training_job_status == "Completed", job.failure_reason

name = f"linear-{int(time.time())}"
container = ContainerDefinition(image=image, model_data_url=job.model_artifacts.s3_model_artifacts)
model = Model.create(model_name=name, primary_container=container, execution_role_arn=role)
variant = ProductionVariant(
    variant_name="AllTraffic", model_name=name, instance_type="ml.m5.large", initial_instance_count=1
)
config = EndpointConfig.create(endpoint_config_name=name, production_variants=[variant])
endpoint = Endpoint.create(endpoint_name=name, endpoint_config_name=name)
endpoint.wait_for_status("InService", poll=1)
rows = "\n".join(",".join(map(str, row)) for row in x)
answer = endpoint.invoke(body=rows, content_type="text/csv", accept="application/json")
predicted = [each["score"] for each in json.loads(answer.body.read())["predictions"]]
error = float(np.sqrt(np.mean((np.array(predicted) - y) ** 2)))
print(f"rmse={error:.4f}")

endpoint.delete()
config.delete()
model.delete()
sys.exit(0 if error < 0.1 else "the endpoint's answers do not fit the data")
