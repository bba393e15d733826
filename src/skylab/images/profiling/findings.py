"""The profiler's rules: each looks at a profile as it is by now, and says what it finds, or nothing.

https://docs.aws.amazon.com/sagemaker/latest/dg/debugger-built-in-profiler-rules.html
"""

from collections.abc import Callable, Iterator

import numpy as np

from skylab.images.profiling.profile import Array, Profile, Series
from skylab.images.rules.series import Finding

SCAN = 60_000_000  # µs


def _gpus(profile: Profile, dimension: str = "GPUUtilization") -> Iterator[tuple[str, str, Series]]:
    for node in profile.nodes:
        for name, series in profile.each(node, "gpu", dimension).items():
            yield node, name, series


def _paired(one: Series, other: Series | None) -> tuple[Array, Array]:
    length = min(len(one.values), len(other.values)) if other else 0
    return one.values[:length], other.values[:length] if other else one.values[:0]


def low_gpu_utilization(
    profile: Profile,
    threshold_p95: float = 70.0,
    threshold_p5: float = 10.0,
    window: int = 500,
    patience: int = 1000,
    scan_interval_us: int = SCAN,
) -> Finding | None:
    """A GPU is used little, or by fits and starts."""
    for node, name, series in _gpus(profile):
        if len(series.values) < patience:
            continue
        low, high = np.percentile(series.values[-window:], [5, 95])
        if high < threshold_p95:
            return Finding(len(series.values), f"{name} of {node} is used at {high:.0f} percent at most")
        if low < threshold_p5:
            return Finding(len(series.values), f"{name} of {node} goes between {low:.0f} and {high:.0f} percent")
    return None


def cpu_bottleneck(
    profile: Profile,
    threshold: float = 50.0,
    gpu_threshold: float = 10.0,
    cpu_threshold: float = 90.0,
    patience: int = 1000,
    scan_interval_us: int = SCAN,
) -> Finding | None:
    """A GPU waits while the processors work, most of the time."""
    return _waiting(profile, "CPUUtilization", threshold, gpu_threshold, cpu_threshold, patience)


def io_bottleneck(
    profile: Profile,
    threshold: float = 50.0,
    gpu_threshold: float = 10.0,
    io_threshold: float = 50.0,
    patience: int = 1000,
    scan_interval_us: int = SCAN,
) -> Finding | None:
    """A GPU waits while the processors wait for the disks, most of the time."""
    return _waiting(profile, "I/OWaitPercentage", threshold, gpu_threshold, io_threshold, patience)


def _waiting(
    profile: Profile, dimension: str, threshold: float, gpu_below: float, cpu_above: float, patience: int
) -> Finding | None:
    for node, name, series in _gpus(profile):
        gpu, cpu = _paired(series, profile.mean(node, "cpu", dimension))
        if len(gpu) >= patience and (share := 100 * float(np.mean((gpu < gpu_below) & (cpu > cpu_above)))) > threshold:
            return Finding(len(gpu), f"{name} of {node} waits {share:.0f} percent of the time, {dimension} being high")
    return None


def gpu_memory_increase(
    profile: Profile, increase: float = 5.0, patience: int = 1000, window: int = 10, scan_interval_us: int = SCAN
) -> Finding | None:
    """The memory of a GPU fills up."""
    for node, name, series in _gpus(profile, "GPUMemoryUtilization"):
        if len(series.values) >= max(patience, 2 * window):
            means = np.convolve(series.values, np.ones(window) / window, mode="valid")
            steps = means[window:] - means[:-window]
            if (steps > increase).any():
                return Finding(
                    int(steps.argmax()), f"The memory of {name} of {node} has grown by {steps.max():.0f} points"
                )
    return None


def load_balancing(
    profile: Profile, threshold: float = 0.5, patience: int = 1000, scan_interval_us: int = SCAN
) -> Finding | None:
    """GPUs are not used alike: by the distance of their histograms."""
    bins = np.linspace(0, 100, 11)
    found = [(f"{name} of {node}", s.values) for node, name, s in _gpus(profile) if len(s.values) >= patience]
    shares = [(name, np.histogram(values, bins)[0] / len(values)) for name, values in found]
    for number, (name, one) in enumerate(shares):
        for other_name, other in shares[number + 1 :]:
            if (distance := 0.5 * float(np.abs(one - other).sum())) > threshold:
                return Finding(0, f"{name} and {other_name} are used unlike: {distance:.2f}")
    return None


def batch_size(
    profile: Profile,
    cpu_threshold_p95: float = 70.0,
    gpu_threshold_p95: float = 70.0,
    gpu_memory_threshold_p95: float = 70.0,
    patience: int = 100,
    window: int = 500,
    scan_interval_us: int = SCAN,
) -> Finding | None:
    """Processors, GPU and its memory are all used little: the batches could be larger."""
    for node, name, series in _gpus(profile):
        memory = profile.each(node, "gpu", "GPUMemoryUtilization").get(name)
        cpu = profile.mean(node, "cpu", "CPUUtilization")
        if len(series.values) < patience or memory is None or cpu is None:
            continue
        high = [float(np.percentile(each.values[-window:], 95)) for each in (cpu, series, memory)]
        limits = (cpu_threshold_p95, gpu_threshold_p95, gpu_memory_threshold_p95)
        if all(value < limit for value, limit in zip(high, limits, strict=True)):
            return Finding(len(series.values), f"CPU, {name} and its memory on {node} are used little: larger batches")
    return None


def max_initialization_time(profile: Profile, threshold: float = 20.0, scan_interval_us: int = SCAN) -> Finding | None:
    """The first step comes later than threshold minutes."""
    first = profile.steps[0].start if profile.steps else profile.ended
    if (minutes := (first - profile.began) / 60) > threshold:
        return Finding(0, f"The first step came after {minutes:.1f} minutes")
    return None


def step_outlier(
    profile: Profile,
    stddev: float = 3.0,
    mode: str | None = None,
    n_outliers: int = 10,
    scan_interval_us: int = SCAN,
) -> Finding | None:
    """More than n_outliers steps took longer than the mean and stddev standard deviations."""
    steps = [event for event in profile.steps if mode in (None, event.mode)]
    durations = np.array([event.end - event.start for event in steps])
    if len(durations) < 2:
        return None
    over = np.flatnonzero(durations > durations.mean() + stddev * durations.std())
    if len(over) > n_outliers:
        return Finding(steps[over[n_outliers]].number, f"{len(over)} steps took much longer than the others")
    return None


def overall_system_usage(profile: Profile, scan_interval_us: int = SCAN) -> Finding | None:
    """Never fires, as AWS has it: it is a section of the report."""
    return None


RULES: dict[str, Callable[..., Finding | None]] = {
    "BatchSize": batch_size,
    "CPUBottleneck": cpu_bottleneck,
    "GPUMemoryIncrease": gpu_memory_increase,
    "IOBottleneck": io_bottleneck,
    "LoadBalancing": load_balancing,
    "LowGPUUtilization": low_gpu_utilization,
    "MaxInitializationTime": max_initialization_time,
    "OverallSystemUsage": overall_system_usage,
    "StepOutlier": step_outlier,
}
