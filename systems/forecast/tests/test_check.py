"""What cannot be done is said in a sentence before anything is uploaded or started."""

import subprocess
import sys
from argparse import Namespace
from pathlib import Path

import check
import pandas as pd
import pytest

SYSTEM = Path(__file__).resolve().parents[1]


def refused(folder):
    with pytest.raises(ValueError) as error:
        check.data(folder)
    assert "\n" not in str(error.value)
    return str(error.value)


def shops(folder, days, *rows):
    dates = [str(day) for day in pd.period_range("2025-01-01", periods=days, freq="D")]
    lines = [",".join(["shop", *dates]), *(",".join([name, *map(str, values)]) for name, values in rows)]
    (folder / "shops.csv").write_text("\n".join(lines))


def m1(folder, periods, **columns):
    table = {"unique_id": "a", "t": range(periods), "y": 1.0, "split": "train", "period": "YEARLY"}
    pd.DataFrame(table | columns).drop(columns=[name for name in columns if columns[name] is None]).to_parquet(
        folder / "m1.parquet"
    )


def test_forty_days_are_too_few_to_choose_models_by_and_the_longest_series_is_named(tmp_path):
    shops(tmp_path, 40, ("a", range(40)), ("b", ["", *range(39)]))
    assert refused(tmp_path).startswith("shops-daily: a series needs 42 periods") and "; a, the" in refused(tmp_path)


def test_series_shorter_than_the_horizon_have_no_history(tmp_path):
    shops(tmp_path, 10, ("a", range(10)))
    assert refused(tmp_path) == "shops-daily: no series is longer than 14 periods, which are its test part"


def test_what_is_long_enough_is_taken_beside_what_is_not(tmp_path):
    shops(tmp_path, 42, ("a", range(42)), ("b", [*[""] * 35, *range(7)]))
    check.data(tmp_path)


@pytest.mark.parametrize(
    ("columns", "said"),
    [
        ({"period": None}, "m1.parquet lacks a column: period"),
        ({"period": "WHENEVER"}, "m1-whenever: whenever is none of yearly, quarterly"),
        ({}, "m1-yearly: there is no value in the test part"),
    ],
)
def test_a_competitions_file_that_is_not_as_it_should_be_is_named(tmp_path, columns, said):
    m1(tmp_path, 30, **columns)
    assert said in refused(tmp_path)


@pytest.mark.parametrize("content", ["", "no table", "shop,monday\na,1\n"])
def test_a_file_that_is_no_table_is_named(tmp_path, content):
    (tmp_path / "shops.csv").write_text(content)
    assert refused(tmp_path).startswith("shops.csv ")


@pytest.mark.parametrize("given", [{"series": 0}, {"series": 2}, {"prophet": -1}, {"summary": Path("/nowhere/x")}])
def test_arguments_without_sense_are_refused(given):
    usual = {"series": 3, "prophet": 1, "summary": None, "data": None}
    check.arguments(Namespace(**usual))
    with pytest.raises(ValueError):
        check.arguments(Namespace(**usual | given))


def test_the_command_says_it_in_one_sentence_and_ends_with_2(tmp_path):
    pytest.importorskip("rich")
    done = subprocess.run(
        [sys.executable, "run.py", "--data", tmp_path], cwd=SYSTEM, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2 and "has none of shops.csv" in done.stderr and done.stderr.count("\n") == 1
