"""The anomaly score of a point: how near to the roots it would be cut off from the sample.

Walking down, a point is parted from a node's box with the chance that a cut of the box widened by the point falls into
the widening: then it scores 1 / (depth + 1). One that ends in a leaf of its own kind scores less the more are there
already. The mean over the trees, times log2(samples + 1): about 1 is ordinary. These are the functions of AWS's own
random-cut-forest-by-aws (AnomalyScoreVisitor, CommonUtils).
"""

from typing import Any

import numpy

from skylab.images.random_cut_forest.forest import Forest

CELLS = 1 << 21  # numbers of one chunk: points x trees x features


class Scorer:
    def __init__(self, forest: Forest) -> None:
        self.forest = forest
        self.sides = (forest.high.astype(float) - forest.low).sum(axis=1)
        self.leaf = forest.right < 0

    def __call__(self, rows: Any) -> Any:
        """One number for each row."""
        step = max(1, CELLS // (self.forest.trees * self.forest.width))
        parts = [self._chunk(rows[begin : begin + step]) for begin in range(0, len(rows), step)]
        return numpy.concatenate(parts) if parts else numpy.empty(0)

    def _chunk(self, rows: Any) -> Any:
        forest, trees = self.forest, self.forest.trees
        score = numpy.zeros(len(rows) * trees)
        pair = numpy.arange(len(score))  # point and tree that are still on their way
        node, reach, depth = numpy.tile(numpy.arange(trees), len(rows)), numpy.ones(len(score)), 0
        while len(pair):
            point = rows[pair // trees]
            beyond = numpy.maximum(forest.low[node] - point, 0) + numpy.maximum(point - forest.high[node], 0)
            out = beyond.sum(axis=1, dtype=float)
            parted = numpy.divide(out, out + self.sides[node], out=numpy.zeros_like(out), where=out > 0)
            score[pair] += reach * parted / (depth + 1)
            reach = reach * (1 - parted)
            leaf = self.leaf[node]
            score[pair[leaf]] += reach[leaf] * self._seen(node[leaf], depth)
            going = ~leaf & (reach > 0)
            pair, node, reach = pair[going], node[going], reach[going]
            above = rows[pair // trees, forest.dimension[node]] > forest.cut[node]
            node, depth = forest.right[node] - ~above, depth + 1
        return score.reshape(len(rows), trees).mean(axis=1) * numpy.log2(forest.samples + 1)

    def _seen(self, node: Any, depth: int) -> Any:
        mass = self.forest.mass[node]
        damped = 1 - mass / (2 * self.forest.samples)
        return damped / (depth + numpy.log2(mass + 1.0))
