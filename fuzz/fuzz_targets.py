"""What strangers' bytes are parsed by, each as one function of bytes that raises only what is a bug.

A target takes any bytes; what the parser may raise (AwsError, Malformed, Refused) is its contract and is passed over.
SEEDS are inputs that are right, for a fuzzer to start from.
"""

import asyncio
import gzip
import io
import json
import tarfile
import tempfile
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

from skylab.images import archive
from skylab.policy import document
from skylab.wire import canonical, chunked, sigv4, xml
from skylab.wire.errors import AwsError
from skylab.wire.http import HttpRequest
from skylab.wire.model import service_model
from skylab.wire.values import Malformed

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
SCOPE = "AKIAEXAMPLE/20260102/us-east-1/s3/aws4_request"
SIGNED = "SignedHeaders=host;x-amz-date, Signature=" + "0" * 64


def request(data: bytes) -> HttpRequest:
    """A request out of bytes: its first line is method, path and query, then headers, then the body."""
    head, _, body = data.partition(b"\n\n")
    first, *lines = head.decode("latin-1").split("\n")
    method, _, target = first.partition(" ")
    path, _, query = target.partition("?")
    headers = dict((line.partition(":")[0].strip().lower(), line.partition(":")[2].strip()) for line in lines)
    return HttpRequest(method=method, path=path, query=query, headers=headers, body=body)


def signatures(data: bytes) -> None:
    asked = request(data)
    try:
        if signature := sigv4.read(asked):
            sigv4.verify(asked, signature, "secret", NOW, None)
            raise AssertionError("a signature was guessed")
    except AwsError as refused:
        assert 400 <= (refused.status or 400) < 600


def canonicals(data: bytes) -> None:
    """The canonical form is one function of the request: the same twice, whatever it is."""
    asked = request(data)
    signed = tuple(sorted(asked.headers))
    for s3 in (True, False):
        assert canonical.canonical_request(asked, signed, "x", s3) == canonical.canonical_request(
            asked, signed, "x", s3
        )


def chunks(data: bytes) -> None:
    """No more bytes come out than the request has promised."""
    length = data[:1][0] * 64 if data else 0
    headers = {"x-amz-content-sha256": sigv4.STREAMING_UNSIGNED, "x-amz-decoded-content-length": str(length)}
    asked = HttpRequest(method="PUT", path="/b/k", query="", headers=headers, body=b"")

    async def read() -> None:
        seen = 0
        async for piece in chunked.verified(data[1:], asked, None):
            seen += len(piece)
            assert seen <= length
        assert seen == length

    try:
        asyncio.run(read())
    except AwsError:
        pass


def documents(data: bytes) -> None:
    """XML as an input of S3, whatever the shape it is read by."""
    shapes = service_model("s3")
    try:
        element = xml.root(data)
        for name in ("Delete", "CompletedMultipartUpload", "Tagging", "LifecycleConfiguration", "CORSConfiguration"):
            try:
                xml.read(shapes.shape_for(name), element)
            except Malformed:
                pass
    except Malformed:
        pass


def archives(data: bytes) -> None:
    """Nothing is written outside the folder, and nothing in it is a device or leads out."""
    with tempfile.TemporaryDirectory() as top:
        path, folder = Path(top, "a.tar.gz"), Path(top, "folder")
        path.write_bytes(gzip.compress(data, 1))
        folder.mkdir()
        try:
            archive.unpack(path, folder)
        except archive.Refused:
            pass
        assert sorted(p.name for p in Path(top).iterdir()) == ["a.tar.gz", "folder"]
        for found in folder.rglob("*"):
            assert found.resolve().is_relative_to(folder.resolve()), found
            assert found.is_symlink() or found.is_file() or found.is_dir(), found


def policies(data: bytes) -> None:
    """A policy is read or Malformed, and what is read is a policy again."""
    try:
        text = data.decode()
        document.parse(document.parse(text).text)
    except (document.Malformed, UnicodeDecodeError):
        pass


def _tar() -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w") as tar:
        for name, kind in (("d", tarfile.DIRTYPE), ("d/f", tarfile.REGTYPE), ("d/l", tarfile.SYMTYPE)):
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.size = kind, "f", 3 * (kind == tarfile.REGTYPE)
            tar.addfile(info, io.BytesIO(b"abc"))
    return out.getvalue()[:3072]


HEADER = "GET /a%20b/../c?x=1&y= \nhost: h\nx-amz-date: 20260102T030405Z\nauthorization: "
HEADER += f"AWS4-HMAC-SHA256 Credential={SCOPE}, "
PRESIGNED = f"GET /b/k?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential={SCOPE.replace('/', '%2F')}&X-Amz-Date="
STATEMENT = {
    "Effect": "Allow", "Action": ["s3:Get*"], "Resource": "arn:aws:s3:::b/${aws:username}/*",
    "Condition": {"StringLike": {"s3:prefix": ["a*", "b"]}, "Bool": {"aws:SecureTransport": "true"}},
}  # fmt: skip
TARGETS: dict[str, Callable[[bytes], None]] = {
    each.__name__: each for each in (signatures, canonicals, chunks, documents, archives, policies)
}
SEEDS: dict[str, list[bytes]] = {
    "signatures": [
        (HEADER + SIGNED).encode(),
        (PRESIGNED + "20260102T030405Z&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Signature=" + "0" * 64).encode()
        + b"\nhost: h",
    ],
    "canonicals": [(HEADER + SIGNED).encode()],
    "chunks": [b"\x01" + b"40\r\n" + b"x" * 64 + b"\r\n0\r\n\r\n", b"\x000\r\n\r\n"],
    "documents": [
        b"<Delete><Object><Key>a</Key></Object><Quiet>true</Quiet></Delete>",
        b'<?xml version="1.0"?><Tagging xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><TagSet><Tag><Key>k</Key>'
        b"<Value>v</Value></Tag></TagSet></Tagging>",
    ],
    "archives": [_tar()],
    "policies": [json.dumps({"Version": "2012-10-17", "Statement": [STATEMENT]}).encode()],
}
