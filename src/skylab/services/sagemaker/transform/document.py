"""What Describe shows of a transform job that was just made: the request, the service's defaults, and no mistakes."""

from typing import Any

from skylab.services.sagemaker import records
from skylab.services.sagemaker.transform.filters import BadPath, Path
from skylab.services.sagemaker.transform.joining import kind
from skylab.wire.errors import invalid

MOST = 100  # MB: MaxPayloadInMB, and it times MaxConcurrentTransforms
WHOLE = "$"


def document(request: Any) -> dict[str, Any]:
    """Raises AwsError."""
    records.refuse(request, ("DataCaptureConfig",))
    records.refuse(request["TransformResources"], ("TransformAmiVersion",))
    source = request["TransformInput"]["DataSource"]["S3DataSource"]
    if source["S3DataType"] not in ("S3Prefix", "ManifestFile"):
        raise invalid(f"S3DataType {source['S3DataType']} is not offered: S3Prefix and ManifestFile are.")
    doc = {
        **{member: value for member, value in request.items() if member != "Tags"},
        "TransformInput": {"CompressionType": "None", "SplitType": "None"} | request["TransformInput"],
        "TransformOutput": {"AssembleWith": "None", "KmsKeyId": ""} | request["TransformOutput"],
        "DataProcessing": {"InputFilter": WHOLE, "OutputFilter": WHOLE, "JoinSource": "None"}
        | request.get("DataProcessing", {}),
    }
    _check_size(doc)
    _check_processing(doc)
    return doc


def processes(doc: dict[str, Any]) -> bool:
    """Whether records are looked into: else they pass as bytes."""
    given = doc["DataProcessing"]
    return given["JoinSource"] == "Input" or {given["InputFilter"], given["OutputFilter"]} != {WHOLE}


def _check_size(doc: dict[str, Any]) -> None:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html"""
    payload, concurrent = doc.get("MaxPayloadInMB", 0), doc.get("MaxConcurrentTransforms", 0)
    if payload > MOST:
        raise invalid(f"MaxPayloadInMB cannot be greater than {MOST} MB.")
    if payload * concurrent > MOST:
        raise invalid(f"MaxConcurrentTransforms * MaxPayloadInMB cannot exceed {MOST} MB.")
    if doc.get("BatchStrategy") == "MultiRecord" and doc["TransformInput"]["SplitType"] == "None":
        raise invalid("BatchStrategy MultiRecord needs a SplitType: Line, RecordIO or TFRecord.")


def _check_processing(doc: dict[str, Any]) -> None:
    if not processes(doc):
        return
    given, accept = doc["TransformInput"].get("ContentType", ""), doc["TransformOutput"].get("Accept", "")
    if kind(given) is None or doc["TransformInput"]["SplitType"] not in ("None", "Line"):
        raise invalid(
            "DataProcessing needs CSV or JSON: a ContentType of text/csv, application/json or application/jsonlines, "
            "and a SplitType of None or Line."
        )
    reads_answers = doc["DataProcessing"]["JoinSource"] == "Input" or doc["DataProcessing"]["OutputFilter"] != WHOLE
    if reads_answers and accept and kind(accept) != kind(given):
        raise invalid(f"DataProcessing needs input and output of one format, not {given} and {accept}.")
    if doc.get("MaxPayloadInMB") == 0:
        raise invalid("DataProcessing needs a MaxPayloadInMB other than 0.")
    for member in ("InputFilter", "OutputFilter"):
        try:
            Path(doc["DataProcessing"][member])
        except BadPath as problem:
            raise invalid(f"Invalid {member}: {problem}") from None
