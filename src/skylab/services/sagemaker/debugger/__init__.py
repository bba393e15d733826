"""SageMaker Debugger: what training jobs save of their tensors and their instances, and the rules that look at it."""

from skylab.services.sagemaker.debugger.work import Rules

RESOURCES: list[type] = []
WORK = {"rule": Rules}
