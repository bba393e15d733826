"""What is done when a rule has found something: the training is stopped, in the name of the job's role.

https://docs.aws.amazon.com/sagemaker/latest/dg/debugger-built-in-actions.html
"""

import json
from collections.abc import Mapping
from typing import Any

STOP, MESSAGES = "stoptraining", ("email", "sms")


def read(told: Mapping[str, str]) -> list[dict[str, str]]:
    """Of action_json, whose quotes come with backslashes before them. Raises ValueError for what is no action."""
    text = told.get("action_json", "")
    if not text:
        return []
    found = json.loads(text.replace('\\"', '"'))
    found = found if isinstance(found, list) else [found]
    for action in found:
        if not isinstance(action, dict) or action.get("name") not in (STOP, *MESSAGES):
            raise ValueError(f"{action} is no action of Debugger.")
    return found


def stop_training(sagemaker: Any, prefix: str) -> str:
    """What was done, in a sentence. As AWS: where several jobs in progress begin so, none is stopped."""
    pages = sagemaker.get_paginator("list_training_jobs").paginate(NameContains=prefix, StatusEquals="InProgress")
    jobs = [each["TrainingJobName"] for page in pages for each in page["TrainingJobSummaries"]]
    jobs = [job for job in jobs if job.startswith(prefix)]
    if len(jobs) != 1:
        return f"{len(jobs)} training jobs in progress begin with {prefix}: none was stopped."
    sagemaker.stop_training_job(TrainingJobName=jobs[0])
    return f"Stopped the training job {jobs[0]}."
