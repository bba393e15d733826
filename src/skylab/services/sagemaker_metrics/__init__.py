"""SageMaker Metrics: the points of a run's metrics, put and got in batches."""

from typing import Any

from skylab.services.sagemaker_metrics.metrics import Metrics

NAME = "sagemaker-metrics"
RESOURCES = [Metrics]
ERRORS: dict[type[Exception], Any] = {}
