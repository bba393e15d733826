"""What a DeploymentConfig asks for, as the stages that an update goes through.

    ALL_AT_ONCE   everything, bake                      (bake: WaitIntervalInSeconds with the traffic as it is)
    CANARY        the canary, bake; the rest, bake
    LINEAR        a step, bake; a step, bake; …
    rolling       a batch of new instances, its share of the traffic, bake, as many old ones end; the next batch; …

Blue/green policies have both fleets whole until the end, and TerminationWaitInSeconds after it.
https://docs.aws.amazon.com/sagemaker/latest/dg/deployment-guardrails.html
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import ceil
from typing import Any, NamedTuple

from skylab.wire.errors import invalid

EXACT = 1e-6  # what sums of floats may be off


class Stage(NamedTuple):
    """green, blue: the part of each fleet's instances that has to be there; share: of the traffic, to green;
    wait: seconds to bake."""

    green: float
    blue: float
    share: float
    wait: float


def stages(config: Mapping[str, Any], counts: Sequence[int]) -> list[Stage]:
    """Of an update; none where everything is to change as soon as the new fleet is well. counts: instances by variant.

    Raises AwsError for what is not allowed, and for alarms, which are not there yet.
    """
    if config.get("AutoRollbackConfiguration", {}).get("Alarms"):
        raise invalid("AutoRollbackConfiguration.Alarms: CloudWatch alarms are not offered yet.")
    if "BlueGreenUpdatePolicy" in config and "RollingUpdatePolicy" in config:
        raise invalid("Only one of BlueGreenUpdatePolicy and RollingUpdatePolicy may be given.")
    if policy := config.get("BlueGreenUpdatePolicy"):
        made = _blue_green(policy, counts)
    elif policy := config.get("RollingUpdatePolicy"):
        made = _rolling(policy, counts)
    else:
        return []
    limit = policy.get("MaximumExecutionTimeoutInSeconds")
    if limit is not None and limit <= sum(stage.wait for stage in made):
        raise invalid("MaximumExecutionTimeoutInSeconds must be larger than the total waiting time of the deployment.")
    return made


def limit(config: Mapping[str, Any]) -> float | None:
    """Seconds that the whole deployment may take."""
    policy = config.get("BlueGreenUpdatePolicy") or config.get("RollingUpdatePolicy") or {}
    seconds: float | None = policy.get("MaximumExecutionTimeoutInSeconds")
    return seconds


def retreat(config: Mapping[str, Any], counts: Sequence[int], blue: float) -> list[Stage]:
    """Back to the old fleet, of which only a part may be left."""
    size = config.get("RollingUpdatePolicy", {}).get("RollbackMaximumBatchSize")
    step = _part(size, counts) if size else 1.0
    parts = [blue]
    while parts[-1] < 1:
        parts.append(_grown(parts[-1], step))
    steps = zip(parts, parts[1:] or [1.0], strict=False)  # the new fleet shrinks once the old one has grown
    return [Stage(round(1 - before, 9), part, round(1 - part, 9), 0.0) for before, part in steps]


def instances(count: int, part: float) -> int:
    return ceil(round(count * part, 6))


def _blue_green(policy: Mapping[str, Any], counts: Sequence[int]) -> list[Stage]:
    routing = policy["TrafficRoutingConfiguration"]
    kind, wait = routing["Type"], routing["WaitIntervalInSeconds"]
    shares = [1.0]
    for member, of in {"CanarySize": "CANARY", "LinearStepSize": "LINEAR"}.items():
        if (member in routing) != (kind == of):
            raise invalid(f"{member} must be given for traffic routing of type {of}, and for no other.")
    if kind == "CANARY":
        shares = [_sized("CanarySize", routing["CanarySize"], counts, 0, 50), 1.0]
    if kind == "LINEAR":
        step = _sized("LinearStepSize", routing["LinearStepSize"], counts, 10, 50)
        shares = _steps(step)
    made = [Stage(1.0, 1.0, share, wait) for share in shares]
    return [*made, Stage(1.0, 1.0, 1.0, policy.get("TerminationWaitInSeconds", 0))]


def _rolling(policy: Mapping[str, Any], counts: Sequence[int]) -> list[Stage]:
    step, wait = _sized("MaximumBatchSize", policy["MaximumBatchSize"], counts, 5, 50), policy["WaitIntervalInSeconds"]
    if size := policy.get("RollbackMaximumBatchSize"):
        _sized("RollbackMaximumBatchSize", size, counts, 0, 100)
    parts = _steps(step)
    return [Stage(part, round(1 - before, 9), part, wait) for before, part in zip([0.0, *parts], parts, strict=False)]


def _steps(step: float) -> list[float]:
    parts = [_grown(0.0, step)]
    while parts[-1] < 1:
        parts.append(_grown(parts[-1], step))
    return parts


def _grown(part: float, step: float) -> float:
    """Three thirds are a whole."""
    return 1.0 if part + step > 1 - EXACT else part + step


def _sized(member: str, size: Mapping[str, Any], counts: Sequence[int], least: int, most: int) -> float:
    part = _part(size, counts)
    percent = size["Value"] if size["Type"] == "CAPACITY_PERCENT" else 100 * part
    if not least <= percent <= most:
        bounds = f"between {least}% and {most}%" if least else f"less than or equal to {most}%"
        raise invalid(f"{member} must be {bounds} of the variant's total instance count.")
    return part


def _part(size: Mapping[str, Any], counts: Sequence[int]) -> float:
    """Of several variants an instance count is that of the largest."""
    part = size["Value"] / 100 if size["Type"] == "CAPACITY_PERCENT" else size["Value"] / max(counts)
    return float(part)
