"""The profiler's report: one HTML file, without anything from elsewhere, that begins with what is to be done."""

import time
from collections.abc import Iterable
from html import escape

import numpy as np

from skylab.images.profiling import charts
from skylab.images.profiling.advice import FINE, GRAVE, NOTED, Advice, gaps
from skylab.images.profiling.charts import Line, clock
from skylab.images.profiling.page import PAGE
from skylab.images.profiling.profile import Profile
from skylab.images.rules.series import Finding

SIGNS = {GRAVE: "Act on this", NOTED: "Worth knowing", FINE: "All well"}
Evaluated = tuple[str, dict[str, object], Finding | None]  # a rule's name, its parameters, what it has found


def report(job: str, profile: Profile, advice: Iterable[Advice], rules: Iterable[Evaluated]) -> str:
    began = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(profile.began)) if profile.nodes else "never"
    sections = [
        f'<section class="tiles">{"".join(_tiles(profile))}</section>',
        f"<section><h2>What to do</h2>{''.join(_advice(each) for each in advice)}</section>",
        *(_instance(profile, node) for node in profile.nodes),
        _steps(profile),
        _rules(rules),
        _about(profile),
    ]
    return PAGE.format(
        title=escape(job), began=began, length=clock(profile.ended - profile.began), body="".join(sections)
    )


def _tiles(profile: Profile) -> Iterable[str]:
    yield _tile("Time profiled", clock(profile.ended - profile.began), "")
    yield _tile("Instances", str(len(profile.nodes)), "")
    cpus = [series.values for node in profile.nodes if (series := profile.mean(node, "cpu", "CPUUtilization"))]
    if cpus:
        every = np.concatenate(cpus)
        yield _tile(
            "Processors", f"{every.mean():.0f}%", f"on average, {np.percentile(every, 95):.0f}% at the 95th percentile"
        )
    memory = [series.values for node in profile.nodes if (series := profile.mean(node, "memory", "MemoryUsedPercent"))]
    if memory:
        yield _tile("Memory", f"{np.concatenate(memory).max():.0f}%", "at most")
    gpus = [series.values for node in profile.nodes if (series := profile.mean(node, "gpu", "GPUUtilization"))]
    if gpus:
        yield _tile("GPUs", f"{np.concatenate(gpus).mean():.0f}%", "on average")
    if profile.steps:
        lasted = np.array([event.end - event.start for event in profile.steps])
        yield _tile("Steps", str(len(lasted)), f"{_seconds(float(np.median(lasted)))} each, at the median")


def _tile(name: str, value: str, more: str) -> str:
    return f'<div class="tile"><span>{name}</span><b>{escape(value)}</b><small>{escape(more)}</small></div>'


def _advice(each: Advice) -> str:
    sign = f"<em>{SIGNS[each.weight]}</em>"
    return f'<article class="{each.weight}">{sign}<h3>{escape(each.title)}</h3><p>{escape(each.text)}</p></article>'


def _instance(profile: Profile, node: str) -> str:
    began, ended = profile.began, profile.ended
    parts = [f"<h2>Instance {escape(node)}</h2>"]
    used = [
        Line(name, series)
        for name, kind, dimension in (
            ("Processors", "cpu", "CPUUtilization"),
            ("Memory", "memory", "MemoryUsedPercent"),
            ("GPU", "gpu", "GPUUtilization"),
            ("GPU memory", "gpu", "GPUMemoryUtilization"),
            ("Waiting for disks", "cpu", "I/OWaitPercentage"),
        )
        if (series := profile.mean(node, kind, dimension)) is not None
    ]
    parts.append("<h3>In use, percent</h3>" + charts.lines(used, began, ended, "%", top=100.0))
    cores = profile.each(node, "cpu", "CPUUtilization")
    if 1 < len(cores) <= 96:
        parts.append("<h3>Each core</h3>" + charts.heat(cores, began, ended))
    for title, kind, pairs in (
        ("Network, bytes a second", "network", (("Received", "Receive"), ("Sent", "Transmit"))),
        ("Disk, bytes a second", "disk", (("Read", "Read"), ("Written", "Write"))),
    ):
        moved = [
            Line(name, series)
            for name, word in pairs
            if (series := profile.total(node, kind, f"{word}BytesPerSecond")) is not None
        ]
        if any(line.series.values.any() for line in moved):
            parts.append(f"<h3>{title}</h3>" + charts.lines(moved, began, ended, ""))
    return f"<section>{''.join(parts)}{_table(profile, node)}</section>"


def _table(profile: Profile, node: str) -> str:
    """What OverallSystemUsage reports."""
    rows = []
    for (of, _, name, dimension), series in sorted(profile.samples.items()):
        if of == node:
            p50, p95 = np.percentile(series.values, [50, 95])
            numbers = "".join(
                f"<td>{value:,.1f}</td>" for value in (series.values.mean(), p50, p95, series.values.max())
            )
            rows.append(f"<tr><th>{escape(name)}</th><td class='word'>{escape(dimension)}</td>{numbers}</tr>")
    head = "<tr><th>What</th><th>Dimension</th><th>Mean</th><th>Median</th><th>p95</th><th>Highest</th></tr>"
    return (
        f"<details><summary>All numbers</summary><div class='wide'><table>{head}{''.join(rows)}</table></div></details>"
    )


def _steps(profile: Profile) -> str:
    if not profile.steps:
        return (
            "<section><h2>Steps</h2><p class='none'>The times of steps are known where Debugger's hook is on: "
            "ask for a collection of tensors, such as losses.</p></section>"
        )
    parts = ["<h2>Steps</h2>"]
    for mode in sorted({event.mode for event in profile.steps}):
        lasted = np.array([event.end - event.start for event in profile.steps if event.mode == mode])
        low, high = (float(value) for value in np.percentile(lasted, [50, 95]))
        words = f"{len(lasted)} steps: {_seconds(low)} at the median, {_seconds(high)} at p95, "
        words += f"{_seconds(float(lasted.max()))} the longest."
        parts.append(f"<h3>{escape(mode.title())}</h3><p>{words}</p>" + charts.bars(lasted * 1000, "ms"))
    between, total = gaps(profile)
    if total:
        share = 100 * between / total
        parts.append(f"<p>{share:.0f} percent of the time lies between steps: loading data, updating weights.</p>")
    return f"<section>{''.join(parts)}</section>"


def _rules(rules: Iterable[Evaluated]) -> str:
    rows = []
    for name, parameters, found in rules:
        told = ", ".join(f"{key}={value}" for key, value in parameters.items() if key != "scan_interval_us")
        said = f"<b>{escape(found.why)}</b>" if found else "No issue"
        rows.append(f"<tr><th>{escape(name)}</th><td class='word'>{said}</td><td class='word'>{escape(told)}</td></tr>")
    head = "<tr><th>Rule</th><th>Found</th><th>Parameters</th></tr>"
    return f"<section><h2>Rules</h2><div class='wide'><table>{head}{''.join(rows)}</table></div></section>"


def _about(profile: Profile) -> str:
    count = sum(len(series.values) for series in profile.samples.values())
    return (
        f"<footer>{count:,} samples. Processors, memory and disk are those of the job's own processes; waiting for "
        "disks and the network are the machine's.</footer>"
    )


def _seconds(value: float) -> str:
    return f"{value * 1000:.3g} ms" if value < 1 else f"{value:.3g} s"
