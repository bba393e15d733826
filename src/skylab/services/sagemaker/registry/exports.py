"""Exports of model cards as PDF. The file is in S3 before the answer is given, so an export is never under way."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from skylab.services.call import Call
from skylab.services.sagemaker import pages
from skylab.services.sagemaker.registry import cards, names, pdf, sealing
from skylab.wire.errors import AwsError, invalid

if TYPE_CHECKING:
    from skylab.shapes.sagemaker import *

TYPE = "model-card-export"
OUTPUT = re.compile(r"(?:s3|https)://([^/]+)/?(.*)", re.DOTALL)
JOB = re.compile(r"(?P<card>.+)/export-job/(?P<job>[^/]+)")


class ModelCardExportJobs:
    def create_model_card_export_job(self, call: Call, request: CreateModelCardExportJobRequest) -> dict[str, Any]:
        pdf.available()
        with call.reading() as tx:
            key, _ = cards.find(tx, call, request["ModelCardName"])
            card = cards.version(tx, call, request["ModelCardName"], request.get("ModelCardVersion"))
            place = key._replace(type=TYPE, name=f"{key.name}/{request['ModelCardExportJobName']}")
            taken = tx.find(place)
        arn = f"{names.arn(key)}/export-job/{request['ModelCardExportJobName'].lower()}"
        if taken is not None:
            raise AwsError("ConflictException", f"Model card export job {arn} already exists.")
        doc = {name: value for name, value in request.items()} | {
            "ModelCardName": key.name,
            "ModelCardVersion": card["ModelCardVersion"],
            "ModelCardExportJobArn": arn,
            "CreatedAt": call.now,
            "LastModifiedAt": call.now,
        }
        doc |= _export(call, card | {"Content": sealing.opened(call, card["_"])}, request)
        with call.writing() as tx:
            cards.find(tx, call, request["ModelCardName"])  # it may have been deleted meanwhile
            tx.create(place, doc, call.now)
        return {"ModelCardExportJobArn": arn}

    def describe_model_card_export_job(self, call: Call, request: DescribeModelCardExportJobRequest) -> dict[str, Any]:
        found = JOB.fullmatch(request["ModelCardExportJobArn"])
        if not found:
            raise invalid(f"Invalid ARN: {request['ModelCardExportJobArn']}")
        with call.reading() as tx:
            key, _ = cards.find(tx, call, found["card"])
            for doc in tx.all(key.account, key.region, "sagemaker", TYPE, f"{key.name}/"):
                if doc["ModelCardExportJobName"].lower() == found["job"].lower():
                    return doc
        message = f"Model card export job {request['ModelCardExportJobArn']} does not exist."
        raise AwsError("ResourceNotFound", message, 400)

    def list_model_card_export_jobs(self, call: Call, request: ListModelCardExportJobsRequest) -> dict[str, Any]:
        with call.reading() as tx:
            key, _ = cards.find(tx, call, request["ModelCardName"])
            found = [
                doc
                for doc in tx.all(key.account, key.region, "sagemaker", TYPE, f"{key.name}/")
                if _wanted(doc, request)
            ]
        name = "ModelCardExportJobName"
        column = {"Name": name, "Status": "Status"}.get(request.get("SortBy", ""), "CreatedAt")
        return pages.page(
            found, request, "ModelCardExportJobSummaries", lambda doc: (pages.value(doc[column]), doc[name])
        )


def _export(call: Call, card: dict[str, Any], request: Any) -> dict[str, Any]:
    """What comes of it: as the caller, who must be allowed to write there."""
    output = OUTPUT.fullmatch(request["OutputConfig"]["S3OutputPath"])
    if not output:
        raise invalid(f"{request['OutputConfig']['S3OutputPath']} is not an S3 URI.")
    file = f"{request['ModelCardExportJobName']}/{card['ModelCardName']}-{card['ModelCardVersion']}.pdf"
    key = "/".join(part for part in (output[2].strip("/"), file) if part)
    try:
        call.client("s3").put_object(Bucket=output[1], Key=key, Body=pdf.written(card), ContentType="application/pdf")
    except ClientError as problem:
        return {"Status": "Failed", "FailureReason": str(problem)}
    return {"Status": "Completed", "ExportArtifacts": {"S3ExportArtifacts": f"s3://{output[1]}/{key}"}}


def _wanted(doc: dict[str, Any], request: Any) -> bool:
    return (
        request.get("ModelCardExportJobNameContains", "").lower() in doc["ModelCardExportJobName"].lower()
        and request.get("ModelCardVersion") in (None, doc["ModelCardVersion"])
        and request.get("StatusEquals") in (None, doc["Status"])
        and pages.between(request, "CreationTimeAfter", "CreationTimeBefore", doc["CreatedAt"])
    )
