import numpy as np
import polars as pl
import pytest
import report
from generations import csv
from serving import text
from simulate import simulate
from tables import CANONICAL, BadInput, load, starts


def days(last):
    return pl.DataFrame({"TX_TIME_DAYS": [0, last]})


def test_the_last_fold_is_the_handbooks_own_or_as_late_as_possible():
    assert starts(days(182), 2, validated=False) == [CANONICAL - 7, CANONICAL]
    assert starts(days(90), 1, validated=True) == [70]  # 2018-06-10, tested from 2018-06-24 to 30
    with pytest.raises(BadInput, match="room for 4 folds, not for 5"):
        starts(days(90), 5, validated=False)


def test_no_week_is_tested_that_chose_the_hyperparameters():
    """Days 42 to 62 were the validation weeks; of the handbook's whole file, eleven folds would begin on day 59."""
    assert starts(days(182), 10, validated=True)[0] + 14 == 66
    with pytest.raises(BadInput, match="room for 10 folds, not for 11"):
        starts(days(182), 11, validated=True)


def test_a_folder_of_the_handbooks_files_is_read_and_the_features_are_in_its_order(tmp_path):
    made = simulate(days=6, customers=60, terminals=900, seed=1)
    for part, name in ((made[:150], "a"), (made[150:], "b")):
        part.write_parquet(tmp_path / f"handbook_sim_{name}.parquet")

    found = load(tmp_path)

    assert found.table["CUSTOMER_ID"].to_list() == made["CUSTOMER_ID"].to_list()
    assert found.x.dtype == np.float32 and np.allclose(found.x[:, 0], made["TX_AMOUNT"])
    assert "handbook_sim_a.parquet, handbook_sim_b.parquet" in found.origin


@pytest.mark.parametrize(
    ("spoilt", "said"),
    [
        (lambda table: table.drop("TX_FRAUD"), "TX_FRAUD"),
        (lambda table: table[:0], "has no transactions"),
        (lambda table: table.with_columns(TX_AMOUNT=pl.lit(None, pl.Float64)), "has empty cells"),
        (lambda table: table.with_columns(TX_FRAUD=pl.lit("yes")), "does not hold transactions"),
    ],
)
def test_a_file_that_cannot_be_used_is_told_so_in_a_sentence(tmp_path, spoilt, said):
    with pytest.raises(BadInput, match="has no handbook_sim"):
        load(tmp_path)
    spoilt(simulate(days=2, customers=20, terminals=900, seed=1)).write_parquet(tmp_path / "handbook_sim_a.parquet")
    with pytest.raises(BadInput, match=said):
        load(tmp_path)


def test_what_jobs_and_endpoints_read_is_the_very_float32():
    x = np.random.default_rng(0).random((50, 15)).astype(np.float32) * 1000
    for body in (csv(x).decode(), text(x)):
        again = np.array([line.split(",") for line in body.split()], dtype=float).astype(np.float32)
        assert np.array_equal(again, x)


def test_the_cost_is_billed_seconds_at_list_price_or_says_that_it_is_unknown():
    found = {"seconds": {"xgboost": 1800, "lightgbm": 1800}, "instance": "ml.m5.large"}
    assert report.cost(found).startswith("$0.1150 of training")
    assert "not in our table" in report.cost(found | {"instance": "ml.x9.large"})
