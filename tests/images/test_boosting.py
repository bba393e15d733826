"""The built-in XGBoost, run as a job: model, log lines, failures."""

import re
import signal
from pathlib import Path

import numpy
import pytest
import xgboost

from skylab.services.sagemaker.jobs.runtimes import resolve

from .conftest import Job, csv, table

HYPERPARAMETERS = {
    "num_round": "12",
    "objective": "binary:logistic",
    "eval_metric": "auc",
    "max_depth": "3",
    "eta": "0.3",
    "seed": "7",
}
LINE = re.compile(r"^\[(\d+)\]\ttrain-auc:([\d.]+)\tvalidation-auc:([\d.]+)", re.M)


def model_of(job):
    return xgboost.Booster(model_file=bytearray((job.base / "model" / "xgboost-model").read_bytes()))


def predictions(booster, rows):
    return booster.predict(xgboost.DMatrix(rows[:, 1:]))


def test_a_job_trains_the_model_that_xgboost_trains_with_the_same_parameters(job):
    train, validation = table(), table(200, seed=4)
    job.channels("text/csv", train=csv(train), validation=csv(validation))
    job.config("hyperparameters", HYPERPARAMETERS)

    code, log = job.run("xgboost")

    assert code == 0, log
    data = xgboost.DMatrix(train[:, 1:], label=train[:, 0])
    params = {"objective": "binary:logistic", "max_depth": 3, "eta": 0.3, "seed": 7, "eval_metric": "auc"}
    seen: dict = {}
    held = xgboost.DMatrix(validation[:, 1:], label=validation[:, 0])
    direct = xgboost.train(params, data, 12, evals=[(held, "validation")], evals_result=seen, verbose_eval=False)
    assert numpy.array_equal(predictions(model_of(job), validation), predictions(direct, validation))
    told = [float(score) for _, _, score in LINE.findall(log)]
    assert told == [round(score, 5) for score in seen["validation"]["auc"]]
    assert "Reporting training SUCCESS" in log.splitlines()[-1]


def test_the_implicit_metric_definitions_read_the_log(job):
    job.channels("text/csv", train=csv(table()), validation=csv(table(100)))
    job.config("hyperparameters", HYPERPARAMETERS | {"eval_metric": "logloss,accuracy,f1,mse,error@0.3"})

    code, log = job.run("xgboost")

    assert code == 0, log
    line = next(line for line in log.splitlines() if line.startswith("[11]")).replace("\t", "#011")
    definitions = resolve("683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-xgboost:1.7-1").metrics
    read = {each["Name"]: m.group(1) for each in definitions if (m := re.match(each["Regex"], line))}
    wanted = {f"{part}:{name}" for part in ("train", "validation") for name in ("logloss", "accuracy", "f1", "mse")}
    assert set(read) == wanted
    assert 0.7 < float(read["validation:accuracy"]) <= 1


@pytest.mark.parametrize(
    "changed, text",
    [
        ({"colour": "red"}, "ClientError: Extraneous hyperparameter found: colour"),
        ({"num_round": None}, "ClientError: Missing required hyperparameter: num_round"),
        ({"eta": "2"}, "ClientError: Hyperparameter eta: value 2 not in range [0, 1]"),
        ({"max_depth": "deep"}, "ClientError: Hyperparameter max_depth: could not parse value"),
        ({"eval_metric": "auc,luck"}, "ClientError: Hyperparameter eval_metric: value luck not in range"),
        ({"objective": "multi:softmax"}, "ClientError: Require input for parameter 'num_class'"),
    ],
)
def test_a_wrong_hyperparameter_is_the_users_fault_and_named(job, changed, text):
    job.channels("text/csv", train=csv(table()))
    given = {name: value for name, value in (HYPERPARAMETERS | changed).items() if value is not None}
    job.config("hyperparameters", given)

    code, log = job.run("xgboost")

    assert code == 1
    assert job.failure.startswith(text)
    assert "Reporting training FAILURE" in log


def test_labels_that_the_objective_cannot_take_are_the_users_fault(job):
    rows = table()
    rows[:, 0] = 5
    job.channels("text/csv", train=csv(rows))
    job.config("hyperparameters", HYPERPARAMETERS)

    code, _ = job.run("xgboost")

    assert code == 1
    assert job.failure.startswith("ClientError: ") and "[0,1] for logistic regression" in job.failure


def test_text_in_a_csv_file_is_the_users_fault(job):
    job.channels("text/csv", train=b"label,age\n1,2\n")
    job.config("hyperparameters", HYPERPARAMETERS)

    code, _ = job.run("xgboost")

    assert code == 1 and job.failure.startswith("ClientError: Failed to load csv data with exception:")


def test_libsvm_and_parquet_give_the_model_that_csv_gives(job, tmp_path):
    import pyarrow
    from pyarrow import parquet

    rows = table()
    lines = [f"{r[0]:g} " + " ".join(f"{i}:{float(v)!r}" for i, v in enumerate(r[1:])) for r in rows]
    parquet.write_table(pyarrow.table({str(i): rows[:, i] for i in range(6)}), tmp_path / "rows.parquet")
    bodies = {
        "text/csv": csv(rows),
        "text/libsvm": "\n".join(lines).encode(),
        "application/x-parquet": (tmp_path / "rows.parquet").read_bytes(),
    }
    job.config("hyperparameters", HYPERPARAMETERS)
    answers = []
    for content_type, body in bodies.items():
        job.channels(content_type, train=body)
        code, log = job.run("xgboost")
        assert code == 0, log
        answers.append(predictions(model_of(job), rows))

    assert numpy.array_equal(answers[0], answers[1]) and numpy.array_equal(answers[0], answers[2])


def test_csv_weights_are_the_second_column(job):
    rows = table()
    weighted = numpy.insert(rows, 1, numpy.where(rows[:, 0] == 1, 5.0, 1.0), axis=1)
    job.channels("text/csv", train=csv(weighted))
    job.config("hyperparameters", HYPERPARAMETERS | {"csv_weights": "1"})

    code, log = job.run("xgboost")

    assert code == 0, log
    data = xgboost.DMatrix(rows[:, 1:], label=rows[:, 0], weight=weighted[:, 1])
    direct = xgboost.train({"objective": "binary:logistic", "max_depth": 3, "eta": 0.3, "seed": 7}, data, 12)
    assert numpy.array_equal(predictions(model_of(job), rows), predictions(direct, rows))


def test_early_stopping_keeps_the_best_rounds_only(job):
    job.channels("text/csv", train=csv(table(60)), validation=csv(table(200, seed=9)))
    job.config("hyperparameters", HYPERPARAMETERS | {"num_round": "200", "early_stopping_rounds": "3"})

    code, log = job.run("xgboost")

    assert code == 0, log
    scores = [float(score) for _, _, score in LINE.findall(log)]
    assert len(scores) < 200
    assert model_of(job).num_boosted_rounds() == numpy.argmax(scores) + 1


def test_a_job_resumes_from_its_newest_checkpoint(job):
    job.channels("text/csv", train=csv(table()), validation=csv(table(100)))
    job.config("checkpointconfig", {"S3Uri": "s3://b/c", "LocalPath": "/opt/ml/checkpoints"})
    job.config("hyperparameters", HYPERPARAMETERS | {"num_round": "6"})
    assert job.run("xgboost")[0] == 0
    assert (job.base / "checkpoints" / "xgboost-checkpoint.5").exists()
    job.config("hyperparameters", HYPERPARAMETERS)

    code, log = job.run("xgboost")

    assert code == 0, log
    assert [int(number) for number, _, _ in LINE.findall(log)] == list(range(6, 12))
    whole = Job(Path(str(job.base) + "-whole"), job.cache)
    whole.hosts()
    whole.channels("text/csv", train=csv(table()), validation=csv(table(100)))
    whole.config("hyperparameters", HYPERPARAMETERS)
    assert whole.run("xgboost")[0] == 0
    assert numpy.allclose(predictions(model_of(job), table()), predictions(model_of(whole), table()), atol=1e-6)


def test_a_stopped_job_leaves_the_model_of_its_last_round_where_asked(job):
    job.channels("text/csv", train=csv(table(20000)))
    asked = {"num_round": "100000", "save_model_on_termination": "true"}
    job.config("hyperparameters", HYPERPARAMETERS | asked)
    process = job.start("xgboost")
    while not process.stdout.readline().startswith("[3]"):
        pass

    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=30)

    assert process.returncode == 0
    assert model_of(job).num_boosted_rounds() >= 4
    assert [path.name for path in (job.base / "model").iterdir()] == ["xgboost-model"]


def test_two_hosts_train_one_model_on_their_shards(tmp_path):
    rows, held = table(600), table(200, seed=8)
    names = ["algo-1", "algo-2"]
    jobs = []
    for number, name in enumerate(names):
        each = Job(tmp_path / name, tmp_path / "cache", {"SKYLAB_HOSTS": "algo-1=127.0.0.11,algo-2=127.0.0.12"})
        each.hosts(name, names)
        each.channels("text/csv", train=csv(rows[number::2]), validation=csv(held))
        each.config("hyperparameters", HYPERPARAMETERS)
        jobs.append(each)

    processes = [each.start("xgboost") for each in jobs]
    logs = [process.communicate(timeout=100)[0] for process in processes]

    assert [process.returncode for process in processes] == [0, 0], logs
    assert not (jobs[1].base / "model" / "xgboost-model").exists()
    assert len(LINE.findall(logs[0])) == 12 and not LINE.findall(logs[1])
    alone = xgboost.train(
        {"objective": "binary:logistic", "max_depth": 3, "eta": 0.3, "seed": 7},
        xgboost.DMatrix(rows[:, 1:], label=rows[:, 0]),
        12,
    )
    both = predictions(model_of(jobs[0]), held), predictions(alone, held)
    assert numpy.mean(numpy.abs(both[0] - both[1])) < 0.05  # the sketches of two shards cut features a bit differently


@pytest.mark.slow
def test_a_host_without_data_leaves_the_training_to_the_others(tmp_path):
    names = ["algo-1", "algo-2", "algo-3"]
    addresses = ",".join(f"{name}=127.0.0.{number}" for number, name in enumerate(names, 21))
    jobs = []
    for number, name in enumerate(names):
        each = Job(tmp_path / name, tmp_path / "cache", {"SKYLAB_HOSTS": addresses})
        each.hosts(name, names)
        each.channels("text/csv", train=csv(table(300, seed=number)))
        each.config("hyperparameters", HYPERPARAMETERS)
        jobs.append(each)
    (jobs[0].base / "input" / "data" / "train" / "part-0").unlink()

    processes = [each.start("xgboost") for each in jobs]
    logs = [process.communicate(timeout=100)[0] for process in processes]

    assert [process.returncode for process in processes] == [0, 0, 0], logs
    assert "Host algo-1 does not have data" in logs[0]
    assert [(each.base / "model" / "xgboost-model").exists() for each in jobs] == [False, True, False]


def test_two_files_of_a_channel_are_one_matrix(job):
    rows = table()
    job.channels("text/csv; label_size=1", train=csv(rows[:150]))
    (job.base / "input" / "data" / "train" / "part-1").write_bytes(csv(rows[150:]))
    (job.base / "input" / "data" / "train" / "_SUCCESS").write_bytes(b"")
    job.config("hyperparameters", HYPERPARAMETERS)

    code, log = job.run("xgboost")

    assert code == 0 and "Train matrix has 400 rows and 5 columns" in log
