"""Bytes that no client sends, on a real socket of the real server: each is refused, and the server answers the next."""

import gzip
import json
import os
import socket
import subprocess
import sys
from base64 import b64encode
from hashlib import md5
from pathlib import Path
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.auth import S3SigV4Auth, SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError

import skylab
from skylab.root import Root

SOURCE = str(Path(skylab.__file__).parents[1])
SLOW = 1.0  # seconds that the server under test waits for a slow caller


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    path = tmp_path_factory.mktemp("attacked") / "root"
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": SOURCE, "HOME": "/nonexistent", "SKYLAB_FALLBACK": "0"}
    environ |= {"SKYLAB_ROOT": str(path), "SKYLAB_SLOW_REQUEST_SECONDS": str(SLOW)}
    argv = [sys.executable, "-m", "skylab.cli"]
    up = subprocess.run(
        [*argv, "up", "--port", "0", "--detach"], env=environ, capture_output=True, text=True, timeout=60
    )
    assert up.returncode == 0, up.stderr
    yield path
    subprocess.run([*argv, "down"], env=environ, capture_output=True, timeout=60)


@pytest.fixture
def place(root):
    where = urlsplit(Root(root).running().url)
    yield where.hostname, where.port
    assert b" 200 " in raw((where.hostname, where.port), b"GET /_skylab/health HTTP/1.1\r\nhost: x\r\n\r\n")


@pytest.fixture
def s3(root):
    key = Root(root).credentials()
    client = boto3.client(
        "s3", endpoint_url=Root(root).running().url, region_name=key.region, aws_access_key_id=key.key,
        aws_secret_access_key=key.secret, aws_session_token=key.token,
        config=Config(retries={"total_max_attempts": 1}, s3={"addressing_style": "path"}, parameter_validation=False),
    )  # fmt: skip
    yield client
    client.close()


def raw(place, data, seconds=10.0):
    """All that comes back until the server closes, or has nothing more to say for half a second."""
    with socket.create_connection(place, seconds) as line:
        line.sendall(data)
        said = line.recv(65536)
        line.settimeout(0.5)
        try:
            while piece := line.recv(65536):
                said += piece
        except (TimeoutError, ConnectionResetError):  # reset: it has closed on what it did not read
            pass
        return said


def signed(root, method, path, body=b"", service="s3", **headers):
    """The bytes of a request that is signed as it should be, whatever it says."""
    key, where = Root(root).credentials(), urlsplit(Root(root).running().url)
    headers = {name.replace("_", "-"): value for name, value in headers.items()} | {"host": where.netloc}
    request = AWSRequest(method, f"http://{where.netloc}{path}", headers, body)
    kind = S3SigV4Auth if service == "s3" else SigV4Auth
    kind(Credentials(key.key, key.secret, key.token), service, key.region).add_auth(request)
    head = f"{method} {path} HTTP/1.1\r\n" + "".join(f"{n}: {v}\r\n" for n, v in request.headers.items())
    return f"{head}content-length: {len(body)}\r\n\r\n".encode("latin-1") + body


SMUGGLED = b"GET /_skylab/health HTTP/1.1\r\nhost: x\r\n\r\n"
POST = b"POST / HTTP/1.1\r\nhost: x\r\n"
AMBIGUOUS = {
    "content-length and transfer-encoding": POST + b"content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
    "transfer-encoding and content-length": POST + b"transfer-encoding: chunked\r\ncontent-length: 5\r\n\r\n0\r\n\r\n",
    "two content-lengths": POST + b"content-length: 0\r\ncontent-length: 44\r\n\r\n",
    "a list of content-lengths": POST + b"content-length: 0, 44\r\n\r\n",
    "a signed content-length": POST + b"content-length: +0\r\n\r\n",
    "a negative content-length": POST + b"content-length: -1\r\n\r\n",
    "a content-length without end": POST + b"content-length: " + b"9" * 40 + b"\r\n\r\n",
    "two transfer-encodings": POST + b"transfer-encoding: chunked, identity\r\n\r\n0\r\n\r\n",
    "a space before the colon": POST + b"content-length : 0\r\n\r\n",
    "a folded header": POST + b"x-a: b\r\n content-length: 44\r\ncontent-length: 0\r\n\r\n",
    "a bare line feed in a header": POST + b"x-a: b\ncontent-length: 44\r\ncontent-length: 0\r\n\r\n",
    "a bare carriage return": POST + b"x-a: b\rcontent-length: 44\r\ncontent-length: 0\r\n\r\n",
    "a NUL in a header": POST + b"x-a: b\0c\r\n\r\n",
    "a chunk size that is no number": POST + b"transfer-encoding: chunked\r\n\r\nzz\r\n\r\n",
    "a negative chunk size": POST + b"transfer-encoding: chunked\r\n\r\n-1\r\n\r\n",
    "a chunk size without end": POST + b"transfer-encoding: chunked\r\n\r\n" + b"f" * 40 + b"\r\n",
    "a chunk longer than its size": POST + b"transfer-encoding: chunked\r\n\r\n1\r\nabc\r\n0\r\n\r\n",
    "a path with a space": b"GET / HTTP/1.1 HTTP/1.1\r\nhost: x\r\n\r\n",
    "no HTTP": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
}


@pytest.mark.parametrize("data", AMBIGUOUS.values(), ids=AMBIGUOUS)
def test_what_can_be_read_in_two_ways_is_refused_and_what_follows_it_is_not_answered(place, data):
    said = raw(place, data + SMUGGLED)

    assert said.startswith(b"HTTP/1.1 400 ") and said.count(b"HTTP/1.1 ") == 1, said
    assert b" 200 " not in said


def test_a_head_without_end_is_refused(place):
    said = raw(place, b"GET / HTTP/1.1\r\nhost: x\r\n" + b"x-a: " + b"a" * 70_000)

    assert said.startswith(b"HTTP/1.1 431 ")


@pytest.mark.parametrize(
    "data", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nhost: x\r\nx-a: 1\r\n", POST + b"content-length: 9\r\n\r\n1"]
)
def test_a_caller_who_does_not_go_on_is_let_go(place, data):
    with socket.create_connection(place, 10) as line:
        line.sendall(data)
        said = line.recv(65536)

    assert said == b"" or said.startswith((b"HTTP/1.1 408 ", b"HTTP/1.1 40"))


def test_a_body_that_comes_in_good_time_is_not_cut_off_however_long_it_takes(root, place, s3):
    s3.create_bucket(Bucket="slow")
    data = signed(root, "PUT", "/slow/key", b"abcdef")
    with socket.create_connection(place, 10) as line:
        line.sendall(data[:-6])
        for n in range(6):
            line.settimeout(SLOW / 2)
            with pytest.raises(TimeoutError):
                line.recv(1)  # nothing yet: this is the pause between two pieces
            line.sendall(data[-6 + n :][:1])
        line.settimeout(10)
        assert b" 200 " in line.recv(65536)
    assert s3.get_object(Bucket="slow", Key="key")["Body"].read() == b"abcdef"


KEYS = [
    "../../state.db", "..", "../x", "a/../../../../etc/passwd", "/etc/passwd", "//", "%2e%2e/%2e%2e/root.key",
    "..%2f..%2froot.key", "a\\..\\b", "~/.aws/credentials", "con", "a" * 1024, "é" * 512, "a/" * 512,
    "\u202e", "nul\x7f", "a\tb", "a\nb", "a\r\nb", ".", "./x", "a//b", "a/./b",
]  # fmt: skip


def test_a_key_is_a_name_and_never_a_path(root, s3):
    """S3's keys are any UTF-8 of up to 1024 bytes: https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-keys.html"""
    s3.create_bucket(Bucket="keys")
    before = {path for path in root.parent.rglob("*") if "s3" not in path.relative_to(root.parent).parts}

    for number, key in enumerate(KEYS):
        s3.put_object(Bucket="keys", Key=key, Body=str(number).encode())
    for number, key in enumerate(KEYS):
        assert s3.get_object(Bucket="keys", Key=key)["Body"].read() == str(number).encode(), key

    listed = [o["Key"] for o in s3.list_objects_v2(Bucket="keys", EncodingType="url")["Contents"]]
    assert len(listed) == len(KEYS)
    after = {path for path in root.parent.rglob("*") if "s3" not in path.relative_to(root.parent).parts}
    assert {p for p in after - before if not p.name.endswith(("-wal", "-shm"))} == set()
    stored = [path.name for path in (root / "s3").rglob("*")]
    assert not [name for name in stored if name in KEYS or "passwd" in name or ".." in name]


@pytest.mark.parametrize("key", ["a" * 1025, "é" * 513, "a" * 20_000])
def test_a_key_that_is_too_long_is_refused(s3, key):
    with pytest.raises(ClientError) as refused:
        s3.put_object(Bucket="keys", Key=key, Body=b"x")

    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    assert refused.value.response["Error"]["Code"] == "KeyTooLongError"


@pytest.mark.parametrize(
    "path", ["/../../etc/passwd", "/keys/../../../etc/passwd", "/%2e%2e/x", "/keys/%00", "/..", "//etc/passwd"]
)
def test_a_path_on_the_wire_leads_to_no_file(root, place, path):
    said = raw(place, signed(root, "GET", path))

    assert said.startswith(b"HTTP/1.1 4") and b"root:" not in said


@pytest.mark.parametrize("bucket", ["..", ".", "a/b", "%2e%2e", "a..b", "-a", "x" * 64, "a%00b"])
def test_a_bucket_that_is_no_name_is_refused(root, place, bucket):
    said = raw(place, signed(root, "PUT", f"/{bucket}"))

    assert said.startswith(b"HTTP/1.1 4")


INJECTED = "a\r\nset-cookie: x=y\r\n\r\n<html>"


@pytest.mark.parametrize("member", ["ResponseContentDisposition", "ResponseContentType", "ResponseCacheControl"])
def test_an_override_of_a_header_cannot_become_two(root, place, s3, member):
    s3.create_bucket(Bucket="headers")
    s3.put_object(Bucket="headers", Key="k", Body=b"body")
    url = urlsplit(s3.generate_presigned_url("get_object", {"Bucket": "headers", "Key": "k", member: INJECTED}))

    said = raw(place, f"GET {url.path}?{url.query} HTTP/1.1\r\nhost: {url.netloc}\r\n\r\n".encode())

    head = said.partition(b"\r\n\r\n")[0].lower()
    assert b"\r\nset-cookie" not in head and b"<html>" not in said.partition(b"\r\n\r\n")[2]


def test_metadata_cannot_become_a_header_of_its_own(root, place, s3):
    s3.create_bucket(Bucket="metadata")
    raw(place, signed(root, "PUT", "/metadata/k", b"x", x_amz_meta_a="=?utf-8?q?a=0d=0aset-cookie:_x=3dy?="))

    said = raw(place, signed(root, "HEAD", "/metadata/k")).lower()

    assert b"\r\nset-cookie" not in said


@pytest.mark.parametrize("host", ["evil.example", "../../x", "[::1", "a.s3.amazonaws.com/../b", "x" * 5000, "", "a b"])
def test_a_host_that_is_not_ours_is_an_ordinary_refusal(place, host):
    said = raw(place, f"GET /k HTTP/1.1\r\nhost: {host}\r\n\r\n".encode())

    assert said.startswith(b"HTTP/1.1 4") and b"Traceback" not in said


def test_the_credentials_endpoint_answers_nobody_without_the_token_of_a_running_job(place):
    for path in (
        "/_skylab/credentials/x",
        "/_skylab/credentials/../health",
        "/_skylab/credentials/' or 1=1 --".replace(" ", "%20"),
    ):
        for headers in (b"", b"authorization: \r\n", b"authorization: null\r\n"):
            said = raw(place, f"GET {path} HTTP/1.1\r\nhost: 169.254.170.2\r\n".encode() + headers + b"\r\n")
            assert said.startswith((b"HTTP/1.1 403 ", b"HTTP/1.1 404 ")), said
            assert b"SecretAccessKey" not in said


def test_an_environment_of_requirements_is_made_for_nobody_without_the_token_of_a_running_job(root, place):
    for token in (b"", b"authorization: \r\n", b"authorization: null\r\n"):
        head = b"POST /_skylab/requirements/x HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\n" + token
        assert raw(place, head + b"\r\nnumpy").startswith(b"HTTP/1.1 403 ")
    long = b"POST /_skylab/requirements/x HTTP/1.1\r\nhost: x\r\ncontent-length: 70000\r\n\r\n" + b"#" * 70000
    assert raw(place, long).startswith(b"HTTP/1.1 413 ")
    assert not [path for name in ("ready", "drafts") for path in (root / "requirements" / name).iterdir()]


def test_a_body_that_says_it_is_compressed_is_not_unpacked(root, place):
    """A bomb of 100 MB in 100 KB is what it is: bytes that are no JSON."""
    bomb = gzip.compress(bytes(100 << 20))
    target = {"x_amz_target": "Logs_20140328.CreateLogGroup", "content_encoding": "gzip"}

    said = raw(place, signed(root, "POST", "/", bomb, "logs", content_type="application/x-amz-json-1.1", **target))

    assert said.startswith(b"HTTP/1.1 400 ") and json.loads(said.partition(b"\r\n\r\n")[2])["__type"]


@pytest.mark.parametrize(
    "body",
    [
        b'<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><Delete><Object><Key>&b;</Key></Object></Delete>',
        b'<!DOCTYPE a [<!ENTITY a "' + b"a" * 10 + b'"><!ENTITY b "' + b"&a;" * 10 + b'">]><Delete>&b;</Delete>',
        b'<!DOCTYPE a SYSTEM "http://127.0.0.1:1/x.dtd"><Delete/>',
        b'<?xml version="1.0" encoding="utf-7"?><Delete/>',
        b"<a>" * 100_000,
    ],
    ids=["external entity", "entity expansion", "external DTD", "strange encoding", "deep"],
)
def test_xml_that_expands_or_reaches_out_is_malformed(root, place, s3, body):
    s3.create_bucket(Bucket="xml")
    said = raw(place, signed(root, "POST", "/xml?delete=", body, content_md5=b64encode(md5(body).digest()).decode()))

    assert said.startswith(b"HTTP/1.1 400 ") and b"<Code>MalformedXML</Code>" in said and b"root:" not in said
