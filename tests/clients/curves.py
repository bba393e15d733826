"""Whether a job on two instances learned as one on a single instance did: their loss curves, from their logs."""

import re
import sys
import time

import boto3


def curve(job, world):
    """The losses that a job's first rank printed, step by step."""
    logs = boto3.client("logs")
    for _ in range(50):
        group = {"logGroupName": "/aws/sagemaker/TrainingJobs", "logStreamNamePrefix": f"{job}/"}
        said = "\n".join(event["message"] for event in logs.filter_log_events(**group)["events"])
        found = re.findall(rf"world={world} step=(\d+) loss=([0-9.]+)", said)
        if len(found) == 20:
            return [float(loss) for _, loss in sorted(found, key=lambda pair: int(pair[0]))]
        time.sleep(0.2)
    sys.exit(f"{job} printed {len(found)} losses:\n{said[-2000:]}")


def compare(one, two):
    apart = max(abs(a - b) for a, b in zip(one, two, strict=True))
    print(f"first={one[0]:.4f} last={one[-1]:.4f} apart={apart:.6f}")
    sys.exit(0 if apart < 1e-4 and one[-1] < 0.7 * one[0] else f"the curves differ: {one} {two}")
