"""A shift of traffic from one fleet (blue) to the next (green), kept in the endpoint's document where requests see it.

A dict: fleet, the green task; stages, and the number of the present one; green and blue, the parts of the fleets'
instances that this stage needs; share, of the traffic that goes to green; weights, replicas and serving of green, as
routes.py reads them; began, seconds since the epoch; since, when the present share was set, None while instances are
being made ready; back, whether it goes back to blue, and reason, why.
"""

from __future__ import annotations

from typing import Any

from skylab.services.sagemaker.hosting.deployments import Stage

Shift = dict[str, Any]


def begun(fleet: str, stages: list[Stage], weights: dict[str, float], serving: dict[str, Any], at: float) -> Shift:
    first = {"fleet": fleet, "weights": weights, "serving": serving, "replicas": {}, "share": 0.0, "back": False}
    return _to(first | {"stages": [list(stage) for stage in stages], "began": at}, 0)


def _to(shift: Shift, number: int) -> Shift:
    stage = Stage(*shift["stages"][number])
    return shift | {"stage": number, "green": stage.green, "blue": stage.blue, "since": None}


def onward(shift: Shift, ready: bool, at: float) -> Shift | None:
    """One transition at most. ready: the instances that this stage needs are there. None: it is over."""
    stage = Stage(*shift["stages"][shift["stage"]])
    if shift["since"] is None:
        return shift | {"share": stage.share, "since": at} if ready else shift
    if at - shift["since"] < stage.wait:
        return shift
    if shift["stage"] + 1 == len(shift["stages"]):
        return None
    next = _to(shift, shift["stage"] + 1)
    same = (next["green"], next["blue"]) == (shift["green"], shift["blue"])
    return onward(next, ready, at) if same else next


def back(shift: Shift, stages: list[Stage], reason: str) -> Shift:
    """Turned round: what blue has already got back it keeps, and green serves until blue can."""
    return _to(shift | {"stages": [list(stage) for stage in stages], "back": True, "reason": reason}, 0)


def status(shift: Shift) -> str:
    """Of green's variants, as PendingDeploymentSummary shows it."""
    if shift["back"]:
        return "Deleting"
    if shift["since"] is None:
        return "Creating" if shift["share"] == 0 else "Updating"
    return "Baking" if Stage(*shift["stages"][shift["stage"]]).wait else "ActivatingTraffic"
