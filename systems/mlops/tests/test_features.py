import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor

import features
import meet
import numpy as np
import pandas as pd
import prepare
import pytest
import shards
import tables
from fetch import fetch


@pytest.fixture(scope="session")
def folder(tmp_path_factory):
    return fetch(tmp_path_factory.mktemp("data") / "randhie.csv").parent


def frame(**columns):
    return pd.DataFrame(columns)


def test_a_missing_number_becomes_the_training_median_and_an_unknown_level_all_zeros():
    schema = features.fit(frame(age=[1.0, 2.0, 9.0], job=["cook", "nurse", "cook"]))

    encoded = features.encode(frame(age=[np.nan, 5.0], job=["pilot", "nurse"]), schema)

    assert features.names(schema) == ["age", "job=cook", "job=nurse"]
    assert encoded.tolist() == [[2.0, 0.0, 0.0], [5.0, 0.0, 1.0]]


def test_a_row_that_lacks_a_column_is_an_error():
    schema = features.fit(frame(age=[1.0], job=["cook"]))
    with pytest.raises(KeyError, match="job"):
        features.row({"age": 3.0}, schema)


def test_a_schema_merged_of_parts_is_that_of_the_whole():
    whole = frame(age=[1.0, 7.0, np.nan, 2.0, 9.0, 3.0], job=["cook", None, "nurse", "cook", "pilot", "nurse"])

    parts = [features.summarise(whole.iloc[rows]) for rows in ([0, 1, 2], [3], [4, 5])]

    assert features.merge(json.loads(json.dumps(parts))) == features.fit(whole)
    assert features.fit(whole)["columns"][0]["median"] == whole["age"].median()


def test_one_row_as_csv_is_what_the_endpoint_is_asked_in_the_comparison(folder, tmp_path):
    shards.shards("randhie", folder, tmp_path / "raw")
    prepare.prepare(tmp_path / "raw", tmp_path)

    raw = json.loads((tmp_path / "facts" / "sample.json").read_text())
    schema = json.loads((tmp_path / "facts" / "schema.json").read_text())

    first = (tmp_path / "live" / "algo-1.csv").read_text().splitlines()[0]
    assert first.split(",", 2)[2] == features.row(raw, schema)


def test_consecutive_rows_with_equal_covariates_are_one_person():
    covariates = frame(plan=[1, 1, 1, 2, 1], disea=[3, 3, 4, 4, 4])
    assert tables.people(covariates, repeated=True).tolist() == [0, 0, 1, 2, 3]


def test_no_person_is_in_two_splits_and_no_row_is_lost(folder):
    covariates, _, person = tables.load("randhie", folder)

    masks = prepare.split(person, seed=3)

    dealt = [set(person[mask]) for mask in masks.values()]
    assert sum(len(ids) for ids in dealt) == len(set.union(*dealt)) == person.nunique()
    assert sum(mask.sum() for mask in masks.values()) == len(covariates) == 20_190


def test_a_person_keeps_the_split_whoever_else_there_is():
    many, few = pd.Series(range(1000)), pd.Series([17, 400, 401])

    whole, part = prepare.split(many), prepare.split(few)

    for name in prepare.SHARES:
        assert set(few[part[name]]) == set(few) & set(many[whole[name]])


def test_learning_of_fewer_people_leaves_the_test_people_as_they_are():
    people = pd.Series(range(2000))

    whole, less = prepare.split(people), prepare.split(people, train_share=0.1)

    assert less["train"].sum() < 0.2 * whole["train"].sum() and not (less["train"] & ~whole["train"]).any()
    assert all((whole[name] == less[name]).all() for name in ("validation", "test", "live"))


def test_two_instances_prepare_what_one_does(folder, tmp_path, monkeypatch):
    files = shards.shards("randhie", folder, tmp_path / "raw")
    prepare.prepare(tmp_path / "raw", tmp_path / "one")
    host = threading.local()
    port = free_port()
    monkeypatch.setattr(prepare, "hosts", lambda: (host.name, ["127.0.0.1", "127.0.0.2"]))
    monkeypatch.setattr(prepare, "agree", lambda *given: meet.agree(*given, port=port))

    def instance(name, mine):
        host.name = name
        for file in mine:
            (tmp_path / name).mkdir(exist_ok=True)
            (tmp_path / name / file.name).write_bytes(file.read_bytes())
        prepare.prepare(tmp_path / name, tmp_path / "two")

    with ThreadPoolExecutor(2) as pool:
        for ran in [pool.submit(instance, f"127.0.0.{n + 1}", files[n::2]) for n in range(2)]:
            ran.result(timeout=60)

    for part in prepare.SHARES:
        one, two = (
            sorted("".join(path.read_text() for path in (tmp_path / made / part).glob("*.csv")).splitlines())
            for made in ("one", "two")
        )
        assert one == two
    schemas = [(tmp_path / made / "facts" / "schema.json").read_text() for made in ("one", "two")]
    assert schemas[0] == schemas[1]


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def test_the_visits_that_make_the_label_are_no_feature(folder):
    covariates, label, _ = tables.load("randhie", folder)

    assert "mdvis" not in covariates
    assert 0.08 < label.mean() <= 0.10
    correlations = covariates.assign(label=label).corr()["label"].drop("label").abs()
    assert correlations.max() < 0.5


def test_the_encoding_is_learnt_from_the_training_people_alone(folder, tmp_path):
    covariates, _, person = tables.load("randhie", folder)
    shards.shards("randhie", folder, tmp_path / "raw")
    prepare.prepare(tmp_path / "raw", tmp_path, seed=5)
    train = covariates[prepare.split(person, 5)["train"]]

    schema = json.loads((tmp_path / "facts" / "schema.json").read_text())

    assert schema == features.fit(train)
    assert schema != features.fit(covariates)
