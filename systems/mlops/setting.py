"""What a run needs before it can start: the data in S3, the roles, the container, and the pipeline itself."""

from __future__ import annotations

import argparse
import json
import logging
import warnings
from pathlib import Path
from typing import Any

import cloud
import execution
from fetch import fetch
from progress import Line
from shards import shards

HERE = Path(__file__).resolve().parent
VERSIONS = {"xgboost": "3.0-5", "sklearn": "1.4-2"}  # of AWS's images


def set_up(args: argparse.Namespace) -> tuple[cloud.Account, Any]:
    """Data, roles, container and pipeline."""
    with Line("data") as line:
        if args.dataset == "randhie" and args.data == HERE / "data":
            fetch(args.data / "randhie.csv")
        files = shards(args.dataset, args.data, args.work / args.dataset / "raw", args.published)
        line.say(f"{len(files)} files of whole people")
    with Line("account") as line:
        acc = cloud.account(args.role)
        root = f"s3://{acc.bucket}/mlops/{args.dataset}"
        line.say(f"roles {', '.join(arn.rsplit('/')[-1] for arn in (acc.pipeline, acc.jobs, acc.endpoint))}")
    with Line("container") as line:
        from sagemaker.core import image_uris

        images = {kind: image_uris.retrieve(kind, acc.region, version=tag) for kind, tag in VERSIONS.items()}
        images["judge"], there = cloud.judge(acc, images["xgboost"])
        line.say(f"{images['judge'].rsplit('/')[-1]}{', built before' if there else ''}")
    with Line("upload") as line:
        places = upload(acc, args.dataset, files, root)
        line.say(f"to {root}/")
    with Line("define") as line:
        plan = define(acc, args, root, places, images)
        line.say(f"pipeline {plan.name}, by the SageMaker SDK")
    return acc, plan


def upload(acc: cloud.Account, dataset: str, files: list[Path], root: str) -> dict[str, str]:
    """Data and scripts; return where they lie."""
    scripts = [HERE / "steps" / "prepare.py", HERE / "steps" / "meet.py", HERE / "model" / "features.py"]
    places = {"raw": cloud.upload(acc, files, f"{root}/raw"), "code": cloud.upload(acc, scripts, f"{root}/code")}
    places["source"] = cloud.upload_source(acc, HERE / "model", f"{root}/code")
    acc.client("s3").put_object(Bucket=acc.bucket, Key=f"mlops/{dataset}/nothing/none", Body=b"")
    return places


def define(
    acc: cloud.Account, args: argparse.Namespace, root: str, places: dict[str, str], images: dict[str, str]
) -> Any:
    """Create or change the pipeline that pipeline.py defines."""
    logging.disable(logging.WARNING)  # the SDK tells each default that it takes
    warnings.filterwarnings("ignore", "Running within a PipelineSession")
    import pipeline  # takes seconds: here they are shown

    settings = json.loads((HERE / "model" / "hyperparameters.json").read_text())[args.dataset]
    settings |= settings.pop("published", {}) if args.published else {}
    about = {"images": images, "jobs": acc.jobs, "settings": settings, "instance": args.instance_type}
    plan = pipeline.Plan(args.dataset, root, **places, **about)
    execution.upsert(acc, plan.name, pipeline.build(plan, pipeline.session(acc.caller, acc.bucket)).definition())
    return plan
