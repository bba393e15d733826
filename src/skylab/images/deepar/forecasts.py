"""What samples of the future say: means, quantiles, and how good they were.

https://docs.aws.amazon.com/sagemaker/latest/dg/deepar.html (metrics of the test channel)
"""

from typing import Any

import numpy

from skylab.images.deepar.series import Series


def samples(predictor: Any, series: list[Series], many: int) -> Any:
    """series x samples x steps"""
    forecasts = predictor.predict(series, num_samples=many)
    return numpy.stack([forecast.samples for forecast in forecasts])


def held_back(series: list[Series], steps: int) -> tuple[list[Series], Any]:
    """(the series without their last steps, those steps); what is too short for that is left out."""
    kept = [each for each in series if len(each["target"]) > steps]
    known = [each | {"target": each["target"][:-steps]} for each in kept]
    return known, numpy.array([each["target"][-steps:] for each in kept])


def scores(drawn: Any, truth: Any, quantiles: list[float]) -> dict[str, float]:
    """Steps whose truth is missing count for nothing."""
    seen = ~numpy.isnan(truth)
    size, true = float(numpy.abs(truth[seen]).sum()), truth[seen]
    error = drawn.mean(axis=1)[seen] - true
    lost = {}
    for share in quantiles:
        over = numpy.quantile(drawn, share, axis=1)[seen] - true
        lost[share] = float(2 * numpy.sum(numpy.where(over > 0, (1 - share) * over, -share * over)))
    found = {"RMSE": float(numpy.sqrt(numpy.mean(error**2)))}
    found["mean_absolute_QuantileLoss"] = float(numpy.mean(list(lost.values())))
    found["mean_wQuantileLoss"] = found["mean_absolute_QuantileLoss"] / size if size else float("nan")
    return found | {f"wQuantileLoss[{share}]": each / size if size else float("nan") for share, each in lost.items()}
