"""Accuracy against cost: which models no other beats at both, and the picture of it, a panel for each group."""

from __future__ import annotations

import math
from typing import Any
from xml.sax.saxutils import escape

WIDTH, HEIGHT, MARGIN, COLUMNS = 400, 270, 46, 2


def front(points: dict[str, tuple[float, float]]) -> list[str]:
    """Names of the points (cost, error) that no other one is better than in one and as good as in the other."""
    found, least = [], math.inf
    for name in sorted(points, key=lambda each: (points[each], each)):
        if points[name][1] < least:
            found.append(name)
            least = points[name][1]
    return found


def points(report: dict[str, Any]) -> dict[str, tuple[float, float]]:
    """(CPU seconds for 1,000 forecasts, OWA) of a group's models."""
    return {name: (max(model["cost"], 0.01), model["owa"]["value"]) for name, model in report["models"].items()}


def whole(report: dict[str, Any]) -> set[str]:
    """The models that were judged on all of the group's series: the others' OWA is of other series, and not ranked."""
    return {name for name, model in report["models"].items() if model["series"] == report["series"]}


def panel(group: str, report: dict[str, Any]) -> list[str]:
    """One group, at the origin of coordinates."""
    found, ranked = points(report), whole(report)
    edge = front({name: point for name, point in found.items() if name in ranked})
    costs, errors = [math.log10(cost) for cost, _ in found.values()], [owa for _, owa in found.values()]
    left, right = math.floor(min(costs)), math.ceil(max(costs) + 0.2)
    low, high = min(errors) - 0.03, min(max(errors), 1.5) + 0.03

    def x(cost: float) -> float:
        return MARGIN + (math.log10(cost) - left) / (right - left) * (WIDTH - 2 * MARGIN)

    def y(owa: float) -> float:
        return HEIGHT - MARGIN - (min(owa, high) - low) / (high - low) * (HEIGHT - 2 * MARGIN)

    drawn = [f'<text x="{WIDTH / 2}" y="20" class="title">{escape(group)} ({report["series"]:,} series)</text>']
    base = HEIGHT - MARGIN
    drawn += [f'<path d="M{MARGIN} {MARGIN - 14}V{base}H{WIDTH - MARGIN + 14}" class="axis"/>']
    for power in range(left, right + 1):
        label = f"{10.0**power:g}"
        drawn.append(f'<text x="{x(10.0**power):.0f}" y="{base + 15}" class="tick">{label}</text>')
    for step in range(math.ceil(low * 10), math.floor(high * 10) + 1):
        drawn.append(f'<text x="{MARGIN - 16}" y="{y(step / 10) + 4:.0f}" class="tick">{step / 10:.1f}</text>')
    line = " ".join(f"{x(found[name][0]):.1f},{y(found[name][1]):.1f}" for name in edge)
    drawn.append(f'<polyline points="{line}" class="front"/>')
    for name, (cost, owa) in found.items():
        kind = "best" if name in edge else "other" if name in ranked else "few"
        label = name if name in ranked else f"{name}, n={report['models'][name]['series']}"
        place = f'cx="{x(cost):.1f}" cy="{y(owa):.1f}"'
        drawn.append(f'<circle {place} r="4" class="{kind}"><title>{name} {owa:.3f}</title></circle>')
        drawn.append(f'<text x="{x(cost) + 6:.1f}" y="{y(owa) - 5:.1f}" class="{kind}">{escape(label)}</text>')
    return drawn


STYLE = (
    "text{font:11px sans-serif;fill:#333}.title{font-size:13px;text-anchor:middle;font-weight:bold}"
    ".tick{text-anchor:middle;fill:#777}.axis{fill:none;stroke:#999}.front{fill:none;stroke:#c2410c;stroke-width:1.5}"
    "circle.best{fill:#c2410c}circle.other{fill:#64748b}circle.few{fill:none;stroke:#64748b}"
    "text.best{fill:#c2410c}"
)


def picture(evaluation: dict[str, Any]) -> str:
    """SVG."""
    rows = math.ceil(len(evaluation) / COLUMNS)
    width, height = WIDTH * COLUMNS, HEIGHT * rows + 24
    told = "across: CPU s for 1,000 forecasts, logarithmic; up: OWA on the test part; "
    told += "orange: none beats it at both; hollow: n series alone"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">',
        f'<style>{STYLE}</style><rect width="100%" height="100%" fill="white"/>',
        f'<text x="12" y="{height - 8}">{told}</text>',
    ]
    for place, (group, report) in enumerate(evaluation.items()):
        across, down = place % COLUMNS * WIDTH, place // COLUMNS * HEIGHT
        parts.append(f'<g transform="translate({across} {down})">' + "".join(panel(group, report)) + "</g>")
    return "\n".join([*parts, "</svg>"]) + "\n"
