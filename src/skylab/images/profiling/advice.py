"""What a profile means to the one who pays for the instance: sentences, the worst first."""

from typing import NamedTuple

import numpy as np

from skylab.images.profiling.profile import Profile

BUSY, IDLE = 90.0, 25.0  # percent of the processors
GRAVE, NOTED, FINE = "grave", "noted", "fine"


class Advice(NamedTuple):
    weight: str
    title: str
    text: str


def advise(profile: Profile) -> list[Advice]:
    found = [
        *(each for node in profile.nodes for each in _instance(profile, node)),
        *_steps(profile),
        *_balance(profile),
    ]
    found.sort(key=lambda each: each.weight != GRAVE)
    return found or [
        Advice(FINE, "Nothing stands out", "The instances were used evenly and without a visible bottleneck.")
    ]


def _instance(profile: Profile, node: str) -> list[Advice]:
    found: list[Advice] = []
    cpu = profile.mean(node, "cpu", "CPUUtilization")
    if cpu is not None:
        found += _processors(profile, node, float(np.mean(cpu.values)), float(np.mean(cpu.values > BUSY)))
    wait = profile.mean(node, "cpu", "I/OWaitPercentage")
    if wait is not None and (share := float(np.mean(wait.values))) > 20:
        text = (
            f"{node} spent {share:.0f} percent of its time waiting for disks. Read less often, or from a faster place: "
        )
        found.append(
            Advice(GRAVE, "Disks are the limit", text + "FastFile mode, fewer and larger files, a cache in memory.")
        )
    memory = profile.mean(node, "memory", "MemoryUsedPercent")
    if memory is not None and (high := float(memory.values.max())) > 85:
        text = f"{node} used {high:.0f} percent of its memory at most; beyond its limit the job is ended. "
        found.append(
            Advice(GRAVE, "Memory is nearly full", text + "Take smaller batches or an instance with more memory.")
        )
    gpus = profile.mean(node, "gpu", "GPUUtilization")
    if gpus is not None and (share := float(np.percentile(gpus.values, 95))) < 70:
        text = f"The GPUs of {node} were used at {share:.0f} percent at most. "
        more = "Larger batches, mixed precision or more data loader workers fill them; else a smaller instance will do."
        found.append(Advice(GRAVE, "The GPUs have little to do", text + more))
    return found


def _processors(profile: Profile, node: str, mean: float, busy: float) -> list[Advice]:
    cores = [float(series.values.mean()) for series in profile.each(node, "cpu", "CPUUtilization").values()]
    if len(cores) > 1 and max(cores) > 70 and sorted(cores)[-2] < 30:
        text = (
            f"On {node} one core was at {max(cores):.0f} percent and the others at {np.mean(sorted(cores)[:-1]):.0f}. "
        )
        return [
            Advice(
                GRAVE,
                "One core does all the work",
                text + "Let the framework use more threads, or load data in workers.",
            )
        ]
    if busy > 0.5:
        text = f"On {node} the processors were above {BUSY:.0f} percent for {100 * busy:.0f} percent of the time. "
        more = "Training would be shorter on an instance with more of them; data loaders compete for them too."
        return [Advice(NOTED, "The processors are the limit", text + more)]
    if mean < IDLE and profile.mean(node, "gpu", "GPUUtilization") is None:
        text = f"The processors of {node} were used at {mean:.0f} percent on average. "
        return [
            Advice(NOTED, "The instance has little to do", text + "A smaller instance type would do, at a lower price.")
        ]
    return []


def _steps(profile: Profile) -> list[Advice]:
    found: list[Advice] = []
    between, total = gaps(profile)
    if total and len(profile.steps) > 5 and (share := between / total) > 0.3:
        text = (
            f"{100 * share:.0f} percent of the time from the first step to the last lies between steps, where data are "
        )
        more = "loaded and weights updated. Load data in workers (num_workers), prefetch, or prepare them beforehand."
        found.append(Advice(GRAVE, "Steps wait for data", text + more))
    if profile.steps and (late := profile.steps[0].start - profile.began) > max(
        10.0, 0.3 * (profile.ended - profile.began)
    ):
        text = f"The first step came after {late:.0f} seconds of {profile.ended - profile.began:.0f}. "
        found.append(
            Advice(NOTED, "A slow start", text + "Look at imports, downloads and what is prepared before training.")
        )
    return found


def _balance(profile: Profile) -> list[Advice]:
    means = {}
    for node in profile.nodes:
        if (cpu := profile.mean(node, "cpu", "CPUUtilization")) is not None:
            means[node] = float(cpu.values.mean())
    if len(means) < 2 or max(means.values()) - min(means.values()) < 30:
        return []
    most, least = max(means, key=lambda node: means[node]), min(means, key=lambda node: means[node])
    text = f"{most} was used at {means[most]:.0f} percent, {least} at {means[least]:.0f}. The slowest sets the pace: "
    return [
        Advice(GRAVE, "Instances are not used alike", text + "shard the data evenly (ShardedByS3Key), or use fewer.")
    ]


def gaps(profile: Profile) -> tuple[float, float]:
    """Seconds between steps, and from the first step to the last, of all instances together."""
    between = total = 0.0
    for node in profile.nodes:
        events = [event for event in profile.steps if event.node == node]
        if len(events) > 1:
            total += events[-1].end - events[0].start
            between += sum(
                max(0.0, after.start - before.end) for before, after in zip(events, events[1:], strict=False)
            )
    return between, total
