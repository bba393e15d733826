"""Inference components: models as guests of an endpoint's instances, each with copies of its own."""

from skylab.services.sagemaker.components.operations import InferenceComponents
from skylab.services.sagemaker.components.work import COPIES, Copies

RESOURCES = [InferenceComponents]
WORK = {COPIES: Copies}
