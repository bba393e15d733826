import json

import features
import numpy as np
import pandas as pd
import prepare
import pytest
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


def test_one_row_as_csv_is_what_the_training_file_holds(folder, tmp_path):
    prepare.prepare("randhie", folder, tmp_path)

    raw = json.loads((tmp_path / "sample.json").read_text())
    schema = json.loads((tmp_path / "schema.json").read_text())

    first = (tmp_path / "test" / "test.csv").read_text().splitlines()[0]
    assert first.split(",", 1)[1] == features.row(raw, schema)


def test_consecutive_rows_with_equal_covariates_are_one_person():
    covariates = frame(plan=[1, 1, 1, 2, 1], disea=[3, 3, 4, 4, 4])
    assert tables.people(covariates, repeated=True).tolist() == [0, 0, 1, 2, 3]


def test_no_person_is_in_two_splits_and_no_row_is_lost(folder):
    covariates, _, person = tables.load("randhie", folder)

    masks = prepare.split(person, seed=3)

    dealt = [set(person[mask]) for mask in masks.values()]
    assert sum(len(ids) for ids in dealt) == len(set.union(*dealt)) == person.nunique()
    assert sum(mask.sum() for mask in masks.values()) == len(covariates) == 20_190


def test_the_visits_that_make_the_label_are_no_feature(folder):
    covariates, label, _ = tables.load("randhie", folder)

    assert "mdvis" not in covariates
    assert 0.08 < label.mean() <= 0.10
    correlations = covariates.assign(label=label).corr()["label"].drop("label").abs()
    assert correlations.max() < 0.5


def test_the_encoding_is_learnt_from_the_training_people_alone(folder, tmp_path):
    covariates, _, person = tables.load("randhie", folder)
    prepare.prepare("randhie", folder, tmp_path, seed=5)
    train = covariates[prepare.split(person, 5)["train"]]

    schema = json.loads((tmp_path / "schema.json").read_text())

    assert schema == features.fit(train)
    assert schema != features.fit(covariates)
