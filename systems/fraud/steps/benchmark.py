"""The random cut forest on NAB: one forest for all series, taught by their probations; scores by batch transform.

The image has no seed to set. What its chance does is seen by forests that are taught the same rows in other orders.
"""

from __future__ import annotations

from typing import Any

import cloud
import nab
import numpy as np
from generations import csv
from progress import Step

FORESTS = 5  # of which the first is taught the rows in their own order


def forests(acc: cloud.Account, every: list[nab.Series], stamp: str) -> list[list[np.ndarray]]:
    """Each forest's scores of every series."""
    read_by, name, prefix = nab.rows(every), f"fraud-nab-{stamp}", f"fraud/{stamp}"
    to = f"s3://{acc.bucket}/{prefix}/models"
    with Step("train the forests") as step:
        taught = np.concatenate([rows[: series.probation] for rows, series in zip(read_by, every, strict=True)])
        jobs = []
        for number in range(FORESTS):
            order = np.random.default_rng(number).permutation(len(taught)) if number else np.arange(len(taught))
            uri = cloud.put(acc, f"{prefix}/plain-{number}/train.csv", csv(taught[order]))
            channels = {"train": (uri, f"{cloud.CSV};label_size=0")}
            jobs.append(cloud.train(acc, "randomcutforest", f"{name}-{number}", nab.FOREST, channels, to))
        ended: list[dict[str, Any]] = [cloud.trained(acc, job, step.update) for job in jobs]
        step.say(f"{FORESTS} forests, {len(every)} series, {len(taught):,} points")
    with Step("score the series") as step:
        uri, found = cloud.put(acc, f"{prefix}/rows/rows.csv", csv(np.concatenate(read_by))), []
        for job, end in zip(jobs, ended, strict=True):
            artifact, scored = end["ModelArtifacts"]["S3ModelArtifacts"], f"s3://{acc.bucket}/{prefix}/scored/{job}"
            cloud.score(acc, job, "randomcutforest", artifact, uri, scored)
            found.append(np.array(cloud.scored(acc, job, f"{scored}/rows.csv.out", step.update)))
        step.say(f"{len(found[0]):,} points by each")
    ends = np.cumsum([len(rows) for rows in read_by])[:-1]
    return [np.split(scores, ends) for scores in found]
