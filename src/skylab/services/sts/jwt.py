"""Web identity tokens: JSON Web Tokens (RFC 7519) whose signatures are proved with the issuer's published keys."""

import base64
import json
from dataclasses import dataclass
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256, SHA384, SHA512

from skylab.wire.errors import AwsError

RSA = {"RS256": SHA256(), "RS384": SHA384(), "RS512": SHA512()}
ECC = {"ES256": (ec.SECP256R1(), SHA256()), "ES384": (ec.SECP384R1(), SHA384()), "ES512": (ec.SECP521R1(), SHA512())}
CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}


@dataclass(frozen=True)
class Token:
    """Read, not proved: see proved()."""

    algorithm: str
    key_id: str | None
    claims: dict[str, Any]
    signed: bytes
    signature: bytes


def read(text: str) -> Token:
    """Raises InvalidIdentityToken for what is no signed token."""
    try:
        head, body, signature = text.split(".")
        header, claims = json.loads(decoded(head)), json.loads(decoded(body))
        if not isinstance(header, dict) or not isinstance(claims, dict):
            raise ValueError(text)
        key_id = header.get("kid")
        token = Token(
            str(header["alg"]), str(key_id) if key_id else None, claims, f"{head}.{body}".encode(), decoded(signature)
        )
    except (ValueError, KeyError, RecursionError):
        raise invalid(
            "The ID Token provided is not a valid JWT. (You may see this error if you sent an Access Token)"
        ) from None
    if token.algorithm not in RSA and token.algorithm not in ECC:
        raise invalid(f"Signature algorithm {token.algorithm[:16]} is not supported.")
    return token


def proved(token: Token, keys: list[dict[str, Any]]) -> bool:
    """Whether one of the keys (RFC 7517) signed it; only those that its key id and algorithm mean are asked."""
    fitting = [key for key in keys if token.key_id is None or key.get("kid") == token.key_id]
    return any(_signed(token, key) for key in fitting if key.get("use", "sig") == "sig")


def _signed(token: Token, key: dict[str, Any]) -> bool:
    try:
        if token.algorithm in RSA and key.get("kty") == "RSA":
            _verify_rsa(token, key)
        elif token.algorithm in ECC and key.get("kty") == "EC" and key.get("crv") == CURVES[token.algorithm]:
            _verify_ecc(token, key)
        else:
            return False
    except (InvalidSignature, ValueError, KeyError, TypeError):
        return False
    return True


def _verify_rsa(token: Token, key: dict[str, Any]) -> None:
    public = rsa.RSAPublicNumbers(_number(key["e"]), _number(key["n"])).public_key()
    if public.key_size < 2048:
        raise ValueError("too short a key")
    public.verify(token.signature, token.signed, padding.PKCS1v15(), RSA[token.algorithm])


def _verify_ecc(token: Token, key: dict[str, Any]) -> None:
    curve, digest = ECC[token.algorithm]
    half = (curve.key_size + 7) // 8
    if len(token.signature) != 2 * half:
        raise ValueError("no signature of this curve")
    r, s = int.from_bytes(token.signature[:half]), int.from_bytes(token.signature[half:])
    public = ec.EllipticCurvePublicNumbers(_number(key["x"]), _number(key["y"]), curve).public_key()
    public.verify(encode_dss_signature(r, s), token.signed, ec.ECDSA(digest))


def _number(text: str) -> int:
    return int.from_bytes(decoded(text))


def decoded(text: str) -> bytes:
    """base64url without its padding. Raises ValueError."""
    return base64.b64decode(text + "=" * (-len(text) % 4), b"-_", validate=True)


def invalid(message: str) -> AwsError:
    return AwsError("InvalidIdentityToken", message)
