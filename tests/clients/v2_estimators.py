"""SageMaker SDK v2: the SKLearn estimator in script mode, then the built-in XGBoost; fit, deploy, predict, delete."""

import sys
import tempfile
from pathlib import Path

import numpy as np
import sagemaker
from sagemaker.deserializers import CSVDeserializer
from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput
from sagemaker.serializers import CSVSerializer
from sagemaker.sklearn import SKLearn

SOURCE = str(Path(__file__).with_name("source"))

session = sagemaker.Session()
role = sagemaker.get_execution_role(session)

random = np.random.default_rng(0)
x = random.normal(size=(500, 3))
y = (x @ [2.0, -1.0, 0.5] > 0).astype(int)
with tempfile.TemporaryDirectory() as folder:
    np.savetxt(f"{folder}/train.csv", np.column_stack([y, x]), delimiter=",")
    data = session.upload_data(folder, key_prefix="sdk2/train")


def share_right(estimator, **deploying):
    """Deploy, predict every row, delete; the share of right answers."""
    predictor = estimator.deploy(initial_instance_count=1, instance_type="ml.m5.large", **deploying)
    answer = np.array(predictor.predict(x), dtype=float).ravel()
    predictor.delete_model()
    predictor.delete_endpoint()
    assert len(answer) == len(y), f"{len(answer)} answers for {len(y)} rows"
    return float(np.mean((answer > 0.5) == y))


scripted = SKLearn(
    entry_point="train.py",
    source_dir=SOURCE,
    framework_version="1.2-1",
    role=role,
    instance_type="ml.m5.large",
    hyperparameters={"c": 10.0},
    sagemaker_session=session,
)
scripted.fit({"train": data})
reached = {"sklearn": share_right(scripted)}

built_in = Estimator(
    image_uri=sagemaker.image_uris.retrieve("xgboost", session.boto_region_name, version="1.7-1"),
    role=role,
    instance_count=1,
    instance_type="ml.m5.large",
    sagemaker_session=session,
)
built_in.set_hyperparameters(objective="binary:logistic", num_round=50, max_depth=3)
built_in.fit({"train": TrainingInput(data, content_type="text/csv")})
reached["xgboost"] = share_right(built_in, serializer=CSVSerializer(), deserializer=CSVDeserializer())

print(" ".join(f"{name}={share:.3f}" for name, share in reached.items()))
sys.exit(0 if min(reached.values()) > 0.95 else f"the endpoints' answers do not fit the data: {reached}")
