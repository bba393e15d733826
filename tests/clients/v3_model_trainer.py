"""SageMaker SDK v3, as its own guide writes it: ModelTrainer on the scikit-learn image, an endpoint, a prediction."""

import logging
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from sagemaker.core import image_uris
from sagemaker.core.helper.session_helper import Session, get_execution_role
from sagemaker.core.resources import Endpoint, EndpointConfig, Model
from sagemaker.core.shapes import ContainerDefinition, ProductionVariant
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, InputData, SourceCode

SOURCE = str(Path(__file__).with_name("source"))

logging.basicConfig(level=logging.INFO)  # the SDK leaves what is seen of it, a job's log too, to the program
session = Session()
role = get_execution_role()
image = image_uris.retrieve("sklearn", session.boto_region_name, version="1.4-2")

random = np.random.default_rng(0)
x = random.normal(size=(500, 3))
y = (x @ [2.0, -1.0, 0.5] > 0).astype(int)
with tempfile.TemporaryDirectory() as folder:
    np.savetxt(f"{folder}/train.csv", np.column_stack([y, x]), delimiter=",")
    data = session.upload_data(folder, key_prefix="sdk3/train")

trainer = ModelTrainer(
    sagemaker_session=session,
    role=role,
    base_job_name="sdk3",
    training_image=image,
    source_code=SourceCode(source_dir=SOURCE, entry_script="train.py"),
    compute=Compute(instance_type="ml.m5.large", instance_count=1),
    hyperparameters={"c": 10.0},
)
trainer.train(input_data_config=[InputData(channel_name="train", data_source=data)], wait=True, logs=True)
job = trainer._latest_training_job
job.refresh()
assert job.training_job_status == "Completed", job.training_job_status

name = f"sdk3-{int(time.time())}"
served = {"SAGEMAKER_PROGRAM": "inference.py", "SAGEMAKER_SUBMIT_DIRECTORY": "/opt/ml/model/code"}
container = ContainerDefinition(image=image, model_data_url=job.model_artifacts.s3_model_artifacts, environment=served)
model = Model.create(model_name=name, primary_container=container, execution_role_arn=role)
variant = ProductionVariant(
    variant_name="AllTraffic", model_name=name, instance_type="ml.m5.large", initial_instance_count=1
)
config = EndpointConfig.create(endpoint_config_name=name, production_variants=[variant])
endpoint = Endpoint.create(endpoint_name=name, endpoint_config_name=name)
endpoint.wait_for_status("InService", poll=1)
rows = "\n".join(",".join(map(str, row)) for row in x)
answer = endpoint.invoke(body=rows, content_type="text/csv", accept="text/csv")
predicted = np.array(answer.body.read().decode().replace(",", "\n").split(), dtype=float)
agreement = float(np.mean(predicted == y))
print(f"job={job.training_job_name} predictions={len(predicted)} agreement={agreement:.3f}")

endpoint.delete()
config.delete()
model.delete()
sys.exit(0 if len(predicted) == len(y) and agreement > 0.95 else "the endpoint's answers do not fit the data")
