"""Profiles made up: what an instance is said to have been used for."""

import numpy as np

from skylab.images.profiling.profile import Event, Profile, Series


def used(cpu=50.0, memory=30.0, wait=0.0, cores=2, node="algo-1", gpu=None, gpu_memory=None, count=1200, **more):
    """Each a number, or a series of percent."""
    times = 1000.0 + 0.5 * np.arange(count)

    def drawn(value):
        return Series(times, np.broadcast_to(np.asarray(value, dtype=float), count))

    samples = {(node, "cpu", f"cpu{n}", "CPUUtilization"): drawn(cpu) for n in range(cores)}
    samples |= {(node, "cpu", f"cpu{n}", "I/OWaitPercentage"): drawn(wait) for n in range(cores)}
    samples[node, "memory", "memory", "MemoryUsedPercent"] = drawn(memory)
    samples[node, "network", "eth0", "ReceiveBytesPerSecond"] = drawn(1e6)
    for name, value in (gpu or {}).items():
        samples[node, "gpu", name, "GPUUtilization"] = drawn(value)
        samples[node, "gpu", name, "GPUMemoryUtilization"] = drawn(gpu_memory or 50.0)
    return samples


def profile(*samples, steps=()):
    return Profile({key: series for each in samples for key, series in each.items()}, list(steps))


def steps(*durations, gap=0.0, start=1000.0):
    found, at = [], start
    for number, duration in enumerate(durations):
        found.append(Event("algo-1", "TRAIN", number, at, at + duration))
        at += duration + gap
    return found
