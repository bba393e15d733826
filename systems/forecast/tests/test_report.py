"""What RESULTS.md says: whose run it was, by which command, and when a figure is within its interval of the bound."""

from argparse import Namespace

import pytest

pytest.importorskip("rich")
import progress
import report


def fact(value, low, high):
    return {"value": value, "interval": [low, high]}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (fact(0.70, 0.65, 0.74), "0.76: reached. "),
        (fact(0.72, 0.66, 0.79), "0.76: reached, though its interval holds the bound"),
        (fact(0.78, 0.70, 0.85), "0.76: not reached, though its interval holds the bound"),
        (fact(0.90, 0.80, 1.00), "0.76: not reached. "),
    ],
)
def test_a_bound_is_reached_or_not_and_an_interval_that_holds_it_is_told(value, said):
    assert said in report.targets({"m4-weekly": {"models": {"ensemble": {"owa": value}}}})[0]


def arguments(**given):
    usual = {"data": None, "series": 3000, "seed": 7, "prophet": 10, "no_deepar": False, "tune": False}
    return Namespace(**usual | {"instance_type": "ml.m5.large"} | given)


@pytest.mark.parametrize(
    ("given", "part", "options"),
    [
        ({}, "Simulated sources", "--series 3000 --seed 7 --prophet 10"),
        ({"series": 24}, "Simulated sources: 24 series seed 7", "--series 24 --seed 7 --prophet 10"),
        ({"tune": True, "no_deepar": True}, "Simulated sources: tuned", "--prophet 10 --no-deepar --tune"),
        ({"instance_type": "ml.c5.large"}, "Simulated sources", "--prophet 10 --instance-type ml.c5.large"),
    ],
)
def test_a_run_of_other_data_has_a_part_of_its_own_and_its_real_options(given, part, options):
    args = arguments(**given)
    assert report.title(progress.dataset(args)) == part
    assert report.command(args).startswith("python run.py") and f"{options} --results" in report.command(args)


@pytest.mark.parametrize(
    ("files", "dataset"),
    [
        (("m1.parquet", "m3_yearly_quarterly.parquet", "m4_weekly.parquet"), "competitions"),
        (("m1.parquet", "m4_weekly.parquet"), "m1-m4_weekly"),
        (("shops.csv", "m1.parquet", "m3_yearly_quarterly.parquet", "m4_weekly.parquet"),)
        + ("shops-m1-m3_yearly_quarterly-m4_weekly",),
    ],
)
def test_only_the_three_competitions_alone_are_the_competitions(tmp_path, files, dataset):
    for name in files:
        (tmp_path / name).touch()
    assert progress.dataset(arguments(data=tmp_path)) == dataset


def test_a_part_is_replaced_by_its_own_run_and_the_others_stay(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "body", lambda found: [found["text"]])
    for dataset, text in [("simulated", "a"), ("competitions", "b"), ("shops-m1", "c"), ("simulated", "d")]:
        report.write({"dataset": dataset, "text": text}, tmp_path)

    text = (tmp_path / "RESULTS.md").read_text()
    assert [part.split()[-1] for part in text.split("\n## ")[1:]] == ["b", "c", "d"]


def test_without_git_the_commit_is_unknown(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))
    assert report.commit(tmp_path) == "unknown"
