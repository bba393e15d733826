"""The rule about trainings that say nothing any more."""

from skylab.images.rules.series import Finding, Findings, Steps


def stalled_training(
    steps: Steps, threshold: int = 1800, stop_training_on_fire: bool = False, training_job_name_prefix: str = ""
) -> Findings:
    """No tensors have come for threshold seconds. What is to be done then is the evaluation's."""
    for step in steps:
        if step.waited >= threshold:
            yield Finding(step.number, f"No tensors have come for {step.waited:.0f} seconds")
