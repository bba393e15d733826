"""Defects: what each adds to a surface, in deviations of its texture, and the mask of where it is."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from textures import COLUMNS, RADIUS, ROWS, SIZE, Image, shaped, smooth

Mask = NDArray[np.bool_]
Drawn = tuple[Image, Mask]


def distance(points: NDArray) -> Image:
    """How far each pixel is from the polyline through the points (column, row)."""
    start, step = points[:-1, :, None, None], np.diff(points, axis=0)[:, :, None, None]
    x, y = COLUMNS - start[:, 0], ROWS - start[:, 1]
    part = np.clip((x * step[:, 0] + y * step[:, 1]) / ((step**2).sum(1) + 1e-6), 0, 1)
    squares = (x - part * step[:, 0]) ** 2 + (y - part * step[:, 1]) ** 2
    return np.sqrt(squares.min(0)).astype(np.float32)


def walk(rng: np.random.Generator, start: NDArray, angle: float, steps: int, length: float, turn: float) -> NDArray:
    """Points of a walk whose direction changes a little with each step."""
    angles = angle + np.cumsum(rng.normal(0, turn, steps))
    moves = length * np.column_stack([np.cos(angles), np.sin(angles)])
    return np.vstack([start, start + np.cumsum(moves, axis=0)]).astype(np.float32)


def line(away: Image, width: float, strength: float) -> Drawn:
    return strength * np.exp(-((away / width) ** 2)), away < width + 0.5


def together(parts: list[Drawn]) -> Drawn:
    """Several of one kind: where they cross the stronger counts."""
    changes = np.stack([change for change, _ in parts])
    strongest = np.abs(changes).argmax(0)[None]
    return np.take_along_axis(changes, strongest, 0)[0], np.any([mask for _, mask in parts], axis=0)


def scratch(rng: np.random.Generator) -> Drawn:
    """Long thin lines, nearly parallel and nearly straight, bright or dark."""
    angle, strength = rng.uniform(0, 2 * np.pi), rng.choice([-1, 1]) * rng.uniform(2, 4)
    parts = []
    for _ in range(rng.integers(1, 5)):
        start = rng.uniform(0.2, 0.8, 2) * SIZE
        points = walk(rng, start, angle + rng.normal(0, 0.1), 4, rng.uniform(8, 22), 0.06)
        parts.append(line(distance(points), rng.uniform(0.6, 1.6), strength * rng.uniform(0.7, 1.1)))
    return together(parts)


def crack(rng: np.random.Generator) -> Drawn:
    """A dark jagged line with branches."""
    angle, width, strength = rng.uniform(0, 2 * np.pi), rng.uniform(0.6, 1.2), -rng.uniform(2, 4)
    trunk = walk(rng, rng.uniform(0.2, 0.8, 2) * SIZE, angle, 11, rng.uniform(3, 8), 0.55)
    parts = [line(distance(trunk), width, strength)]
    for _ in range(rng.integers(1, 4)):
        side = angle + rng.choice([-1, 1]) * rng.uniform(0.5, 1.2)
        branch = walk(rng, trunk[rng.integers(2, 10)], side, 6, rng.uniform(2, 6), 0.55)
        parts.append(line(distance(branch), 0.8 * width, 0.8 * strength))
    return together(parts)


def pit(rng: np.random.Generator) -> Drawn:
    """Small dark holes with a bright rim, in a cluster or all over."""
    count, spread = rng.integers(4, 25), rng.uniform(0.12, 0.5)
    centres = (rng.uniform(0.25, 0.75, 2) + spread * rng.uniform(-1, 1, (count, 2))) * SIZE
    radii = rng.uniform(1.0, 3.2) * rng.uniform(0.7, 1.3, (count, 1, 1))
    away = np.hypot(COLUMNS - centres[:, 0, None, None], ROWS - centres[:, 1, None, None]) / radii
    holes = -rng.uniform(2, 4) * np.exp(-(away**2)) + rng.uniform(0, 1.2) * np.exp(-(((away - 1.6) / 0.4) ** 2))
    return holes.sum(0).astype(np.float32), (away < 1.3).any(0)


def stain(rng: np.random.Generator) -> Drawn:
    """A large patch of another tone with an uneven edge."""
    centre, radius = rng.uniform(0.25, 0.75, 2) * SIZE, rng.uniform(12, 30)
    field = np.hypot(COLUMNS - centre[0], ROWS - centre[1]) / radius
    field = 1 - field + 0.35 * shaped(np.exp(-((RADIUS * rng.uniform(8, 16)) ** 2)), rng)
    inside = 1 / (1 + np.exp(-np.clip(field * rng.uniform(5, 20), -30, 30)))
    return (rng.choice([-1, 1]) * rng.uniform(1.2, 2.8) * inside).astype(np.float32), inside > 0.5


def ellipse(rng: np.random.Generator, angle: float, long: float, short: float) -> Image:
    """Distance from an ellipse's centre, 1 at its edge."""
    x, y = COLUMNS - rng.uniform(0.2, 0.8) * SIZE, ROWS - rng.uniform(0.2, 0.8) * SIZE
    u, v = x * np.cos(angle) + y * np.sin(angle), y * np.cos(angle) - x * np.sin(angle)
    return np.hypot(u / long, v / short).astype(np.float32)


def inclusion(rng: np.random.Generator) -> Drawn:
    """Foreign matter: elongated islands in one direction, with ragged edges."""
    angle, strength = rng.uniform(0, 2 * np.pi), rng.choice([-1, -1, 1]) * rng.uniform(2, 4)
    ragged = 0.25 * shaped(np.exp(-((RADIUS * 5) ** 2)), rng)
    parts = []
    for _ in range(rng.integers(1, 5)):
        edge = ellipse(rng, angle + rng.normal(0, 0.1), rng.uniform(6, 22), rng.uniform(1.8, 5)) + ragged
        inside = 1 / (1 + np.exp(np.clip((edge - 1) * 8, -30, 30)))
        parts.append(((strength * inside).astype(np.float32), edge < 1))
    return together(parts)


def dent(rng: np.random.Generator) -> Drawn:
    """A dimple: bright on the side that looks to the light, dark on the other."""
    light = rng.uniform(0, 2 * np.pi)
    away = ellipse(rng, rng.uniform(0, np.pi), rng.uniform(7, 16), rng.uniform(7, 16))
    depth = np.exp(-(away**2))
    slope = np.gradient(depth)
    shade = slope[1] * np.cos(light) + slope[0] * np.sin(light)
    return smooth(rng.uniform(2.5, 4) * shade / np.abs(shade).max(), 0.5), away < 1.2


KINDS: dict[str, Callable[[np.random.Generator], Drawn]] = {
    "scratch": scratch,
    "pit": pit,
    "stain": stain,
    "crack": crack,
    "inclusion": inclusion,
}
UNSEEN = {"dent": dent}  # never trained on, by nothing: what an anomaly detector has to find
