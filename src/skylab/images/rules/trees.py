"""Rules about XGBoost's trees."""

from collections.abc import Sequence

import numpy as np

from skylab.images.rules.series import Finding, Findings, Steps


def tree_depth(steps: Steps, depth: float = 4.0) -> Findings:
    """A tree is as deep as that: by the logarithm to base 2 of its largest node id."""
    for step in steps:
        for _, nodes in step.whole(step.select((), ("^trees/Node$",))):
            if nodes.size and (found := float(np.log2(max(nodes.max(), 1)))) >= depth:
                yield Finding(step.number, f"The depth of a tree is {found:.1f}")


def feature_importance_overweight(
    steps: Steps,
    threshold: float = 0.8,
    nfeatures: int = 3,
    tensor_regex: Sequence[str] = (".*feature_importance/weight",),
) -> Findings:
    """The nfeatures most important features carry more than threshold of all importance."""
    for step in steps:
        weights = sorted((float(value.sum()) for _, value in step.whole(step.select((), tensor_regex))), reverse=True)
        if weights and (share := sum(weights[:nfeatures]) / (sum(weights) or 1.0)) > threshold:
            yield Finding(step.number, f"The {nfeatures} most important features hold {100 * share:.0f} percent")
