import io
import json
import tarfile

import compress
import lightgbm
import numpy as np
import onnxruntime
import pytest
import serving
import train
import xgboost
from evaluate import Fold
from generations import Ensemble, Generation
from inference import input_fn, model_fn, output_fn, predict_fn
from members import FILES, TREES, Members, member
from sklearn.linear_model import LogisticRegression


def transactions(rows, seed):
    """Features that are whole numbers and cents, as ours are, so that many lie on a threshold."""
    random = np.random.default_rng(seed)
    x = np.column_stack([random.integers(0, 30, (rows, 14)), random.random(rows).round(2)]).astype(np.float32)
    y = (random.random(rows) < 1 / (1 + np.exp(6 - 0.2 * x[:, 0] - 3 * x[:, 14]))).astype(float)
    return x, y


def three(x, y):
    boosted = xgboost.train({"objective": "binary:logistic", "max_depth": 4, "nthread": 1}, xgboost.DMatrix(x, y), 20)
    given = {"objective": "binary", "num_leaves": 15, "verbosity": -1, "num_threads": 1, "deterministic": True}
    many = given | {"boosting": "rf", "num_leaves": 400, "min_data_in_leaf": 1, "bagging_freq": 1}
    many |= {"bagging_fraction": 0.632, "feature_fraction_bynode": 0.3, "lambda_l2": 0}
    light, forest = (lightgbm.train(one, lightgbm.Dataset(x, y), 20) for one in (given, many))
    return boosted, light, forest


def pack(folder, file, body):
    folder.mkdir()
    with tarfile.open(folder / "model.tar.gz", "w:gz") as archive:
        info = tarfile.TarInfo(file)
        info.size = len(body)
        archive.addfile(info, io.BytesIO(body))


@pytest.fixture(scope="module")
def artifacts(tmp_path_factory):
    """The channels of the stacker's job: two generations of artefacts as the images write them, and their rows."""
    root = tmp_path_factory.mktemp("channels")
    for name, seed in {"earlier-": 1, "": 2}.items():
        boosted, light, forest = three(*transactions(3000, seed))
        files = {"xgboost": ("xgboost-model", bytes(boosted.save_raw("ubj")))}
        files["lightgbm"] = ("model.txt", light.model_to_string().encode())
        files["forest"] = ("model.txt", forest.model_to_string().encode())
        for kind, (file, body) in files.items():
            pack(root / f"{name}{kind}", file, body)
    pack(root / "randomcutforest", "model_algo-1", b"four")
    x, y = transactions(3000, 3)
    anomaly = 0.7 + 0.01 * x[:, 0] + 0.1 * (x[:, 1] > 15)
    for name, table in {"stack": [y, x, anomaly], "train": [x, anomaly]}.items():
        (root / name).mkdir()
        np.savetxt(root / name / "rows.csv", np.column_stack(table), delimiter=",", fmt="%.9g")
    return root


@pytest.fixture(scope="module")
def trained(artifacts, tmp_path_factory):
    out = tmp_path_factory.mktemp("model")
    channels = ("stack", "train", *TREES, *(f"earlier-{kind}" for kind in TREES))
    with pytest.MonkeyPatch.context() as patch:
        given = [word for name in channels for word in (f"--{name}", str(artifacts / name))]
        patch.setattr("sys.argv", ["train.py", *given, "--model-dir", str(out)])
        train.main()
    return out


def test_the_graph_answers_what_the_libraries_and_the_stacker_answer(artifacts, trained):
    """Whole numbers lie on thresholds often: one wrong comparison would show."""
    x, _ = transactions(4000, 9)
    members = Members.read({kind: artifacts / kind / "model.tar.gz" for kind in TREES})
    stacker = json.loads((trained / "stacker.json").read_text())
    anomaly = 0.7 + 0.01 * x[:, 0] + 0.1 * (x[:, 1] > 15)

    whole = train.probability(stacker, members.all(x, anomaly))
    graph = predict_fn(x, model_fn(str(trained)))

    assert np.abs(whole - graph).max() < 0.02  # the imitation of the anomaly score
    assert np.abs(whole - graph).mean() < 0.002


def test_compression_is_stated_of_the_very_files_that_were_trained_and_that_serve(artifacts, trained):
    x, _ = transactions(1200, 8)
    files = {kind: artifacts / kind / "model.tar.gz" for kind in (*TREES, "randomcutforest")}
    fold = Fold(0, np.arange(0), np.arange(len(x)))
    anomaly = 0.7 + 0.01 * x[:, 0] + 0.1 * (x[:, 1] > 15)
    made = Generation(0, fold, {}, {}, files, np.ones(15), anomaly)
    stacker = json.loads((trained / "stacker.json").read_text())
    found = serving.compression(made, Ensemble("job", "s3://", stacker, trained, model_fn(str(trained))), x)

    assert found["exact"] < 1e-4 and found["apart"][0] < 0.002
    assert found["bytes"] == [sum(len(member(files[kind], name)) for kind, name in FILES.items()) + 4,
                              (trained / "ensemble.onnx").stat().st_size]  # fmt: skip
    assert found["speedup"] == pytest.approx(found["libraries"][0] / found["graph"][0])


def test_each_forest_of_the_graph_is_its_booster():
    x, y = transactions(3000, 4)
    members = Members.of(*three(x, y))
    wanted = 1 / (1 + np.exp(-members.words(x)))
    assert np.allclose(wanted[:, 0], members.boosted.predict(xgboost.DMatrix(x)), atol=1e-6)
    assert np.allclose(wanted[:, 1], members.light.predict(x), atol=1e-6)
    for at in range(3):
        chosen = np.eye(4)[at].tolist()
        stacker = {"centre": [0.0] * 4, "scale": [1.0] * 4, "coefficients": chosen, "intercept": 0.0}
        graph = compress.graph(members, members.light, stacker)
        session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
        assert np.abs(session.run(None, {"x": x})[0][:, 0] - wanted[:, at]).max() < 1e-5


def test_the_forests_log_odds_are_those_of_its_trees_mean_share():
    """Counted in the leaves themselves, of the rows that each tree was given."""
    x, y = transactions(3000, 5)
    given = {"objective": "binary", "boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5, "verbosity": -1}
    given |= {"num_leaves": 400, "min_data_in_leaf": 1, "num_threads": 1, "feature_fraction_bynode": 0.3}
    boosted, light, _ = three(x, y)
    forest = lightgbm.train(given | {"bagging_fraction": 0.999999}, lightgbm.Dataset(x, y), 5)
    members = Members.of(boosted, light, forest)
    leaves = forest.predict(x, pred_leaf=True)
    share = np.mean([[y[tree == leaf].mean() for leaf in tree] for tree in leaves.T], axis=0)
    wanted = np.log((share + 0.1) / (1 - share + 0.1))
    assert np.abs(members.words(x)[:, 2] - wanted).mean() < 0.02


def test_a_threshold_is_never_rounded_up():
    for threshold in (0.1, 1 / 3, 16_777_217.0, -0.1):
        assert float(compress.down(threshold)) <= threshold < float(np.nextafter(compress.down(threshold), np.inf))


def test_the_stacker_is_calibrated_and_leans_on_what_tells_something():
    random = np.random.default_rng(0)
    logit = random.normal(-3, 2, 20_000)
    y = (random.random(20_000) < 1 / (1 + np.exp(-logit))).astype(float)
    boosted = 2 * logit + random.normal(size=len(y))  # twice too sure
    stacker = train.fit(np.column_stack([boosted, random.normal(size=len(y)), np.ones(len(y))]), y)

    chance = train.probability(stacker, np.column_stack([boosted, np.zeros(len(y)), np.ones(len(y))]))

    assert abs(chance.mean() - y.mean()) < 0.005
    top = chance > 0.5
    assert abs(chance[top].mean() - y[top].mean()) < 0.03
    assert abs(stacker["coefficients"][1]) < 0.1 < stacker["coefficients"][0]


def test_the_stacker_is_scikit_learns_where_no_weight_is_negative_and_turns_no_member_around():
    random = np.random.default_rng(1)
    seen = random.normal(size=(5000, 3)) * [1, 2, 3] + [0, 1, 2]
    y = (random.random(5000) < 1 / (1 + np.exp(2 - seen @ [0.5, 0.4, 0.0]))).astype(float)
    free = LogisticRegression(C=1.0, tol=1e-8).fit((seen[:, :2] - seen[:, :2].mean(0)) / seen[:, :2].std(0), y)
    assert np.allclose(train.fit(seen[:, :2], y)["coefficients"], free.coef_[0], atol=1e-3)
    seen[:, 2] = seen[:, 0] - 0.1 * (y - random.random(5000))  # would be turned around
    assert min(train.fit(seen, y)["coefficients"]) == 0


def test_serving_reads_csv_and_refuses_the_rest(trained):
    model = model_fn(str(trained))
    row = ",".join(["1"] * 15)
    body, kind = output_fn(predict_fn(input_fn(f"{row}\n{row}\n", "text/csv; charset=utf-8"), model), "text/csv")
    assert kind == "text/csv" and [0 < float(score) < 1 for score in body.split("\n")] == [True, True]
    asked = (trained / "code" / "requirements.txt").read_text().splitlines()[1:]
    assert (trained / "code" / "inference.py").exists() and asked == ["onnxruntime>=1.20,<2"]
    with pytest.raises(ValueError, match="text/csv"):
        input_fn("{}", "application/json")
    with pytest.raises(ValueError, match="2 values"):
        predict_fn(input_fn(b"1,2", "text/csv"), model)
