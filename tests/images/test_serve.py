"""Serving through the real socket: a process that listens, http.client over AF_UNIX."""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager

import numpy
import pytest
import xgboost

from .conftest import table

ECHO = """
def model_fn(model_dir):
    return "model of " + model_dir[-5:]
def input_fn(body, content_type):
    return body
def predict_fn(data, model):
    return data
def output_fn(prediction, accept):
    return prediction
"""


class Unix(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("localhost", timeout=20)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(20)
        self.sock.connect(self.path)

    def ask(self, method="POST", path="/invocations", body=None, **headers):
        self.request(method, path, body, {name.replace("_", "-"): value for name, value in headers.items()})
        answer = self.getresponse()
        return answer.status, answer.read(), answer


def until(condition, seconds=20):
    end = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.01)
    return found


@contextmanager
def serving(job, family="sklearn", **env):
    path = str(job.base.parent / "s")
    process = subprocess.Popen(
        [sys.executable, "-m", "skylab.images.serve", family],
        env=job.environment | {"SKYLAB_SERVE_SOCKET": path} | env,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        until(lambda: os.path.exists(path) or process.poll() is not None)
        assert process.poll() is None, process.stdout.read()
        caller = Unix(path)
        caller.process = process
        yield caller
        caller.close()
    finally:
        process.kill()
        process.communicate()


def failing(job, family="sklearn", **env):
    done = subprocess.run(
        [sys.executable, "-m", "skylab.images.serve", family],
        env=job.environment | {"SKYLAB_SERVE_SOCKET": str(job.base.parent / "s")} | env,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return done.returncode, done.stderr


def script(job, text, **others):
    folder = job.base / "model" / "code"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "inference.py").write_text(text)
    for name, body in others.items():
        (folder / f"{name}.txt").write_text(body)


def boosted(job, objective="binary:logistic", **params):
    rows = table()
    if objective.startswith("multi:"):
        rows[:, 0] = numpy.digitize(rows[:, 1], [-0.5, 0.5])
    data = xgboost.DMatrix(rows[:, 1:], label=rows[:, 0])
    booster = xgboost.train({"objective": objective, "max_depth": 3, **params}, data, 10)
    (job.base / "model").mkdir(parents=True, exist_ok=True)
    (job.base / "model" / "xgboost-model").write_bytes(booster.save_raw("ubj"))
    return booster, rows[:, 1:]


def lines(rows):
    return "\n".join(",".join(repr(float(cell)) for cell in row) for row in rows)


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


def test_boosted_answers_a_score_per_line_as_the_model_predicts(job):
    booster, rows = boosted(job)
    wanted = booster.predict(xgboost.DMatrix(rows[:3])).tolist()
    with serving(job, "xgboost") as caller:
        status, body, answer = caller.ask(body=lines(rows[:3]), content_type="text/csv")
        assert (status, answer.headers["content-type"]) == (200, "text/csv")
        assert [float(line) for line in body.splitlines()] == wanted
        _, body, _ = caller.ask(body=lines(rows[:3]), content_type="text/csv", accept="application/json")
        assert json.loads(body) == {"predictions": [{"score": score} for score in wanted]}
        _, body, _ = caller.ask(body=lines(rows[:3]), content_type="text/csv", accept="application/jsonlines")
        assert [json.loads(line)["score"] for line in body.splitlines()] == wanted
        libsvm = "\n".join(" ".join(f"{i}:{float(v)!r}" for i, v in enumerate(row)) for row in rows[:3])
        assert [float(x) for x in caller.ask(body=libsvm, content_type="text/libsvm")[1].split()] == wanted
        many = caller.ask(body=lines(numpy.tile(rows, (6, 1))), content_type="text/csv")[1].split()
        assert numpy.allclose([float(x) for x in many[:3]], wanted)
        assert json.loads(caller.ask("GET", "/execution-parameters")[1])["BatchStrategy"] == "MULTI_RECORD"


def test_boosted_refuses_what_it_cannot_read_with_the_reason(job):
    boosted(job)
    with serving(job, "xgboost") as caller:
        for body, content_type, status, text in [
            ("1,x,3,4,5", "text/csv", 415, "Loading csv data failed"),
            ("1,2,3", "text/csv", 400, "Feature size of csv inference data 3"),
            ("1,2,3,4,5,6,7", "text/csv", 400, "Feature size"),
            ("1,2,3,4,5\n1,2", "text/csv", 415, "Loading csv data failed"),
            ("1,2,3,4,5", "application/x-recordio-protobuf", 415, "is not an accepted ContentType"),
        ]:
            answer = caller.ask(body=body, content_type=content_type)
            assert answer[0] == status and text in answer[1].decode()
        assert caller.ask(body=",2,,4,5", content_type="text/csv")[0] == 200
        assert caller.ask(body="1,2,3,4,5", content_type="text/csv", accept="image/png")[0] == 406
        assert caller.ask(body="", content_type="text/csv")[0] == 204


def test_boosted_of_many_classes_answers_a_line_of_scores_and_what_is_selected(job):
    booster, rows = boosted(job, "multi:softprob", num_class=3)
    wanted = booster.predict(xgboost.DMatrix(rows[:2])).tolist()
    with serving(job, "xgboost") as caller:
        body = caller.ask(body=lines(rows[:2]), content_type="text/csv")[1].decode()
        assert [[float(cell) for cell in line.split(",")] for line in body.splitlines()] == wanted
    os.unlink(job.base.parent / "s")
    with serving(job, "xgboost", SAGEMAKER_INFERENCE_OUTPUT="predicted_label,probabilities") as caller:
        body = caller.ask(body=lines(rows[:2]), content_type="text/csv", accept="application/json")[1]
        labels = [each["predicted_label"] for each in json.loads(body)["predictions"]]
        assert labels == numpy.argmax(wanted, axis=1).tolist()


@pytest.mark.parametrize("form", ["json", "ubj", "pickle"])
def test_boosted_reads_every_form_of_a_model(job, form):
    import pickle

    booster, rows = boosted(job)
    body = pickle.dumps(booster) if form == "pickle" else booster.save_raw(form)
    (job.base / "model" / "xgboost-model").write_bytes(body)
    with serving(job, "xgboost") as caller:
        answer = caller.ask(body=lines(rows[:1]), content_type="text/csv")
        assert float(answer[1]) == booster.predict(xgboost.DMatrix(rows[:1]))[0]


def test_a_pickle_that_is_no_booster_is_not_run(job):
    import pickle

    class Evil:
        def __reduce__(self):
            return os.system, ("touch " + str(job.base / "run"),)

    (job.base / "model").mkdir(parents=True)
    (job.base / "model" / "xgboost-model").write_bytes(pickle.dumps(Evil()))

    code, log = failing(job, "xgboost")

    assert code == 1 and "is no part of a Booster" in log
    assert not (job.base / "run").exists()


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


def test_an_xgboost_script_may_leave_all_but_one_function_to_the_image(job):
    booster, rows = boosted(job)
    script(job, "def output_fn(prediction, accept):\n    return {'scores': [round(float(p), 6) for p in prediction]}\n")
    with serving(job, "xgboost") as caller:
        _, body, _ = caller.ask(body=lines(rows[:2]), content_type="text/csv")
        wanted = [round(float(score), 6) for score in booster.predict(xgboost.DMatrix(rows[:2]))]
        assert json.loads(body) == {"scores": wanted}


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
