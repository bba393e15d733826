"""Processing jobs: their operations. The work behind them is that of any job, and job.py's."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skylab.services.call import Call
from skylab.services.sagemaker import people, records
from skylab.services.sagemaker.common import arn, check_role, hold, listed, new_token, tags
from skylab.services.sagemaker.jobs.buckets import check_buckets
from skylab.services.sagemaker.jobs.job import OVER
from skylab.services.sagemaker.processing.document import document, uris
from skylab.services.sagemaker.tracking.jobs import begun
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.sagemaker import *

TYPE = "processing-job"


class ProcessingJobs:
    def create_processing_job(self, call: Call, request: CreateProcessingJobRequest) -> dict[str, Any]:
        check_role(call, request["RoleArn"])
        doc = document(call, request) | {
            "ProcessingJobArn": arn(call, TYPE, request["ProcessingJobName"]),
            "ProcessingJobStatus": "InProgress",
            "CreationTime": call.now,
            "LastModifiedTime": call.now,
            "_": {"tags": tags(request)},
        }
        check_buckets(call, doc["RoleArn"], uris(doc))
        key = call.key(TYPE, doc["ProcessingJobName"])
        token = new_token(call.ids.new)
        with call.writing() as tx:
            tx.create(key, doc, call.now)
            begun(tx, key, doc, call.now, people.context(call))
            tx.start("processing", key, call.now, call.ids.new(), role=doc["RoleArn"], token=token)
        return {"ProcessingJobArn": doc["ProcessingJobArn"]}

    async def describe_processing_job(self, call: Call, request: DescribeProcessingJobRequest) -> dict[str, Any]:
        key = call.key(TYPE, request["ProcessingJobName"])
        return await hold(call, lambda tx: tx.get(key), lambda doc: doc["ProcessingJobStatus"] in OVER)

    def list_processing_jobs(self, call: Call, request: ListProcessingJobsRequest) -> dict[str, Any]:
        name, status = "ProcessingJobName", "ProcessingJobStatus"
        return listed(call, TYPE, request, "ProcessingJobSummaries", name, status, "Ascending")

    def stop_processing_job(self, call: Call, request: StopProcessingJobRequest) -> None:
        records.stop(call, TYPE, request["ProcessingJobName"], "Processing")

    def delete_processing_job(self, call: Call, request: DeleteProcessingJobRequest) -> None:
        """Its metadata only: what it put into S3 and its logs stay."""
        key = call.key(TYPE, request["ProcessingJobName"])
        with call.writing() as tx:
            if (status := tx.get(key)["ProcessingJobStatus"]) not in OVER:
                raise AwsError(
                    "ResourceInUse", f"The request was rejected because the processing job is in status {status}."
                )
            tx.delete(key)
