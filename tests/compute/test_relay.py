"""A network of a program's own, and the ways in and out of it."""

import http.client
import http.server
import socket
import threading

import pytest

from compute.programs import python, run, until
from skylab.compute.processes import Exposed

SERVER = """
import http.server, sys, urllib.request
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        try:
            text = urllib.request.urlopen(f"http://127.0.0.1:{sys.argv[2]}/").read() if int(sys.argv[2]) else b""
        except OSError as error:
            text = str(error).encode()
        self.send_response(200); self.end_headers(); self.wfile.write(sys.argv[1].encode() + b" " + text)
http.server.HTTPServer(("0.0.0.0", 8080), Handler).serve_forever()
"""


@pytest.fixture
def outside():
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"from outside")

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join()


def asked(path):
    """What the program behind a Unix socket answers; None: nobody yet."""
    try:
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(str(path))
            link.sendall(b"GET / HTTP/1.0\r\n\r\n")
            answer = http.client.HTTPResponse(link)
            answer.begin()
            return answer.read().decode()
    except OSError:
        return None
    except http.client.HTTPException:
        return None


def exposed(tmp_path, name, doors=()):
    (tmp_path / name).mkdir()
    path = str(tmp_path / name / "s")
    return path, {"exposed": Exposed(path, doors=list(doors)), "writes": [str(tmp_path / name)]}


def test_two_servers_have_the_same_port_and_reach_the_doors_that_they_have(sandboxed, tmp_path, outside):
    for name, doors in (("a", [outside]), ("b", [])):
        path, more = exposed(tmp_path, name, doors)
        sandboxed.start(name, python(SERVER, name, str(outside), **more))

    assert until(lambda: asked(tmp_path / "a" / "s")) == "a from outside"
    assert "refused" in until(lambda: asked(tmp_path / "b" / "s"))


def test_who_asks_before_the_server_listens_sees_the_connection_close(sandboxed, tmp_path):
    path, more = exposed(tmp_path, "a")
    sandboxed.start("a", python("import time; print('ready', flush=True); time.sleep(60)", **more))
    until(lambda: (tmp_path / "a" / "s").exists())

    assert asked(path) is None


def test_its_end_is_the_end_of_the_ways(sandboxed, tmp_path, outside):
    _, more = exposed(tmp_path, "a", [outside])

    ending, _ = run(sandboxed, python("print('over')", **more))

    assert ending.ok
    until(lambda: not sandboxed.alive("run"))
