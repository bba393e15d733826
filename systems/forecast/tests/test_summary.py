"""All groups together: the pooled, paired comparison, and the one object that a run is summed up in."""

import json

import numpy as np
import pytest

pytest.importorskip("rich")
import report
import summary
from pooled import REFERENCE, pooled


def group(seed, count, ensemble, best="a"):
    """Errors around those of the reference: members a and b, the floor, and an ensemble so many times as bad."""
    rng = np.random.default_rng(seed)
    reference = rng.uniform(5, 15, (2, count))
    factor = {"a": 0.9, "b": 0.95, "snaive": 1.1, "ensemble": ensemble}
    errors = {name: (reference * by * rng.uniform(0.98, 1.02, (2, count))).tolist() for name, by in factor.items()}
    chosen = {"members": {"a": 0.9, "b": 0.95}}
    return {"series": count, "errors": errors | {REFERENCE: reference.tolist()}, "chosen": chosen, "best": best}


def found(**more):
    whole = {"pooled": pooled({"g": group(1, 60, 0.8), "h": group(2, 20, 0.9)}), "dataset": "simulated"}
    whole |= {"deleted": False, "endpoint": "forecast-1", "instance": "ml.m5.large", "billed": 3636.0}
    return whole | {"members": {"a": {"seconds": {"g": 3600.0, "h": 3600.0}}}} | more


def test_the_owa_of_all_is_that_of_the_groups_weighted_by_their_series():
    told = pooled({"g": group(1, 60, 0.8), "h": group(2, 20, 0.9)})

    assert told["series"] == 80 and told["best"] == "a"
    assert told["models"]["ensemble"]["owa"]["value"] == pytest.approx(0.75 * 0.8 + 0.25 * 0.9, abs=0.01)
    assert told["difference"]["interval"][1] < 0 and told["difference_floor"]["interval"][1] < 0


def test_what_is_as_good_as_the_best_member_is_within_noise():
    told = pooled({"g": group(1, 60, 0.9), "h": group(2, 20, 0.9)})

    assert "within noise" in report.compared(told)[0] and "better beyond noise" in report.compared(told)[2]


def test_a_model_that_one_group_lacks_is_not_among_those_of_all():
    one = group(1, 60, 0.8)
    one["errors"]["deepar"] = one["errors"]["a"]
    assert "deepar" not in pooled({"g": one, "h": group(2, 20, 0.9)})["models"]


def test_the_summary_has_what_a_table_of_systems_needs(tmp_path):
    whole, path = found(), tmp_path / "forecast.json"

    summary.write(whole, path)

    told = json.loads(path.read_text())
    assert told["dataset"] == "80 series, simulated" and told["measure"] == "OWA" and told["better"] == "lower"
    assert told["model"]["name"] == "ensemble" and told["model"]["low"] < told["model"]["value"] < told["model"]["high"]
    assert told["floor"]["value"] == pytest.approx(1.1, abs=0.01)
    assert told["verdict"] == "approved, better than the floor beyond noise" and len(told["verdict"]) <= 60
    assert told["endpoint"] == "forecast-1"
    assert told["dollars"] == pytest.approx((1 + 0.01) * report.PRICES["ml.m5.large"])
    assert [each.name for each in tmp_path.iterdir()] == ["forecast.json"]


def test_no_endpoint_is_named_that_was_deleted():
    assert summary.summary(found(deleted=True))["endpoint"] is None
