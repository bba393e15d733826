"""Requests as botocore signs them, and what becomes of their proof."""

import hashlib
from dataclasses import replace
from urllib.parse import quote, urlsplit

import pytest
from botocore.auth import S3SigV4Auth, S3SigV4QueryAuth, SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from skylab.wire.errors import AwsError
from skylab.wire.http import HttpRequest
from skylab.wire.sigv4 import read, verify

SECRET = "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY"
HEADER_SIGNERS = [(SigV4Auth, "sagemaker"), (S3SigV4Auth, "s3")]
QUERY_SIGNERS = [(SigV4QueryAuth, "sts"), (S3SigV4QueryAuth, "s3")]


def as_received(signed):
    parts = urlsplit(signed.url)
    headers = {"host": parts.netloc} | {name.lower(): str(value) for name, value in signed.headers.items()}
    return HttpRequest(signed.method, parts.path, parts.query, headers, signed.data or b"")


def encoded(query):
    return "&".join(f"{quote(name, safe='-_.~')}={quote(value, safe='-_.~')}" for name, value in query.items())


def signed(signer, service, path="/", query=None, headers=None, body=b"", method="POST", token=None, **options):
    url = f"https://host.test:4566{path}" + (f"?{encoded(query)}" if query else "")
    request = AWSRequest(method, url, headers or {}, body)
    signer(Credentials("AKIDEXAMPLE", SECRET, token), service, "eu-west-1", **options).add_auth(request)
    return as_received(request)


def prove(request, secret=SECRET, now=None, **changes):
    signature = replace(read(request), **changes)
    return verify(request, signature, secret, now or signature.time, hashlib.sha256(request.body).hexdigest())


def refusal(action, *arguments, **options):
    with pytest.raises(AwsError) as raised:
        action(*arguments, **options)
    return raised.value
