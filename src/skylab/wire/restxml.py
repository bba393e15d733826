"""The rest-xml protocol, which is S3: URL and headers as in REST, bodies in XML or raw."""

import base64
from dataclasses import replace
from typing import Any

from botocore.model import OperationModel, ServiceModel, Shape

from skylab.wire import rest, xml
from skylab.wire.errors import AwsError
from skylab.wire.http import HttpRequest, HttpResponse
from skylab.wire.model import error_shape, error_status
from skylab.wire.restjson import rest_members
from skylab.wire.values import Malformed

NAMESPACE = "http://s3.amazonaws.com/doc/2006-03-01/"
MALFORMED = "The XML you provided was not well-formed or did not validate against our published schema"

# S3's codes that its model lacks (docs.aws.amazon.com/AmazonS3/latest/API/ErrorResponses.html).
STATUS = {
    "AccessDenied": 403,
    "AccountProblem": 403,
    "AllAccessDisabled": 403,
    "BucketAlreadyExists": 409,
    "BucketAlreadyOwnedByYou": 409,
    "BucketNotEmpty": 409,
    "ConditionalRequestConflict": 409,
    "ExpiredToken": 400,
    "InvalidAccessKeyId": 403,
    "InvalidBucketState": 409,
    "InvalidObjectState": 403,
    "InvalidRange": 416,
    "MethodNotAllowed": 405,
    "MissingContentLength": 411,
    "NoSuchBucket": 404,
    "NoSuchBucketPolicy": 404,
    "NoSuchConfiguration": 404,
    "NoSuchCORSConfiguration": 404,
    "NoSuchKey": 404,
    "NoSuchLifecycleConfiguration": 404,
    "NoSuchObjectLockConfiguration": 404,
    "NoSuchPublicAccessBlockConfiguration": 404,
    "NoSuchTagSet": 404,
    "NoSuchUpload": 404,
    "NoSuchVersion": 404,
    "NoSuchWebsiteConfiguration": 404,
    "NotModified": 304,
    "ObjectLockConfigurationNotFoundError": 404,
    "OperationAborted": 409,
    "OwnershipControlsNotFoundError": 404,
    "PermanentRedirect": 301,
    "PreconditionFailed": 412,
    "ReplicationConfigurationNotFoundError": 404,
    "RequestTimeTooSkewed": 403,
    "ServerSideEncryptionConfigurationNotFoundError": 404,
    "SignatureDoesNotMatch": 403,
    "TemporaryRedirect": 307,
}

# The root elements of answers, which the model does not name and clients other than boto3 insist on.
ROOTS = {
    "CreateMultipartUpload": "InitiateMultipartUploadResult",
    "CreateSession": "CreateSessionResult",
    "DeleteObjects": "DeleteResult",
    "GetBucketAccelerateConfiguration": "AccelerateConfiguration",
    "GetBucketAcl": "AccessControlPolicy",
    "GetBucketCors": "CORSConfiguration",
    "GetBucketLifecycle": "LifecycleConfiguration",
    "GetBucketLifecycleConfiguration": "LifecycleConfiguration",
    "GetBucketLogging": "BucketLoggingStatus",
    "GetBucketRequestPayment": "RequestPaymentConfiguration",
    "GetBucketTagging": "Tagging",
    "GetBucketVersioning": "VersioningConfiguration",
    "GetBucketWebsite": "WebsiteConfiguration",
    "GetObjectAcl": "AccessControlPolicy",
    "GetObjectAttributes": "GetObjectAttributesResponse",
    "GetObjectTagging": "Tagging",
    "ListBuckets": "ListAllMyBucketsResult",
    "ListDirectoryBuckets": "ListAllMyDirectoryBucketsResult",
    "ListObjectVersions": "ListVersionsResult",
    "ListObjects": "ListBucketResult",
    "ListObjectsV2": "ListBucketResult",
}


class RestXmlProtocol:
    def __init__(self, model: ServiceModel) -> None:
        self._model = model
        self._routes = rest.Routes(model)

    def operation(self, request: HttpRequest) -> OperationModel:
        try:
            request = _lowered(request)
            return self._routes.find(request.method, request.path, rest.fields(request.query), request.headers)
        except KeyError:
            message = "The specified method is not allowed against this resource."
            raise AwsError("MethodNotAllowed", message) from None
        except UnicodeDecodeError:
            raise AwsError("InvalidURI", "Couldn't parse the specified URI.") from None

    def parse(self, operation: OperationModel, request: HttpRequest) -> dict[str, Any]:
        shape = operation.input_shape
        if shape is None:
            return {}
        try:
            request = _lowered(request)
            params = rest_members(operation, shape, request)
        except UnicodeDecodeError:
            raise AwsError("InvalidURI", "Couldn't parse the specified URI.") from None
        except Malformed as wrong:
            raise AwsError("InvalidArgument", str(wrong)) from None
        places = rest.locations(shape)
        if places.payload is not None:
            name, member = places.payload
            if (value := self._payload(member, request.body, name in shape.required_members)) is not None:
                params[name] = value
        elif places.in_body and isinstance(request.body, bytes) and request.body:
            params |= self._xml(shape, request.body)
        return params

    def _payload(self, member: Shape, body: Any, required: bool) -> Any:
        if member.type_name == "blob" or not isinstance(body, bytes):
            return body
        if member.type_name == "string":
            return body.decode(errors="replace")
        if body:
            return self._xml(member, body)
        if required:
            raise AwsError("MissingRequestBodyError", "Request body is empty.")
        return None

    def _xml(self, shape: Shape, body: bytes) -> dict[str, Any]:
        try:
            return xml.read(shape, xml.root(body))
        except Malformed:
            raise AwsError("MalformedXML", MALFORMED, 400) from None

    def answer(self, operation: OperationModel, result: dict[str, Any], request_id: str) -> HttpResponse:
        shape = operation.output_shape
        answer = HttpResponse(operation.http.get("responseCode", 200), _ids(request_id))
        if shape is None:
            return answer
        places = rest.locations(shape)
        answer.headers |= rest.write_headers(places, result)
        if places.status is not None and result.get(places.status) is not None:
            answer.status = result[places.status]
        elif "content-range" in answer.headers:
            answer.status = 206
        if operation.http["method"] == "HEAD":
            return answer
        if operation.name == "GetBucketLocation":
            _write_location(answer, result.get("LocationConstraint"))
        elif places.payload is not None:
            _write_payload(answer, places.payload[1], result.get(places.payload[0]))
        elif places.in_body:
            root = ROOTS.get(operation.name) or shape.serialization.get("name") or _result_name(shape)
            out = [f'<{root} xmlns="{NAMESPACE}">']
            xml.write_members(out, shape, result)
            _write_xml(answer, [*out, f"</{root}>"])
        return answer

    def refuse(
        self, operation: OperationModel | None, error: AwsError, request_id: str, request: HttpRequest
    ) -> HttpResponse:
        status = error.status or STATUS.get(error.code) or error_status(self._model, error)
        answer = HttpResponse(status, _ids(request_id) | error.headers)
        said = dict(error.members)
        if operation is not None and operation.output_shape is not None:
            # What the answer would say in headers (x-amz-delete-marker), an error says there too.
            places = rest.locations(operation.output_shape)
            answer.headers |= rest.write_headers(places, said)
            said = {k: v for k, v in said.items() if k not in {name for name, _ in places.headers.values()}}
        if request.method != "HEAD" and status != 304:
            _write_xml(answer, self._error(error, said, request_id, request))
        return answer

    def _error(self, error: AwsError, members: dict[str, Any], request_id: str, request: HttpRequest) -> list[str]:
        out = [f"<Error><Code>{xml.escape(error.code)}</Code><Message>{xml.escape(error.message)}</Message>"]
        shape = error_shape(self._model, error.code)
        modelled = shape.members if shape is not None else {}
        for name, value in members.items():
            if name in modelled:
                xml.write(out, modelled[name], modelled[name].serialization.get("name", name), value)
            elif value is not None:
                out.append(f"<{name}>{xml.escape(str(value))}</{name}>")
        out.append(f"<Resource>{xml.escape(request.path)}</Resource>")
        out.append(f"<RequestId>{xml.escape(request_id)}</RequestId><HostId>{_host_id(request_id)}</HostId></Error>")
        return out


def _lowered(request: HttpRequest) -> HttpRequest:
    """A presigned URL may carry x-amz- headers in its query; they are headers all the same."""
    if "X-Amz-Signature=" not in request.query:
        return request
    query = rest.fields(request.query)
    hoisted = {name.lower(): values[0] for name, values in query.items() if name.lower().startswith("x-amz-")}
    return replace(request, headers=hoisted | request.headers)


def _result_name(shape: Shape) -> str:
    return shape.name.removesuffix("Output") + "Result" if shape.name.endswith("Output") else shape.name


def _host_id(request_id: str) -> str:
    return base64.b64encode(request_id.encode() * 2).decode()


def _ids(request_id: str) -> dict[str, str]:
    return {"x-amz-request-id": request_id, "x-amz-id-2": _host_id(request_id)}


def _write_xml(answer: HttpResponse, out: list[str]) -> None:
    answer.headers["content-type"] = "application/xml"
    answer.body = ('<?xml version="1.0" encoding="UTF-8"?>\n' + "".join(out)).encode()


def _write_location(answer: HttpResponse, region: str | None) -> None:
    """The whole answer is one element, empty for us-east-1; the model describes another."""
    text = xml.escape(region) if region else ""
    _write_xml(answer, [f'<LocationConstraint xmlns="{NAMESPACE}">{text}</LocationConstraint>'])


def _write_payload(answer: HttpResponse, member: Shape, value: Any) -> None:
    if member.serialization.get("eventstream"):
        answer.headers.setdefault("content-type", "application/vnd.amazon.eventstream")
    if value is None:
        return
    if member.type_name != "structure" or not isinstance(value, dict):
        answer.body = value.encode() if isinstance(value, str) else value
        return
    name, out = member.serialization.get("name", member.name), list[str]()
    xml.write(out, member, name, value)
    if "xmlNamespace" not in member.serialization:
        out[0] = f'<{name} xmlns="{NAMESPACE}">'
    _write_xml(answer, out)
