"""A certificate authority of this folder alone, for programs that are told to trust it.

It vouches for this machine as itself sees it (localhost) and for *.amazonaws.com, and its certificate is constrained to
these, so that a stolen key signs nothing else that anybody would believe.
"""

import ipaddress
import os
import re
import ssl
import tempfile
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from skylab.kernel.clock import Clock

DOMAIN = "amazonaws.com"
HOST = re.compile(rf"(?=.{{1,253}}$)([a-z0-9_]([a-z0-9_-]{{0,61}}[a-z0-9_])?\.)+{re.escape(DOMAIN)}")
LOCAL = [x509.DNSName("localhost")] + [x509.IPAddress(ipaddress.ip_address(ip)) for ip in ("127.0.0.1", "::1")]
PERMITTED = x509.NameConstraints(
    [x509.DNSName(DOMAIN), x509.DNSName("localhost")]
    + [x509.IPAddress(ipaddress.ip_network(network)) for network in ("127.0.0.0/8", "::1/128")],
    None,
)
CONTEXTS = 512  # TLS contexts kept in memory: one per host name that was asked for
SKEW = timedelta(days=1)
CA_LIFE, LEAF_LIFE, CA_RENEWAL = timedelta(days=3650), timedelta(days=397), timedelta(days=400)


class Authority:
    """Keeps ca.key (0600) and ca.pem in its folder, made on first use and renewed before the end of its life."""

    def __init__(self, folder: Path, clock: Clock) -> None:
        self.folder, self.clock = folder, clock
        self.certificate_path = folder / "ca.pem"
        self._contexts: dict[str, ssl.SSLContext] = {}
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._key, self._certificate = self._load() or self._make()
        self._leaf_key = ec.generate_private_key(ec.SECP256R1())

    def vouches(self, host: str) -> bool:
        return HOST.fullmatch(host.lower()) is not None

    def context(self, host: str) -> ssl.SSLContext:
        """A server's TLS context for one host of DOMAIN; raises ValueError for any other."""
        if not self.vouches(host):
            raise ValueError(host)
        host = host.lower()
        if host not in self._contexts:
            if len(self._contexts) >= CONTEXTS:
                self._contexts.pop(next(iter(self._contexts)))
            self._contexts[host] = self._context([x509.DNSName(host)])
        return self._contexts[host]

    def local(self) -> ssl.SSLContext:
        """A server's TLS context for this machine; a client that asks for a host of DOMAIN gets that one's."""
        context = self._context(LOCAL)

        def chosen(connection: ssl.SSLObject, name: str | None, _: ssl.SSLContext) -> None:
            if name and self.vouches(name):
                connection.context = self.context(name)

        context.sni_callback = chosen
        return context

    def _context(self, names: list[Any]) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        # OpenSSL's context reads files only: the leaf lies on disk, unreadable to others, just for this.
        descriptor, name = tempfile.mkstemp(dir=self.folder, suffix=".leaf")
        with os.fdopen(descriptor, "wb") as file:
            file.write(_pem(self._leaf_key) + self._leaf(names).public_bytes(serialization.Encoding.PEM))
        try:
            context.load_cert_chain(name)
        finally:
            os.unlink(name)
        return context

    def _leaf(self, names: list[Any]) -> x509.Certificate:
        now, key = self.clock.now(), self._leaf_key.public_key()
        return (
            _certificate("Skylab", self._certificate.subject, key, now, LEAF_LIFE)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(_issuer(self._key.public_key()), critical=False)
            .sign(self._key, hashes.SHA256())
        )

    def _load(self) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate] | None:
        try:
            key = serialization.load_pem_private_key((self.folder / "ca.key").read_bytes(), None)
            certificate = x509.load_pem_x509_certificate(self.certificate_path.read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        fresh = certificate.not_valid_after_utc - self.clock.now() > CA_RENEWAL
        fits = isinstance(key, ec.EllipticCurvePrivateKey) and key.public_key() == certificate.public_key()
        bound = fits and PERMITTED in [extension.value for extension in certificate.extensions]
        return (key, certificate) if fresh and bound else None  # type: ignore[return-value]  # "fits" is the proof

    def _make(self) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
        key = ec.generate_private_key(ec.SECP256R1())
        name = "Skylab local authority"
        certificate = (
            _certificate(name, _name(name), key.public_key(), self.clock.now(), CA_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(PERMITTED, critical=True)
            .add_extension(_issuer(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        _write(self.folder / "ca.key", _pem(key))
        _write(self.certificate_path, certificate.public_bytes(serialization.Encoding.PEM))
        return key, certificate


def _certificate(
    name: str, issuer: x509.Name, key: ec.EllipticCurvePublicKey, now: datetime, life: timedelta
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(name))
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _issuer(key: ec.EllipticCurvePublicKey) -> x509.AuthorityKeyIdentifier:
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key)


def _usage(signs_certificates: bool) -> x509.KeyUsage:
    unused = dict.fromkeys(
        ("content_commitment", "key_encipherment", "data_encipherment", "key_agreement"), False
    ) | dict.fromkeys(("encipher_only", "decipher_only"), False)
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        **unused,
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def _write(path: Path, content: bytes) -> None:
    draft = path.with_suffix(".draft")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(content)
    draft.replace(path)
