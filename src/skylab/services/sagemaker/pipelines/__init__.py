"""SageMaker Pipelines: definitions, their versions, and executions of them."""

from skylab.kernel.key import Key
from skylab.services.sagemaker.pipelines import names
from skylab.services.sagemaker.pipelines.executions import Executions
from skylab.services.sagemaker.pipelines.operations import Pipelines
from skylab.services.sagemaker.pipelines.steps import Steps
from skylab.services.sagemaker.pipelines.versions import Versions
from skylab.services.sagemaker.pipelines.work import Again, Executor
from skylab.wire.errors import AwsError, invalid


def _exists(key: Key) -> AwsError:
    unique = "Pipeline names must be unique within an AWS account and region."
    return invalid(f"{unique} Pipeline with name ({key.name}) already exists.")


RESOURCES = [Pipelines, Versions, Executions, Steps]
WORK = {"pipeline": Executor, "pipeline-retry": Again}
MISSING = {names.PIPELINE: lambda key: names.missing(key.name)}
EXISTS = {names.PIPELINE: _exists}
