"""The CONNECT proxy with real sockets and real TLS; what stands behind it is a protocol that says what it was told."""

import asyncio
import socket
import ssl
from datetime import timedelta

import pytest

from skylab.gateway.authority import LEAF_LIFE, Authority
from skylab.gateway.proxy import Proxy
from skylab.kernel.clock import SystemClock, TestClock


class Parrot(asyncio.Protocol):
    """Repeats what it hears, with the word tls before it when the connection was encrypted."""

    def connection_made(self, transport):
        self.transport = transport

    def data_received(self, data):
        self.transport.write((b"tls " if self.transport.get_extra_info("sslcontext") else b"") + data)


class Anywhere(Proxy):
    async def address(self, host):
        return "127.0.0.1"


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"), SystemClock())


def talk(authority, act, kind=Proxy, **given):
    """Runs act(port of the proxy) against a proxy of this kind."""

    async def all():
        listening = socket.create_server(("127.0.0.1", 0))
        proxy = kind(authority, Parrot, **given)
        await proxy.start(listening)
        try:
            return await asyncio.wait_for(act(listening.getsockname()[1]), 10)
        finally:
            await proxy.stop()

    return asyncio.run(all())


async def said(port, sent):
    """All that the proxy answers to these bytes, until it closes."""
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(sent)
    answer = await reader.read()
    await closed(writer)
    return answer.decode()


async def closed(writer):
    writer.close()
    try:
        await writer.wait_closed()
    except OSError:
        pass  # the other side was first


async def connect(port, host, authority=None):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"CONNECT {host} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode())
    assert b" 200 " in await reader.readuntil(b"\r\n\r\n")
    if authority:
        context = ssl.create_default_context(cafile=str(authority.certificate_path))
        await writer.start_tls(context, server_hostname=host.partition(":")[0])
    return reader, writer


def test_an_aws_host_is_decrypted_with_a_certificate_that_the_authority_vouches_for(authority):
    async def act(port):
        reader, writer = await connect(port, "models.s3.us-east-1.amazonaws.com:443", authority)
        for word in (b"one", b"two"):  # one connection carries many requests
            writer.write(word)
            assert await reader.readexactly(7) == b"tls " + word
        await closed(writer)

    talk(authority, act)


def test_a_tunnel_carries_megabytes_both_ways_and_passes_the_end_on(authority):
    far_end = socket.create_server(("127.0.0.1", 0))

    async def act(port):
        far = await asyncio.get_running_loop().create_server(Parrot, sock=far_end)
        reader, writer = await connect(port, f"pypi.org:{far_end.getsockname()[1]}")
        writer.write(b"x" * 2**22)
        assert await reader.readexactly(2**22) == b"x" * 2**22
        writer.write_eof()
        assert await reader.read() == b""
        await closed(writer)
        far.close()

    talk(authority, act, Anywhere, port=far_end.getsockname()[1])


@pytest.mark.parametrize(
    "line, status",
    [
        ("GET http://example.com/ HTTP/1.1", 405),
        ("CONNECT example.com:22 HTTP/1.1", 403),
        ("CONNECT sts.amazonaws.com:80 HTTP/1.1", 403),
        ("CONNECT localhost:443 HTTP/1.1", 403),
        ("CONNECT 127.0.0.1:443 HTTP/1.1", 403),
        ("CONNECT [::ffff:127.0.0.1]:443 HTTP/1.1", 403),
        ("CONNECT 0.0.0.0:443 HTTP/1.1", 403),
        ("CONNECT 169.254.169.254:443 HTTP/1.1", 403),
        ("CONNECT a b:443 HTTP/1.1", 400),
        ("CONNECT example.com HTTP/1.1", 400),
        ("CONNECT nowhere.invalid:443 HTTP/1.1", 502),
        ("X" * 20000, 431),
    ],
)
def test_what_is_not_https_to_the_outside_is_refused(authority, line, status):
    answer = talk(authority, lambda port: said(port, f"{line}\r\n\r\n".encode()))
    assert answer.startswith(f"HTTP/1.1 {status} ")
    assert answer.endswith(".\n")


def test_a_name_that_leads_back_to_this_machine_is_refused(authority):
    async def rebound(host):
        return ["127.0.0.1"]

    answer = talk(authority, lambda port: said(port, b"CONNECT evil.example:443 HTTP/1.1\r\n\r\n"), resolve=rebound)
    assert "evil.example is this machine" in answer


def test_bytes_sent_before_the_answer_are_refused(authority):
    early = b"CONNECT sts.amazonaws.com:443 HTTP/1.1\r\n\r\nGET / HTTP/1.1\r\n"
    assert talk(authority, lambda port: said(port, early)).startswith("HTTP/1.1 400 ")


def test_a_failed_handshake_closes_its_own_connection_and_no_other(authority):
    async def act(port):
        reader, writer = await connect(port, "sts.amazonaws.com:443")
        writer.write(b"this is not TLS" * 10)
        assert b"tls" not in await reader.read()  # an alert, or nothing
        await closed(writer)
        reader, writer = await connect(port, "sts.amazonaws.com:443", authority)
        writer.write(b"x")
        assert await reader.readexactly(5) == b"tls x"
        await closed(writer)

    talk(authority, act)


def test_the_authority_speaks_for_aws_only_and_keeps_its_key_to_itself(authority):
    for host in ("example.com", "amazonaws.com.evil.example", "evil-amazonaws.com", "a..amazonaws.com", ""):
        with pytest.raises(ValueError):
            authority.context(host)
    files = {path.name: path.stat().st_mode & 0o777 for path in authority.folder.iterdir()}
    assert files == {"ca.key": 0o600, "ca.pem": 0o600}


def test_the_authority_stays_the_same_until_it_is_about_to_expire(tmp_path):
    clock = TestClock()
    first = Authority(tmp_path, clock).certificate_path.read_bytes()
    assert Authority(tmp_path, clock).certificate_path.read_bytes() == first
    clock.advance(days=3650 - 300)
    assert Authority(tmp_path, clock).certificate_path.read_bytes() != first
    assert timedelta(days=398) > LEAF_LIFE  # what browsers and Apple's TLS accept at most


def test_half_an_authority_is_made_anew(tmp_path):
    Authority(tmp_path, SystemClock())
    (tmp_path / "ca.key").write_text("torn")
    assert Authority(tmp_path, SystemClock()).context("sts.amazonaws.com")
