"""Three forms of source become one long format."""

import json

import numpy as np
import pandas as pd
from ingest import COLUMNS, ingest, known
from prepare import prepare, split
from simulate import simulate


def groups(folder):
    return dict(ingest(folder))


def test_a_wide_table_has_a_row_for_each_cell_that_is_not_empty(tmp_path):
    (tmp_path / "shops.csv").write_text("shop,1970-01-01,1970-01-02,1970-01-03\na,1.5,,2\nb,3,4,5\n")

    found = groups(tmp_path)["shops-daily"]

    assert list(found.columns) == COLUMNS
    assert sorted(zip(found.series, found.t, found.y, strict=True)) == [
        ("a", 0, 1.5), ("a", 2, 2.0), ("b", 0, 3.0), ("b", 1, 4.0), ("b", 2, 5.0),
    ]  # fmt: skip


def test_events_keep_the_order_of_arrival_and_count_in_the_meters_local_time(tmp_path):
    lines = [
        {"meter": "a", "at": "1970-03-01T00:30:00+02:00", "kwh": 3},  # still February in UTC
        {"meter": "a", "at": "1970-01-31T23:15:00+00:00", "kwh": None},
        {"meter": "a", "at": "1970-03-20T10:15:00+00:00", "kwh": 4},
    ]
    (tmp_path / "meters.jsonl").write_text("\n".join(map(json.dumps, lines)))

    found = groups(tmp_path)["meters-monthly"]

    assert found.t.tolist() == [2, 0, 2]
    assert found.y.tolist()[::2] == [3.0, 4.0] and np.isnan(found.y[1])


def test_quarters_are_counted_since_1970(tmp_path):
    table = pd.DataFrame({"account": ["a", "a"], "quarter": ["1970Q2", "1971Q1"], "revenue": [1.0, 2.0]})
    table.to_parquet(tmp_path / "accounts.parquet")

    assert groups(tmp_path)["accounts-quarterly"].t.tolist() == [1, 4]


def test_a_competitions_file_is_as_many_groups_as_it_has_frequencies(tmp_path):
    table = pd.DataFrame(
        {
            "unique_id": ["a", "a", "b", "b"],
            "t": [0, 1, 0, 1],
            "y": [1.0, 2.0, 3.0, 4.0],
            "split": ["train", "test"] * 2,
            "period": ["YEARLY"] * 2 + ["MONTHLY"] * 2,
        }
    )
    table.to_parquet(tmp_path / "m1.parquet")

    found = groups(tmp_path)

    assert set(found) == {"m1-yearly", "m1-monthly"}
    before, after, ends = split(found["m1-yearly"], 6)
    assert (before.y.tolist(), after.y.tolist(), ends) == ([1.0], [2.0], {"a": 0})


def test_the_split_is_by_each_series_own_time():
    table = pd.DataFrame({"series": ["a"] * 5 + ["b"] * 3, "t": [*range(5), *range(3)], "split": ""})

    before, after, ends = split(table, 2)

    assert after.groupby("series")["t"].agg(list).to_dict() == {"a": [3, 4], "b": [1, 2]} and ends == {"a": 2, "b": 0}
    assert not set(before.index) & set(after.index)


def test_the_simulation_is_the_same_for_a_seed_and_another_for_another(tmp_path):
    for name, seed in {"one": 1, "again": 1, "other": 2}.items():
        simulate(tmp_path / name, 9, seed)

    for file in ("shops.csv", "meters.jsonl", "accounts.parquet", "truth.json"):
        one, again, other = ((tmp_path / name / file).read_bytes() for name in ("one", "again", "other"))
        assert one == again and one != other
    assert len(known(tmp_path / "one")) == 3


def test_nothing_of_the_test_part_reaches_the_training_channel(tmp_path):
    simulate(tmp_path / "raw", 9, 1)

    prepare(tmp_path / "raw", tmp_path / "out")

    for group, facts in json.loads((tmp_path / "out" / "train" / "groups.json").read_text()).items():
        train, test = (pd.read_parquet(tmp_path / "out" / part / f"{group}.parquet") for part in ("train", "test"))
        last, first = train.groupby("series")["t"].max(), test.groupby("series")["t"].min()
        assert (last < first).all() and test.groupby("series").size().max() == facts["horizon"]
