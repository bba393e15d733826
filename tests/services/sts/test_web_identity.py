"""Tokens of a real issuer on this machine, verified with the keys it publishes.

https://docs.aws.amazon.com/STS/latest/APIReference/API_AssumeRoleWithWebIdentity.html
"""

import base64
import hashlib
import json
import ssl
import threading
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import boto3
import pytest
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import ClientError
from conftest import connect
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from skylab.gateway.authority import Authority
from skylab.kernel import credentials

ACCOUNT = "000000000000"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/Deployer"
RSA_KEY = rsa.generate_private_key(65537, 2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())


def text(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def number(value):
    return text(value.to_bytes((value.bit_length() + 7) // 8))


def published():
    r, e = RSA_KEY.public_key().public_numbers(), EC_KEY.public_key().public_numbers()
    return [
        {"kty": "RSA", "kid": "r", "use": "sig", "alg": "RS256", "n": number(r.n), "e": number(r.e)},
        {"kty": "EC", "kid": "e", "crv": "P-256", "x": text(e.x.to_bytes(32)), "y": text(e.y.to_bytes(32))},
    ]


def token(claims, algorithm="RS256", key=None, kid=None):
    head = {"alg": algorithm, "typ": "JWT", "kid": kid or algorithm[0].lower()}
    signed = f"{text(json.dumps(head).encode())}.{text(json.dumps(claims).encode())}"
    if algorithm == "RS256":
        signature = (key or RSA_KEY).sign(signed.encode(), padding.PKCS1v15(), SHA256())
    elif algorithm == "ES256":
        r, s = decode_dss_signature((key or EC_KEY).sign(signed.encode(), ec.ECDSA(SHA256())))
        signature = r.to_bytes(32) + s.to_bytes(32)
    else:
        signature = b""
    return f"{signed}.{text(signature)}"


class Issuer(BaseHTTPRequestHandler):
    def do_GET(self):
        url = self.server.url
        answer = {
            "/.well-known/openid-configuration": {"issuer": url, "jwks_uri": f"{url}/keys"},
            "/keys": {"keys": published()},
        }.get(self.path)
        body = json.dumps(answer).encode()
        self.send_response(200 if answer else 404)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def serving(scheme="http", context=None):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Issuer)
    if context:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    server.url = f"{scheme}://127.0.0.1:{server.server_port}"
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


@pytest.fixture
def issuer():
    server = serving()
    yield server.url
    server.shutdown()
    server.server_close()


@pytest.fixture
def iam(cloud):
    return connect(cloud, "iam")


@pytest.fixture
def sts(cloud):
    """Without credentials: nobody signs."""
    client = boto3.client(
        "sts", "us-east-1", endpoint_url="http://127.0.0.1:4566", config=Config(signature_version=UNSIGNED)
    )
    client.meta.events.register("before-send", partial(cloud.transport.send, origin=None))
    return client


def trust(iam, url, thumbprints=(), **conditions):
    name = url.split("://")[1]
    arn = iam.create_open_id_connect_provider(
        Url=url, ClientIDList=["sts.amazonaws.com"], ThumbprintList=list(thumbprints)
    )["OpenIDConnectProviderArn"]
    statement = {
        "Effect": "Allow",
        "Principal": {"Federated": arn},
        "Action": ["sts:AssumeRoleWithWebIdentity", "sts:TagSession"],
        "Condition": {
            "StringLike": {f"{name}:sub": "repo:org/*"},
            "StringEquals": {f"{name}:aud": "sts.amazonaws.com"},
        },
    }
    iam.create_role(
        RoleName="Deployer", AssumeRolePolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    )
    return arn


def claims(cloud, url, **more):
    now = int(cloud.clock.now().timestamp())
    return {"iss": url, "sub": "repo:org/app", "aud": "sts.amazonaws.com", "iat": now, "exp": now + 600} | more


def assume(sts, text, **members):
    return sts.assume_role_with_web_identity(
        **{"RoleArn": ROLE, "RoleSessionName": "ci", "WebIdentityToken": text, **members}
    )


def refused(call, *args, **request):
    with pytest.raises(ClientError) as caught:
        call(*args, **request)
    return caught.value.response["Error"]["Code"]


@pytest.mark.parametrize("algorithm", ["RS256", "ES256"])
def test_a_token_of_the_issuer_is_a_session(cloud, iam, sts, issuer, algorithm):
    provider = trust(iam, issuer)
    answer = assume(sts, token(claims(cloud, issuer), algorithm))
    assert (answer["SubjectFromWebIdentityToken"], answer["Audience"]) == ("repo:org/app", "sts.amazonaws.com")
    assert answer["Provider"] == provider
    key = answer["Credentials"]
    who = cloud.transport.client(
        "sts", "us-east-1", key["AccessKeyId"], key["SecretAccessKey"], key["SessionToken"]
    ).get_caller_identity()
    assert who["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/Deployer/ci"


def test_tags_and_source_identity_of_the_token_are_the_sessions(cloud, iam, sts, issuer):
    trust(iam, issuer)
    tags = {"principal_tags": {"team": ["ml"]}, "transitive_tag_keys": ["team"]}
    answer = assume(sts, token(claims(cloud, issuer, **{"https://aws.amazon.com/tags": tags})))
    with cloud.store.reading() as tx:
        kept = credentials.find(tx, answer["Credentials"]["AccessKeyId"]).principal
    assert (kept["tags"], kept["transitive"]) == ({"team": "ml"}, ["team"])


def test_a_token_that_is_not_the_issuers_is_refused(cloud, iam, sts, issuer):
    trust(iam, issuer)
    good, now = claims(cloud, issuer), int(cloud.clock.now().timestamp())
    other = rsa.generate_private_key(65537, 2048)
    head, _, signature = token(good).split(".")
    forged = f"{head}.{text(json.dumps(good | {'sub': 'repo:org/x'}).encode())}.{signature}"
    for bad, code in (
        (token(good, key=other), "InvalidIdentityToken"),
        (forged, "InvalidIdentityToken"),
        (token(good, "none"), "InvalidIdentityToken"),
        (token(good, "HS256"), "InvalidIdentityToken"),
        (token(good, kid="e"), "InvalidIdentityToken"),
        (token(good, "ES256", kid="r"), "InvalidIdentityToken"),
        ("not-a-token", "InvalidIdentityToken"),
        (token(good | {"aud": "somebody"}), "InvalidIdentityToken"),
        (token(good | {"azp": "somebody"}), "InvalidIdentityToken"),
        (token(good | {"iss": issuer + "/other"}), "InvalidIdentityToken"),
        (token({m: v for m, v in good.items() if m != "exp"}), "InvalidIdentityToken"),
        (token(good | {"exp": now - 1}), "ExpiredTokenException"),
        (token(good | {"iat": now + 3600, "exp": now + 7200}), "InvalidIdentityToken"),
        (token(good | {"sub": "repo:evil/app"}), "AccessDenied"),
    ):
        assert refused(assume, sts, bad) == code
    assert refused(assume, sts, token(good), RoleArn=ROLE + "x") == "AccessDenied"
    assert refused(assume, sts, token(good), DurationSeconds=7200) == "ValidationError"


def test_an_issuer_that_does_not_answer_is_said_so(cloud, iam, sts):
    server = serving()
    url = server.url
    server.shutdown()
    server.server_close()
    trust(iam, url)
    assert refused(assume, sts, token(claims(cloud, url))) == "IDPCommunicationError"


@pytest.mark.parametrize("known", [True, False])
def test_a_certificate_that_nobody_vouches_for_needs_its_thumbprint(cloud, iam, sts, tmp_path, known):
    """https://docs.aws.amazon.com/IAM/latest/UserGuide/id_roles_providers_create_oidc_verify-thumbprint.html"""
    context = Authority(tmp_path / "ca", cloud.clock).context("issuer.amazonaws.com")
    server = serving("https", context)
    try:
        der = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(("127.0.0.1", server.server_port)))
        trust(iam, server.url, [hashlib.sha1(der).hexdigest() if known else "0" * 40])
        given = token(claims(cloud, server.url))
        if known:
            assert assume(sts, given)["Credentials"]
        else:
            assert refused(assume, sts, given) == "IDPCommunicationError"
    finally:
        server.shutdown()
        server.server_close()


def test_saml_is_refused_by_name(sts):
    assertion = base64.b64encode(b"<saml/>").decode()
    provider = f"arn:aws:iam::{ACCOUNT}:saml-provider/x"
    code = refused(sts.assume_role_with_saml, RoleArn=ROLE, PrincipalArn=provider, SAMLAssertion=assertion)
    assert code == "NotImplemented"
