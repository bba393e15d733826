"""Random cut trees, all of them cut at once, level by level.

A tree holds a random sample. A node is cut across a dimension chosen in proportion to its box's sides, at a place that
is uniform on that side, until all points of a node are one and the same. So each level is a few operations on arrays
with a row per node of any tree; nodes are numbered in the order in which they are made, the roots first.
"""

from dataclasses import dataclass, field
from typing import Any

import numpy


@dataclass(frozen=True)
class Forest:
    """A row per node. right: the child above the cut, -1 for a leaf; its sibling is right - 1."""

    right: Any
    dimension: Any
    cut: Any
    mass: Any
    low: Any
    high: Any
    trees: int

    @property
    def width(self) -> int:
        return int(self.low.shape[1])

    @property
    def samples(self) -> int:
        return int(self.mass[0])


@dataclass
class _Level:
    """right, dimension, cut, mass, low, high of the nodes of a level."""

    right: Any
    dimension: Any
    cut: Any
    mass: Any
    low: Any
    high: Any


@dataclass
class _Grown:
    levels: list[_Level] = field(default_factory=list)
    nodes: int = 0


def grown(rows: Any, trees: int, samples: int, generator: Any) -> Forest:
    """rows: 2-D float32. samples: rows of each tree, of which there are no fewer."""
    picked = numpy.concatenate([generator.permutation(len(rows))[:samples] for _ in range(trees)])
    points, starts = rows[picked], numpy.arange(trees) * samples
    made = _Grown(nodes=trees)
    while len(starts):
        points, starts = _cut(points, starts, made, generator)
    names = ("right", "dimension", "cut", "mass", "low", "high")
    parts = {name: numpy.concatenate([getattr(level, name) for level in made.levels]) for name in names}
    return Forest(**parts, trees=trees)


def _cut(points: Any, starts: Any, made: _Grown, generator: Any) -> tuple[Any, Any]:
    """The nodes whose points begin at starts become a level; the points and the starts of their children."""
    many = numpy.diff(numpy.append(starts, len(points)))
    low, high = numpy.minimum.reduceat(points, starts), numpy.maximum.reduceat(points, starts)
    sides = numpy.cumsum(high.astype(float) - low, axis=1)
    inner = sides[:, -1] > 0
    drawn = generator.random(len(starts)) * sides[:, -1]
    dimension = numpy.where(inner, (sides > drawn[:, None]).argmax(axis=1), 0)
    at = numpy.arange(len(starts))
    bottom, top = low[at, dimension], high[at, dimension]
    cut = (top - (sides[at, dimension] - drawn)).astype(numpy.float32)
    cut = numpy.minimum(numpy.maximum(cut, bottom), numpy.nextafter(top, bottom))  # both sides get a point
    right = numpy.where(inner, made.nodes + 2 * numpy.cumsum(inner) - 1, -1).astype(numpy.int32)
    made.levels.append(_Level(right, dimension.astype(numpy.int32), cut, many.astype(numpy.int32), low, high))
    made.nodes += 2 * int(inner.sum())
    node = numpy.repeat(at, many)
    kept = inner[node]
    points, node = points[kept], node[kept]
    above = points[numpy.arange(len(points)), dimension[node]] > cut[node]
    key = 2 * node + above
    order = numpy.argsort(key, kind="stable")
    return points[order], numpy.flatnonzero(numpy.diff(key[order], prepend=-1))
