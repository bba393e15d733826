"""Where one request goes: which fleet while traffic shifts from one to the next, which variant, and which replicas.

All of it is read from the endpoint's document, so that a change of weights or of the shift counts from the next request
on. Shares are dealt evenly and without chance (turns.py); only RoutingStrategy RANDOM draws a lot.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

from skylab.kernel.key import Key
from skylab.services.call import Call
from skylab.wire.errors import AwsError

RANDOM = "RANDOM"
EMPTY = (
    "Inference Component has no capacity to process this request. ApplicationAutoScaling may be in-progress (if "
    "configured) or try to increase the capacity by invoking UpdateInferenceComponentRuntimeConfig API."
)
PLAIN: Mapping[str, Any] = {}


class Shadow(NamedTuple):
    """A variant that gets a copy of this request."""

    variant: str
    sockets: list[str]


class Route(NamedTuple):
    """sockets: of the variant's replicas that are well. capture: how the request is to be recorded, if it is.
    beside: what its way needs where that is no plain one (ways.py)."""

    variant: str
    sockets: list[str]
    random: bool = False
    shadow: Shadow | None = None
    capture: Mapping[str, Any] | None = None
    beside: Mapping[str, Any] = PLAIN


class Side(NamedTuple):
    """One fleet as requests see it. serving: strategies, shadow and its share, capture, routes (see documents.py)."""

    weights: dict[str, float]
    replicas: Mapping[str, list[str]]
    serving: Mapping[str, Any]


def find(call: Call, request: Mapping[str, Any]) -> Route:
    """Raises AwsError."""
    name = request["EndpointName"]
    key = call.key("endpoint", name)._replace(service="sagemaker")
    with call.reading() as tx:
        doc = tx.find(key)
    if doc is None or not doc["_"]["fleet"] or doc["EndpointStatus"] == "Deleting":
        raise AwsError("ValidationError", f"Endpoint {name} of account {call.account} not found.")
    if component := request.get("InferenceComponentName"):
        return _component(call, name, component)
    turns, named = call.part["turns"], request.get("TargetVariant")
    side = _side(turns, key, doc, named)
    variant = named or turns.next(key, side.weights)
    if variant not in side.weights:
        raise AwsError("ValidationError", f"Variant {variant} of endpoint {name} not found.")
    return Route(
        variant,
        side.replicas.get(variant, []),
        side.serving.get("strategies", {}).get(variant) == RANDOM,
        _shadow(turns, key, side),
        _capture(turns, key, side),
        side.serving.get("routes", PLAIN).get(variant, PLAIN),
    )


def _component(call: Call, endpoint: str, name: str) -> Route:
    """To any copy of an inference component of the endpoint. Raises AwsError."""
    key = call.key("inference-component", name)._replace(service="sagemaker")
    with call.reading() as tx:
        doc = tx.find(key)
    if doc is None or doc["EndpointName"] != endpoint or doc["InferenceComponentStatus"] == "Deleting":
        raise AwsError("ValidationError", f"Inference Component {name} of endpoint {endpoint} not found.")
    if not doc["RuntimeConfig"]["DesiredCopyCount"]:
        raise AwsError("ValidationError", EMPTY)
    return Route(doc["VariantName"], doc["_"]["sockets"], beside={"component": name})


def _side(turns: Any, key: Key, doc: Mapping[str, Any], named: str | None) -> Side:
    """The fleet whose turn it is; the other one where this one cannot answer."""
    private = doc["_"]
    blue = Side(
        {each["VariantName"]: each["CurrentWeight"] for each in doc["ProductionVariants"]},
        private["replicas"],
        private.get("serving", {}),
    )
    if not (shift := private.get("shift")):
        return blue
    green = Side(shift["weights"], shift["replicas"], shift["serving"])
    share = {"blue": 1.0 - shift["share"], "green": shift["share"]}
    chosen, other = (green, blue) if turns.next(key._replace(type="shift"), share) == "green" else (blue, green)
    return chosen if _can(chosen, named) or not _can(other, named) else other


def _can(side: Side, named: str | None) -> bool:
    asked = [named] if named else [variant for variant, weight in side.weights.items() if weight > 0]
    return any(variant in side.weights and side.replicas.get(variant) for variant in asked)


def _shadow(turns: Any, key: Key, side: Side) -> Shadow | None:
    if not (shadow := side.serving.get("shadow")) or not _sampled(turns, key, "shadow", shadow["share"]):
        return None
    return Shadow(shadow["variant"], side.replicas.get(shadow["variant"], []))


def _capture(turns: Any, key: Key, side: Side) -> Mapping[str, Any] | None:
    capture: Mapping[str, Any] | None = side.serving.get("capture")
    return capture if capture and _sampled(turns, key, "capture", capture["percentage"] / 100) else None


def _sampled(turns: Any, key: Key, what: str, share: float) -> bool:
    return share > 0 and bool(turns.next(key._replace(type=what), {"yes": share, "no": 1 - share}) == "yes")
