"""Rules about what a model is given: images, sequences of tokens."""

from collections.abc import Sequence

import numpy as np

from skylab.images.rules.series import Finding, Findings, Steps


def check_input_images(
    steps: Steps,
    threshold_mean: float = 0.2,
    threshold_samples: int = 500,
    regex: Sequence[str] = (".*hybridsequential0_input_0",),
    channel: int = 1,
) -> Findings:
    """The mean of a colour channel is not zero, of threshold_samples images or more: they are not normalised."""
    total, pixels, images = np.zeros(0), 0, 0
    for step in steps:
        for _, value in step.whole(step.select(("input_image",), regex)):
            if value.ndim <= channel:
                continue
            others = tuple(axis for axis in range(value.ndim) if axis != channel)
            sums = value.sum(axis=others, dtype=float)
            total = sums if total.shape != sums.shape else total + sums
            pixels, images = pixels + value.size // value.shape[channel], images + len(value)
        if images >= threshold_samples and (worst := float(np.abs(total / pixels).max())) > threshold_mean:
            yield Finding(step.number, f"The mean of a channel of the input is {worst:.3g} away from zero")


def nlp_sequence_ratio(
    steps: Steps,
    tensor_regex: Sequence[str] = (".*embedding0_input_0",),
    token_values: Sequence[str] = ("0",),
    token_thresholds_percent: Sequence[str] = ("50",),
) -> Findings:
    """Too much of the input is one token, such as padding."""
    for step in steps:
        for name, value in step.whole(step.select(("input_sequence",), tensor_regex)):
            for token, threshold in zip(token_values, token_thresholds_percent, strict=False):
                if (share := 100 * float(np.mean(value == float(token)))) > float(threshold):
                    yield Finding(step.number, f"{share:.0f} percent of {name} are the token {token}")
