"""What does it cost a caller that an endpoint captures data? One row to a trained XGBoost model, with and without.

    python bench/capture.py [--rounds N]

The two endpoints serve the same model and are asked in turns, so that whatever else the machine does meets both.
"""

import argparse
import time

from tools.clouds import Cloud, skylab
from tools.figures import Table, percentile
from tools.jobs import BUCKET, XGBOOST, Jobs, row
from tools.wire import Wire

CALLS = 1000


def captured(jobs: Jobs) -> str:
    """A second endpoint of the model, which captures every request."""
    name, variant = "captured", {"VariantName": "all", "ModelName": "bench", "InitialInstanceCount": 1}
    jobs.sagemaker.create_endpoint_config(
        EndpointConfigName=name,
        ProductionVariants=[variant | {"InstanceType": "ml.m5.large"}],
        DataCaptureConfig={
            "InitialSamplingPercentage": 100,
            "DestinationS3Uri": f"s3://{BUCKET}/captured",
            "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
            "CaptureContentTypeHeader": {"CsvContentTypes": ["text/csv"]},
        },
    )
    jobs.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    while (now := jobs.sagemaker.describe_endpoint(EndpointName=name))["EndpointStatus"] == "Creating":
        time.sleep(0.05)
    if now["EndpointStatus"] != "InService":
        raise SystemExit(now.get("FailureReason"))
    return name


def measure(cloud: Cloud, endpoints: list[str], rounds: int) -> list[list[float]]:
    """Seconds of each call, by endpoint."""
    wire = Wire(cloud.target.url)
    requests = [
        cloud.target.signed("sagemaker", "POST", f"/endpoints/{name}/invocations", row(), {"Content-Type": "text/csv"})
        for name in endpoints
    ]
    timings: list[list[float]] = [[] for _ in requests]
    for _ in range(50 + rounds * CALLS):
        for request, known in zip(requests, timings, strict=True):
            known.append(wire.timed(request))
    wire.close()
    return [known[50:] for known in timings]


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    table = Table("Data capture")
    with skylab() as cloud:
        jobs = Jobs(cloud)
        jobs.train("bench", XGBOOST, {"objective": "binary:logistic", "num_round": "50", "nthread": "1"})
        endpoints = [jobs.deploy("bench", XGBOOST), captured(jobs)]
        plain, recorded = measure(cloud, endpoints, given.rounds)
        table.times("one row", cloud.name, plain)
        table.times("one row, captured", cloud.name, recorded)
        cost = percentile(recorded, 0.5) - percentile(plain, 0.5)
        table.value("  what capturing adds", cloud.name, f"{cost * 1e3:.3f} ms", "0.05 ms")
        for name in endpoints:
            jobs.sagemaker.delete_endpoint(EndpointName=name)


if __name__ == "__main__":
    main()
