"""Serving boosters through the real socket: what the XGBoost image does without a script."""

import json
import os
import pickle

import numpy
import pytest
import xgboost

from .serving import boosted, failing, lines, script, serving


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

    booster, rows = boosted(job)
    body = pickle.dumps(booster) if form == "pickle" else booster.save_raw(form)
    (job.base / "model" / "xgboost-model").write_bytes(body)
    with serving(job, "xgboost") as caller:
        answer = caller.ask(body=lines(rows[:1]), content_type="text/csv")
        assert float(answer[1]) == booster.predict(xgboost.DMatrix(rows[:1]))[0]


def test_a_pickle_that_is_no_booster_is_not_run(job):

    class Evil:
        def __reduce__(self):
            return os.system, ("touch " + str(job.base / "run"),)

    (job.base / "model").mkdir(parents=True)
    (job.base / "model" / "xgboost-model").write_bytes(pickle.dumps(Evil()))

    code, log = failing(job, "xgboost")

    assert code == 1 and "is no part of a Booster" in log
    assert not (job.base / "run").exists()


def test_an_xgboost_script_may_leave_all_but_one_function_to_the_image(job):
    booster, rows = boosted(job)
    script(job, "def output_fn(prediction, accept):\n    return {'scores': [round(float(p), 6) for p in prediction]}\n")
    with serving(job, "xgboost") as caller:
        _, body, _ = caller.ask(body=lines(rows[:2]), content_type="text/csv")
        wanted = [round(float(score), 6) for score in booster.predict(xgboost.DMatrix(rows[:2]))]
        assert json.loads(body) == {"scores": wanted}
