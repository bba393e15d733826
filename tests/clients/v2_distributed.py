"""SageMaker SDK v2's PyTorch estimator with torch_distributed, on one instance and on two: the same loss curve."""

from pathlib import Path

import sagemaker
from curves import compare, curve
from sagemaker.pytorch import PyTorch

SOURCE = str(Path(__file__).with_name("distributed"))

session = sagemaker.Session()
role = sagemaker.get_execution_role(session)


def trained(instances):
    estimator = PyTorch(
        entry_point="train.py",
        source_dir=SOURCE,
        framework_version="2.3.0",
        py_version="py311",
        role=role,
        instance_count=instances,
        instance_type="ml.g4dn.xlarge",  # the SDK has torch_distributed for GPUs only
        distribution={"torch_distributed": {"enabled": True}},
        sagemaker_session=session,
    )
    estimator.fit(wait=True, logs=False)
    return curve(estimator.latest_training_job.name, instances)


compare(trained(1), trained(2))
