import gzip
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
    covariates, _, person, place = tables.load("randhie", folder, seed=3)

    masks = prepare.split(place)

    dealt = [set(person[mask]) for mask in masks.values()]
    assert sum(len(ids) for ids in dealt) == len(set.union(*dealt)) == person.nunique()
    assert sum(mask.sum() for mask in masks.values()) == len(covariates) == 20_190


def telco(folder, ids, **more):
    """A file of customers, those with an even number leaving; returns the folder."""
    answers = ["No" if int(name) % 2 else "Yes" for name in ids]
    table = {"customerID": ids, "tenure": range(len(ids)), "TotalCharges": [" ", *["1.5"] * (len(ids) - 1)]}
    folder.mkdir(exist_ok=True)
    frame(**table | {"Churn": answers} | more).to_csv(folder / "telco_churn.csv.gz", index=False)
    return folder


def test_a_customer_keeps_his_part_in_a_file_of_other_order(tmp_path):
    ids = [f"{number:04}" for number in range(1000)]

    one, other = (
        tables.load("telco_churn", telco(tmp_path / name, given))
        for name, given in {"one": ids, "other": ids[700:] + ids[:500]}.items()
    )

    assert "customerID" not in one.covariates
    places = dict(zip(ids, one.place, strict=True))
    assert other.place.tolist() == [places[name] for name in ids[700:] + ids[:500]]
    assert 500 < prepare.split(one.place)["train"].sum() < 600


def test_a_published_protocol_deals_rows_as_they_lie(tmp_path):
    folder = telco(tmp_path / "one", [f"{number:04}" for number in range(200)])
    assert tables.load("telco_churn", folder, published=True).place[7] == tables.place(7)


def bank(folder):
    table = {"age": range(2000), "duration": 9, "y": ["no", "yes"] * 1000}
    frame(**table).to_csv(folder / "bank_marketing_full.csv.gz", index=False)
    return folder


def test_what_is_known_too_late_is_seen_by_a_published_protocol_alone(tmp_path):
    own, published = (tables.load("bank_marketing", bank(tmp_path), published) for published in (False, True))
    assert list(own.covariates) == ["age"] and list(published.covariates) == ["age", "duration"]


def test_where_rows_have_an_order_of_time_the_earlier_ones_train(tmp_path):
    table = tables.load("bank_marketing", bank(tmp_path))

    ages = {part: table.covariates["age"][mask] for part, mask in prepare.split(table.place).items()}

    assert [(len(ages[part]), ages[part].min()) for part in ("train", "validation", "test", "live")] == [
        (1100, 0),
        (300, 1100),
        (400, 1400),
        (200, 1800),
    ]


def test_every_instance_gets_rows_of_every_time(tmp_path):
    files = shards.shards("bank_marketing", bank(tmp_path), tmp_path / "raw")

    for file in files:
        assert all(mask.any() for mask in prepare.split(pd.read_csv(file)["_place"]).values())


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("", "cannot be read as a table"),
        ("customerID,TotalCharges\n1,2\n", "has no column Churn"),
        ("customerID,Churn\n1,Yes\n", "has no column TotalCharges"),
        ("customerID,TotalCharges,Churn\n1,2,Yes\n2,3,1\n", "Churn is No or Yes in every row, but there is '1'"),
        ("customerID,TotalCharges,Churn\n1,2,Yes\n2,3,\n", "but there is nan"),
        ("customerID,TotalCharges,Churn\n1,2,Yes\n2,3,No\n", "too small to learn from: of one label it has 1 rows"),
    ],
)
def test_a_table_that_is_none_is_refused_in_one_sentence(content, said, tmp_path, capsys):
    with gzip.open(tmp_path / "telco_churn.csv.gz", "wt") as file:
        file.write(content)

    with pytest.raises(SystemExit) as ended:
        shards.shards("telco_churn", tmp_path, tmp_path / "raw")

    told = capsys.readouterr().err
    assert ended.value.code == 2 and said in told and told.count("\n") == 1
    assert not (tmp_path / "raw").exists()


def test_learning_of_fewer_people_leaves_the_test_people_as_they_are():
    places = pd.Series(np.linspace(0, 0.999, 2000))

    whole, less = prepare.split(places), prepare.split(places, train_share=0.1)

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
    covariates, label, _, _ = tables.load("randhie", folder)

    assert "mdvis" not in covariates
    assert 0.08 < label.mean() <= 0.10
    correlations = covariates.assign(label=label).corr()["label"].drop("label").abs()
    assert correlations.max() < 0.5


def test_the_encoding_is_learnt_from_the_training_people_alone(folder, tmp_path):
    covariates, _, _, place = tables.load("randhie", folder, seed=5)
    shards.shards("randhie", folder, tmp_path / "raw", seed=5)
    prepare.prepare(tmp_path / "raw", tmp_path)
    train = covariates[prepare.split(place)["train"]]

    schema = json.loads((tmp_path / "facts" / "schema.json").read_text())

    assert schema == features.fit(train)
    assert schema != features.fit(covariates)
