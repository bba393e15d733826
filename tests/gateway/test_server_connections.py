"""What comes over a connection to a server without an SDK, and what the connection is good for after it."""

import hashlib
import http.client
import os
import urllib.request
from contextlib import closing
from urllib.error import HTTPError
from urllib.parse import urlsplit

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from gateway.served import MB

from skylab.root import Root


def test_presigned_urls_need_no_sdk(root, s3, client):
    s3 = client(root, signature_version="s3v4")
    put = s3.generate_presigned_url("put_object", {"Bucket": "box", "Key": "by hand"})
    get = s3.generate_presigned_url("get_object", {"Bucket": "box", "Key": "by hand"})

    with urllib.request.urlopen(urllib.request.Request(put, b"typed", {"content-type": ""}, method="PUT")) as answer:
        assert answer.status == 200
    with urllib.request.urlopen(get) as answer:
        assert answer.read() == b"typed"
    with pytest.raises(HTTPError) as error:
        urllib.request.urlopen(get.replace("hand", "foot"))
    assert error.value.code == 403 and b"SignatureDoesNotMatch" in error.value.read()
    error.value.close()


@pytest.mark.parametrize(
    "domain", ["s3.us-east-1.amazonaws.com", "s3.amazonaws.com", "s3.dualstack.us-east-1.amazonaws.com"]
)
def test_a_bucket_may_be_named_by_the_host(root, s3, domain):
    """Signed for the virtual host, sent to our port."""
    s3.put_object(Bucket="box", Key="k", Body=b"by host")
    key, server = Root(root).credentials(), Root(root).running()
    away = boto3.client(
        "s3", region_name="us-east-1", endpoint_url=f"http://{domain}", aws_access_key_id=key.key,
        aws_secret_access_key=key.secret, aws_session_token=key.token,
        config=Config(signature_version="s3v4", s3={"addressing_style": "virtual"}),
    )  # fmt: skip
    parts = urlsplit(away.generate_presigned_url("get_object", {"Bucket": "box", "Key": "k"}))
    assert parts.netloc == f"box.{domain}"

    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.request("GET", f"{parts.path}?{parts.query}", headers={"Host": parts.netloc})

    assert connection.getresponse().read() == b"by host"
    connection.close()


def test_a_connection_goes_on_after_a_body_that_was_refused_unread(s3):
    """A client that waits for 100 Continue and hears the refusal instead sends no body: nothing may wait for one."""
    for _ in range(3):
        with pytest.raises(ClientError, match="NoSuchBucket"):
            s3.put_object(Bucket="no-such-bucket", Key="k", Body=b"x" * MB)
        assert s3.put_object(Bucket="box", Key="after", Body=b"fine")["ETag"]


def test_a_client_that_leaves_in_the_middle_of_its_body_changes_nothing(root, s3, client):
    server = Root(root).running()
    url = client(root, signature_version="s3v4").generate_presigned_url("put_object", {"Bucket": "box", "Key": "half"})
    parts = urlsplit(url)
    connection = http.client.HTTPConnection("127.0.0.1", server.port)
    connection.putrequest("PUT", f"{parts.path}?{parts.query}")
    connection.putheader("Content-Length", str(MB))
    connection.endheaders()
    connection.send(b"x" * 1000)
    connection.close()

    with pytest.raises(ClientError, match="NoSuchKey"):
        s3.get_object(Bucket="box", Key="half")
    assert "Traceback" not in (root / "skylab.log").read_text()


def test_a_browser_uploads_through_the_socket_and_leaves_the_connection_usable(root, client):
    """A form of 20 MiB, by the fields that boto3 makes; then another request on the same connection."""
    s3, host = client(root, signature_version="s3v4"), urlsplit(Root(root).running().url)
    s3.create_bucket(Bucket="forms")
    given = s3.generate_presigned_post(
        "forms", "k", {"success_action_status": "201"}, [{"success_action_status": "201"}]
    )
    parts = [f'--X\r\nContent-Disposition: form-data; name="{k}"\r\n\r\n{v}\r\n' for k, v in given["fields"].items()]
    head = "".join(parts) + '--X\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'
    content = os.urandom(20 * MB)
    body = head.encode() + content + b"\r\n--X--\r\n"
    connection = http.client.HTTPConnection(host.hostname, host.port, timeout=60)
    with closing(connection):
        connection.request("POST", "/forms", body, {"content-type": "multipart/form-data; boundary=X"})
        answer = connection.getresponse()
        assert (answer.status, b"<Bucket>forms</Bucket><Key>k</Key>" in answer.read()) == (201, True)
        connection.request(
            "OPTIONS", "/forms/k", headers={"origin": "http://a", "access-control-request-method": "GET"}
        )
        assert connection.getresponse().read().count(b"CORS is not enabled") == 1

    assert (
        hashlib.sha256(s3.get_object(Bucket="forms", Key="k")["Body"].read()).digest()
        == hashlib.sha256(content).digest()
    )
