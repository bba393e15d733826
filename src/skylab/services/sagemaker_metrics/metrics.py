"""BatchPutMetrics and BatchGetMetrics: one answer for each point and for each query, so that one fault spoils no other.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_Operations_Amazon_SageMaker_Metrics_Service.html
"""

from __future__ import annotations

from math import isfinite
from typing import TYPE_CHECKING, Any

from skylab.kernel import points
from skylab.kernel.key import Key
from skylab.kernel.points import STEPLESS, Owner, Point
from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.services.sagemaker_metrics import series

if TYPE_CHECKING:
    from skylab.shapes.sagemaker_metrics import *

TYPE = "experiment-trial-component"
MOST = 2000  # values in one answer to a query, of which the first are given; AWS names no number


class Metrics:
    def batch_put_metrics(self, call: Call, request: BatchPutMetricsRequest) -> dict[str, Any]:
        name, errors = request["TrialComponentName"], []  # the model lets it be in small letters only
        owner = Owner(call.account, call.region, name)
        with call.writing() as tx:
            there = tx.find(Key(*owner[:2], "sagemaker", TYPE, name)) is not None
            for index, data in enumerate(request["MetricData"]):
                if not there or not isfinite(data["Value"]):
                    errors.append({"Code": "VALIDATION_ERROR", "MetricIndex": index})
                elif not points.add(tx, owner, data["MetricName"], _point(data)):
                    errors.append({"Code": "CONFLICT_ERROR", "MetricIndex": index})
        return {"Errors": errors}

    def batch_get_metrics(self, call: Call, request: BatchGetMetricsRequest) -> dict[str, Any]:
        with call.reading() as tx:
            return {"MetricQueryResults": [_result(tx, query) for query in request["MetricQueries"]]}


def _point(data: Any) -> Point:
    return Point(round(data["Timestamp"].timestamp() * 1000), data.get("Step", STEPLESS), data["Value"])


def _result(tx: Transaction, query: Any) -> dict[str, Any]:
    empty: dict[str, Any] = {"XAxisValues": [], "MetricValues": []}
    owner = _owner(tx, query["ResourceArn"])
    if owner is None:
        return empty | {"Status": "ValidationError", "Message": f"{query['ResourceArn']} does not exist."}
    if problem := series.mistaken(query):
        return empty | {"Status": "ValidationError", "Message": problem}
    found = series.drawn(points.read(tx, owner, query["MetricName"]), query)
    status = "Truncated" if len(found) > MOST else "Complete"
    shown = found[:MOST]
    return {"Status": status, "XAxisValues": [x for x, _ in shown], "MetricValues": [y for _, y in shown]}


def _owner(tx: Transaction, arn: str) -> Owner | None:
    """The trial component of an ARN: its own, or that of a training job."""
    _, _, _, region, account, resource = arn.lower().split(":", 5)
    type, _, name = resource.partition("/")
    if type == TYPE:
        return Owner(account, region, name) if tx.find(Key(account, region, "sagemaker", TYPE, name)) else None
    row = tx.db.execute(
        "select component from component_source where (account, region, source) = (?, ?, ?) order by component",
        (account, region, arn.lower()),
    ).fetchone()
    return Owner(account, region, row[0]) if row else None
