"""Charts as SVG, drawn by hand: a report must open anywhere, also where there is no internet."""

from collections.abc import Sequence
from html import escape
from typing import NamedTuple

import numpy as np

from skylab.images.profiling.profile import Array, Series

WIDTH, HEIGHT = 860, 190
LEFT, RIGHT, TOP, BOTTOM = 52, 12, 10, 24
POINTS = 430  # of a line at most: two pixels each
COLOURS = ("c1", "c2", "c3", "c4", "c5", "c6")


class Line(NamedTuple):
    name: str
    series: Series


def lines(drawn: Sequence[Line], began: float, ended: float, unit: str, top: float | None = None) -> str:
    """Values over time, each line a colour; top: of the axis, else what is reached."""
    drawn = [line for line in drawn if len(line.series.times)]
    if not drawn:
        return '<p class="none">No samples.</p>'
    top = top or _nice(max(float(line.series.values.max()) for line in drawn))
    span = max(ended - began, 1e-9)
    parts = [_grid(top, unit, span)]
    for number, line in enumerate(drawn):
        times, values = thinned(line.series)
        xs, ys = _x((times - began) / span), _y(values / top)
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in zip(xs, ys, strict=True))
        colour = COLOURS[number % len(COLOURS)]
        if len(drawn) == 1:
            floor = f"{HEIGHT - BOTTOM}"
            parts.append(f'<polygon class="area {colour}" points="{xs[0]:.1f},{floor} {points} {xs[-1]:.1f},{floor}"/>')
        mean, high = float(line.series.values.mean()), float(line.series.values.max())
        title = f"{line.name}: mean {_short(mean)}{unit}, highest {_short(high)}{unit}"
        parts.append(f'<polyline class="line {colour}" points="{points}"><title>{escape(title)}</title></polyline>')
    names = ", ".join(line.name for line in drawn)
    return _svg(parts, f"{names} over time") + (_legend([line.name for line in drawn]) if len(drawn) > 1 else "")


def heat(rows: dict[str, Series], began: float, ended: float) -> str:
    """A row a core, darker where it was used more: percent."""
    height, left = 16, LEFT
    buckets = 120
    edges = np.linspace(began, max(ended, began + 1e-9), buckets + 1)
    width = (WIDTH - left - RIGHT) / buckets
    parts = []
    for row, (name, series) in enumerate(rows.items()):
        parts.append(f'<text x="{left - 6}" y="{row * height + 12}" class="axis end">{escape(name)}</text>')
        index = np.clip(np.searchsorted(edges, series.times, side="right") - 1, 0, buckets - 1)
        for bucket in np.unique(index):
            share = float(series.values[index == bucket].mean())
            x, opacity = left + bucket * width, 0.06 + 0.94 * share / 100
            parts.append(
                f'<rect class="fill c1" x="{x:.1f}" y="{row * height + 1}" width="{width + 0.3:.1f}" '
                f'height="{height - 2}" fill-opacity="{opacity:.2f}"><title>{escape(name)}: {share:.0f}%</title></rect>'
            )
    label = "Use of each core over time"
    size = f"0 0 {WIDTH} {len(rows) * height + 2}"
    return f'<svg viewBox="{size}" role="img" aria-label="{label}">{"".join(parts)}</svg>'


def bars(values: Array, unit: str) -> str:
    """How often which values come: a histogram."""
    counts, edges = np.histogram(values, bins=min(40, max(5, len(values) // 3)))
    top, low, high = max(int(counts.max()), 1), float(edges[0]), float(edges[-1])
    step = (WIDTH - LEFT - RIGHT) / len(counts)
    parts = [_levels(float(top), "")]
    for number, count in enumerate(counts):
        x, y = LEFT + number * step, float(_y(np.array([count / top]))[0])
        title = f"{_short(float(edges[number]))} to {_short(float(edges[number + 1]))} {unit}: {count} steps"
        parts.append(
            f'<rect class="fill c1" x="{x + 1:.1f}" y="{y:.1f}" width="{max(step - 2, 1):.1f}" '
            f'height="{HEIGHT - BOTTOM - y:.1f}" rx="2"><title>{escape(title)}</title></rect>'
        )
    for share in (0, 0.25, 0.5, 0.75, 1):
        x = LEFT + share * (WIDTH - LEFT - RIGHT)
        parts.append(_text(x, HEIGHT - 6, f"{_short(low + share * (high - low))} {unit}", _anchor(share)))
    return _svg(parts, "How long steps take")


def thinned(series: Series) -> Series:
    """As many points as can be told apart, each the mean of those it stands for."""
    if len(series.times) <= POINTS:
        return series
    groups = np.array_split(np.arange(len(series.times)), POINTS)
    return Series(*(np.array([each[group].mean() for group in groups]) for each in series))


def _grid(top: float, unit: str, span: float) -> str:
    marks = [
        _text(LEFT + share * (WIDTH - LEFT - RIGHT), HEIGHT - 6, clock(share * span), _anchor(share))
        for share in (0, 0.25, 0.5, 0.75, 1)
    ]
    return _levels(top, unit) + "".join(marks)


def _levels(top: float, unit: str) -> str:
    parts = []
    for share in (0, 0.5, 1):
        y = float(_y(np.array([share]))[0])
        parts.append(f'<line class="grid" x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}"/>')
        parts.append(_text(LEFT - 6, y + 4, f"{_short(share * top)}{unit}", "end"))
    return "".join(parts)


def _anchor(share: float) -> str:
    return "start" if share == 0 else "end" if share == 1 else "middle"


def _text(x: float, y: float, text: str, anchor: str) -> str:
    return f'<text class="axis {anchor}" x="{x:.1f}" y="{y:.1f}">{escape(text)}</text>'


def _legend(names: list[str]) -> str:
    items = (f'<span><i class="{COLOURS[n % len(COLOURS)]}"></i>{escape(name)}</span>' for n, name in enumerate(names))
    return f'<div class="legend">{"".join(items)}</div>'


def _svg(parts: list[str], label: str) -> str:
    return f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(label)}">{"".join(parts)}</svg>'


def _x(share: Array) -> Array:
    return LEFT + np.clip(share, 0, 1) * (WIDTH - LEFT - RIGHT)


def _y(share: Array) -> Array:
    return HEIGHT - BOTTOM - np.clip(share, 0, 1) * (HEIGHT - TOP - BOTTOM)


def _nice(high: float) -> float:
    """The next 1, 2 or 5 of a power of ten."""
    power = 10 ** np.floor(np.log10(max(high, 1e-9)))
    return float(next(step * power for step in (1, 2, 5, 10) if step * power >= high))


def _short(value: float) -> str:
    for limit, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= limit:
            return f"{value / limit:.3g}{letter}"
    return f"{value:.3g}"


def clock(seconds: float) -> str:
    """1:05, 1:02:30; below ten seconds with a tenth."""
    if seconds < 10:
        return f"{seconds:.1f} s" if seconds else "0"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
