"""SageMaker SDK v2: a scikit-learn model, asked by batch transform on two instances, joined with the rows."""

import tempfile
from pathlib import Path

import numpy as np
import sagemaker
from sagemaker.s3 import S3Downloader
from sagemaker.sklearn import SKLearn

SOURCE = str(Path(__file__).with_name("source"))

session = sagemaker.Session()
role = sagemaker.get_execution_role(session)
random = np.random.default_rng(0)
x = random.normal(size=(500, 3))
y = (x @ [2.0, -1.0, 0.5] > 0).astype(int)
with tempfile.TemporaryDirectory() as folder:
    np.savetxt(f"{folder}/train.csv", np.column_stack([y, x]), delimiter=",")
    data = session.upload_data(folder, key_prefix="sdk2/transform/train")
with tempfile.TemporaryDirectory() as folder:
    for part in range(3):
        np.savetxt(f"{folder}/{part}.csv", np.column_stack([y, x])[part::3], delimiter=",")
    asked = session.upload_data(folder, key_prefix="sdk2/transform/asked")

estimator = SKLearn(
    entry_point="train.py",
    source_dir=SOURCE,
    framework_version="1.2-1",
    role=role,
    instance_type="ml.m5.large",
    instance_count=1,
    hyperparameters={"c": 10.0},
    sagemaker_session=session,
)
estimator.fit({"train": data}, logs=False)
transformer = estimator.transformer(
    instance_count=2,
    instance_type="ml.m5.large",
    strategy="MultiRecord",
    assemble_with="Line",
    accept="text/csv",
    max_concurrent_transforms=2,
    max_payload=1,
)
transformer.transform(
    asked,
    content_type="text/csv",
    split_type="Line",
    input_filter="$[1:]",
    join_source="Input",
    output_filter="$[0,-1]",
)
with tempfile.TemporaryDirectory() as folder:
    S3Downloader.download(transformer.output_path, folder, sagemaker_session=session)
    files = sorted(Path(folder).iterdir())
    rows = np.concatenate([np.loadtxt(file, delimiter=",") for file in files])
print(f"files={len(files)} rows={len(rows)} agreement={float(np.mean(rows[:, 0] == rows[:, 1])):.3f}")
