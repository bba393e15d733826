"""Serving through the real socket: a process that listens, http.client over AF_UNIX."""

import http.client
import json
import signal
import socket
import subprocess
import sys
import threading
import time

import numpy
import pytest

from .conftest import table
from .serving import ECHO, Unix, boosted, failing, lines, script, serving, until


def test_ping_answers_and_invocations_go_through_the_users_functions(job):
    script(job, ECHO)
    with serving(job) as caller:
        assert caller.ask("GET", "/ping")[:2] == (200, b"")
        assert caller.ask("HEAD", "/ping")[:2] == (200, b"")
        status, body, answer = caller.ask(body=b"hello", content_type="text/plain", accept="text/plain")

        assert (status, body) == (200, b"hello")
        assert answer.headers["content-type"] == "text/plain"
        assert caller.ask("GET", "/nowhere")[0] == 404
        assert caller.ask("GET", "/invocations")[0] == 405


def test_a_connection_lives_on_and_takes_chunked_bodies_and_expectations(job):
    script(job, ECHO)
    with serving(job) as caller:
        first = caller.ask(body=b"1", content_type="text/plain")
        socket_before = caller.sock
        caller.request(
            "POST", "/invocations", iter([b"ab", b"cd"]), {"Content-Type": "text/plain"}, encode_chunked=True
        )
        assert caller.getresponse().read() == b"abcd"
        assert first[1] == b"1" and caller.sock is socket_before
        raw = caller.sock
        raw.sendall(b"POST /invocations HTTP/1.1\r\ncontent-type: text/plain\r\nexpect: 100-continue\r\n")
        raw.sendall(b"content-length: 2\r\n\r\n")
        assert raw.recv(100) == b"HTTP/1.1 100 Continue\r\n\r\n"
        raw.sendall(b"xy")
        assert raw.recv(1000).endswith(b"\r\n\r\nxy")


def test_requests_sent_without_waiting_are_answered_in_order(job):
    script(job, ECHO)
    with serving(job, SAGEMAKER_MODEL_SERVER_WORKERS="3") as caller:
        caller.connect()
        each = b"POST /invocations HTTP/1.1\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\n"
        caller.sock.sendall(b"".join(each + b"%02d" % number for number in range(20)))
        said = b""
        while said.count(b"\r\n\r\n") < 20 or not said.endswith(b"19"):
            said += caller.sock.recv(65536)

        assert [part[:2] for part in said.split(b"\r\n\r\n")[1:]] == [b"%02d" % number for number in range(20)]


def test_ping_answers_during_a_long_prediction(job):
    script(job, ECHO.replace("return data", "import time; time.sleep(1.5); return data"))
    with serving(job) as caller:
        other = Unix(caller.path)
        asking = threading.Thread(target=other.ask, kwargs={"body": b"1", "content_type": "text/plain"})
        asking.start()
        before = time.monotonic()
        assert caller.ask("GET", "/ping")[0] == 200
        took = time.monotonic() - before
        alive = asking.is_alive()
        asking.join()
        other.close()

        assert alive and took < 1


def test_what_runs_is_finished_before_a_stop(job):
    script(job, ECHO.replace("return data", "import time; print('began', flush=True); time.sleep(0.5); return data"))
    with serving(job) as caller:
        caller.request("POST", "/invocations", b"last", {"Content-Type": "text/plain"})
        assert caller.process.stdout.readline() == "began\n"
        caller.process.send_signal(signal.SIGTERM)

        assert caller.getresponse().read() == b"last"
        assert caller.process.wait(10) == 0


@pytest.mark.parametrize(
    "line, headers, status, text",
    [
        ("", {"content_type": "application/xml"}, 415, "Content type application/xml is not supported"),
        ("", {"content_type": "application/json", "accept": "image/png"}, 406, "Accept image/png is not supported"),
        ("", {"content_type": "application/json", "body": b"{"}, 400, "The payload is not"),
        ("raise RuntimeError('no')", {"content_type": "application/json"}, 500, "RuntimeError: no"),
    ],
)
def test_failures_have_the_toolkits_statuses_and_a_reason(job, line, headers, status, text):
    script(job, f"def model_fn(d):\n    return 1\ndef predict_fn(data, model):\n    {line or 'return data'}\n")
    with serving(job) as caller:
        answer = caller.ask(**{"body": b"[[1.5, 2]]"} | headers)

        assert answer[0] == status and text in answer[1].decode()
        assert caller.ask("GET", "/ping")[0] == 200


def test_defaults_read_and_write_json_csv_and_npy(job):
    import io

    script(job, "def model_fn(d):\n    return 2\ndef predict_fn(data, model):\n    return data * model\n")
    with serving(job) as caller:
        status, body, _ = caller.ask(body=b"[[1.5, 2]]", content_type="application/json")
        assert (status, json.loads(body)) == (200, [[3.0, 4.0]])
        assert caller.ask(body=b"1.5,2\n3,4", content_type="text/csv", accept="text/csv")[1] == b"3.0,4.0\n6.0,8.0\n"
        packed = io.BytesIO()
        numpy.save(packed, numpy.ones((2, 2)))
        answer = caller.ask(body=packed.getvalue(), content_type="application/x-npy", accept="application/x-npy")
        assert numpy.load(io.BytesIO(answer[1])).tolist() == [[2, 2], [2, 2]]
        assert caller.ask(body=b"a,b", content_type="text/csv")[0] == 400


def test_a_function_that_takes_the_context_gets_it_and_custom_attributes_come_back(job):
    script(
        job,
        "def model_fn(model_dir, context):\n    return context.system_properties['model_dir']\n"
        "def transform_fn(model, body, content_type, accept, context):\n"
        "    seen = context.get_request_header(0, 'X-Amzn-SageMaker-Custom-Attributes')\n"
        "    context.set_response_header(0, 'x-seen', seen)\n"
        "    return body.upper(), 'text/loud'\n",
    )
    with serving(job) as caller:
        _, body, answer = caller.ask(
            body=b"hey", content_type="text/plain", **{"X_Amzn_SageMaker_Custom_Attributes": "tenant=7"}
        )

        assert body == b"HEY" and answer.headers["content-type"] == "text/loud"
        assert answer.headers["x-seen"] == "tenant=7"
        assert answer.headers["x-amzn-sagemaker-custom-attributes"] == "tenant=7"


def test_a_generator_is_streamed_as_it_comes(job):
    script(
        job,
        "import time\ndef model_fn(d):\n    return 1\n"
        "def transform_fn(model, body, content_type, accept):\n"
        "    def pieces():\n        for n in range(3):\n"
        "            yield f'piece {n}\\n'\n            time.sleep(0.3)\n"
        "    return pieces()\n",
    )
    with serving(job) as caller:
        before = time.monotonic()
        caller.request("POST", "/invocations", b"x", {"Content-Type": "text/plain"})
        answer = caller.getresponse()
        first = answer.readline()
        waited = time.monotonic() - before
        rest = answer.read()

        assert answer.headers["transfer-encoding"] == "chunked"
        assert first == b"piece 0\n" and waited < 0.3
        assert rest == b"piece 1\npiece 2\n"
        assert caller.ask("GET", "/ping")[0] == 200


def test_a_stream_that_fails_is_cut_not_ended(job):
    script(
        job,
        "def model_fn(d):\n    return 1\n"
        "def transform_fn(model, body, content_type, accept):\n"
        "    def pieces():\n        yield b'one'\n        raise RuntimeError('lost')\n"
        "    return pieces()\n",
    )
    with serving(job) as caller:
        with pytest.raises((http.client.IncompleteRead, ConnectionError)):
            caller.ask(body=b"x", content_type="text/plain")


@pytest.mark.parametrize(
    "text, said",
    [
        ("x = 1\n", "has no model_fn"),
        ("def model_fn(d):\n    raise KeyError('weights')\n", "KeyError: 'weights'"),
        (
            "def model_fn(d): pass\ndef transform_fn(m, b, c, a): pass\ndef input_fn(b, c): pass\n",
            "Cannot use transform_fn",
        ),
    ],
)
def test_a_model_that_does_not_load_ends_the_server_with_its_reason(job, text, said):
    script(job, text)

    code, log = failing(job)

    assert code == 1 and said in log
    assert not (job.base.parent / "s").exists()


def test_a_missing_script_is_named(job):
    code, log = failing(job)

    assert code == 1 and "inference.py is not in" in log


def test_a_body_over_the_limit_is_413(job):
    script(job, ECHO)
    with serving(job, MAX_CONTENT_LENGTH="10") as caller:
        assert caller.ask(body=b"x" * 11, content_type="text/plain")[0] == 413
        caller.close()
        assert caller.ask(body=b"x" * 10, content_type="text/plain")[0] == 200


def test_a_port_is_listened_on_without_a_socket_path(job):
    script(job, ECHO)
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "skylab.images.serve", "sklearn"],
        env=job.environment | {"SAGEMAKER_BIND_TO_PORT": str(port)},
    )

    def ping():
        caller = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
        try:
            caller.request("GET", "/ping")
            return caller.getresponse().status == 200
        except ConnectionError:
            return False
        finally:
            caller.close()

    try:
        assert until(ping)
    finally:
        process.kill()
        process.wait()


def test_a_script_that_exits_does_not_take_the_server_along(job):
    script(job, "import sys\ndef model_fn(d):\n    return 1\ndef predict_fn(data, model):\n    sys.exit(3)\n")
    with serving(job) as caller:
        assert caller.ask(body=b"[1]", content_type="application/json")[0] == 500
        assert caller.ask(body=b"[1]", content_type="application/json")[0] == 500


def test_a_script_that_is_named_but_missing_is_never_replaced(job):
    boosted(job)

    code, log = failing(job, "xgboost", SAGEMAKER_PROGRAM="mine.py")

    assert code == 1 and "mine.py is not in" in log


def test_a_scikit_learn_model_is_served_by_its_script_with_its_requirements(job):
    import joblib
    from sklearn.linear_model import LogisticRegression

    from .test_scriptmode import package

    rows = table()
    model = LogisticRegression().fit(rows[:, 1:], rows[:, 0])
    package(job)
    script(
        job,
        "import joblib, os, tinypackage\n"
        "def model_fn(model_dir):\n    return joblib.load(os.path.join(model_dir, 'model.joblib'))\n",
        requirements="tinypackage\n",
    )
    joblib.dump(model, job.base / "model" / "model.joblib")
    with serving(job) as caller:
        _, body, _ = caller.ask(body=lines(rows[:5, 1:]), content_type="text/csv")
        assert json.loads(body) == model.predict(rows[:5, 1:]).tolist()
        assert caller.ask(body=b"1,2,3,4,5", content_type="text/csv", accept="text/csv")[1].strip() in (b"0.0", b"1.0")
        assert caller.ask(body=b"1,2,3,4,x", content_type="text/csv")[0] == 400
