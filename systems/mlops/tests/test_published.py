import json

import features
import numpy as np
import pandas as pd
import prepare
import protocols
import pytest
import tables
from sklearn.model_selection import StratifiedKFold, StratifiedShuffleSplit


def rows(count=600, seed=3):
    random = np.random.default_rng(seed)
    label = pd.Series((random.random(count) < 0.3).astype(int))
    raw = pd.DataFrame({"_person": range(count), "_label": label, "age": random.integers(20, 80, count), "job": "a"})
    raw.insert(1, "_place", [tables.place(person) for person in range(count)])
    raw["job"] = random.choice(list("abc"), count)
    return raw, label


def dealt(tmp_path, number, dataset="bank_marketing"):
    """What prepare writes for a split: person (or none) by part."""
    raw, label = rows()
    raw.insert(2, "_tested", protocols.tested(dataset, label))
    (tmp_path / "raw").mkdir(exist_ok=True)
    raw.to_csv(tmp_path / "raw" / "part-000.csv", index=False)
    facts = prepare.prepare(tmp_path / "raw", tmp_path / "out", number=number)
    return raw, facts, tmp_path / "out"


@pytest.mark.parametrize(
    ("dataset", "splitter"),
    [
        ("telco_churn", StratifiedShuffleSplit(n_splits=3, test_size=0.25, random_state=1337)),
        ("bank_marketing", StratifiedKFold(10, shuffle=True, random_state=0)),
    ],
)
def test_each_row_is_tested_by_the_splits_that_its_publication_says(dataset, splitter):
    _, label = rows()
    written = protocols.tested(dataset, label)

    for number, (_, test) in enumerate(splitter.split(np.zeros(len(label)), label)):
        assert set(np.flatnonzero(written.str.contains(f"|{number}|", regex=False))) == set(test)
    assert number + 1 == protocols.PROTOCOLS[dataset].splits


def test_what_a_split_tests_takes_no_part_in_learning(tmp_path):
    raw, facts, out = dealt(tmp_path, "3")
    test = np.loadtxt(out / "test" / "algo-1.csv", delimiter=",")
    people = set(test[:, 0].astype(int))
    meant = raw["_tested"].str.contains("|3|", regex=False)

    assert people == set(raw["_person"][meant])
    assert facts["learn"]["rows"] == facts["train"]["rows"] + facts["validation"]["rows"] == len(raw) - len(people)
    assert 0.1 < facts["validation"]["rows"] / facts["learn"]["rows"] < 0.25
    schema = json.loads((out / "facts" / "schema.json").read_text())
    assert schema == features.fit(raw[~meant][["age", "job"]])


def test_own_parts_are_learnt_from_the_training_people_alone(tmp_path):
    _, facts, out = dealt(tmp_path, prepare.OWN)

    assert (out / "learn" / "algo-1.csv").read_text() == (out / "train" / "algo-1.csv").read_text()
    assert facts["live"]["rows"] > 0


def test_a_split_that_there_is_not_is_refused(tmp_path):
    with pytest.raises(SystemExit, match="split 10"):
        dealt(tmp_path, "10")
