"""SageMaker SDK v3's ModelTrainer with Torchrun, on one instance and on two: the same loss curve."""

from pathlib import Path

from curves import compare, curve
from sagemaker.core import image_uris
from sagemaker.core.helper.session_helper import Session, get_execution_role
from sagemaker.train import ModelTrainer
from sagemaker.train.configs import Compute, SourceCode
from sagemaker.train.distributed import Torchrun

SOURCE = str(Path(__file__).with_name("distributed"))

session = Session()
role = get_execution_role()
image = image_uris.retrieve(
    "pytorch",
    session.boto_region_name,
    version="2.3",
    py_version="py311",
    instance_type="ml.m5.large",
    image_scope="training",
)


def trained(instances):
    trainer = ModelTrainer(
        sagemaker_session=session,
        role=role,
        base_job_name=f"sdk3-on-{instances}",
        training_image=image,
        source_code=SourceCode(source_dir=SOURCE, entry_script="train.py"),
        compute=Compute(instance_type="ml.m5.large", instance_count=instances),
        distributed=Torchrun(process_count_per_node=1),
    )
    trainer.train(wait=True, logs=False)
    return curve(trainer._latest_training_job.training_job_name, instances)


compare(trained(1), trained(2))
