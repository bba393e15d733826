"""RESULTS.md in parts, the summary for a table of several systems, and the part of the published sets."""

import json
from pathlib import Path
from typing import Any

import parts
import published
import pytest

FACT = {"value": 0.74111, "interval": [0.68444, 0.77]}


def test_a_command_writes_its_own_part_and_leaves_the_others(tmp_path: Path) -> None:
    parts.put(tmp_path, "published", ["old sets", "", "### below", "more"])
    parts.put(tmp_path, "aws", ["first run"])
    parts.put(tmp_path, "aws", ["second run"])

    told = (tmp_path / "RESULTS.md").read_text()

    assert told.startswith(parts.OPENING) and "first run" not in told
    assert told.index(f"## {parts.HEADS['aws']}\n\nsecond run\n") < told.index("old sets\n\n### below\nmore\n")
    assert [path.name for path in tmp_path.iterdir()] == ["RESULTS.md"]


def test_what_no_command_owns_does_not_stay(tmp_path: Path) -> None:
    (tmp_path / "RESULTS.md").write_text("# Results\n\nolder\n\n## Forgotten\n\nwords\n")

    parts.put(tmp_path, "aws", ["run"])

    assert (tmp_path / "RESULTS.md").read_text() == f"{parts.OPENING}\n## {parts.HEADS['aws']}\n\nrun\n"


def found(low: float, high: float) -> dict[str, Any]:
    models = {name: {"macro F1": FACT} for name in ("floor", "encoder", "encoder int8", "both")}
    return {
        "dataset": "aws",
        "report": {"models": models, "difference": {"interval": [low, high]}},
        "seconds": {"linear": 10, "encoder": 350},
        "instance": "ml.c5.xlarge",
        "endpoint": "text-aws-1",
        "deleted": False,
        "approved": high >= 0,
    }


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [
        (0.01, 0.03, "approved, better than the floor"),
        (-0.01, 0.03, "approved, within noise of the floor"),
        (-0.03, -0.01, "rejected, worse than the floor"),
    ],
)
def test_the_summary_says_floor_model_and_verdict(tmp_path: Path, low: float, high: float, verdict: str) -> None:
    report = pytest.importorskip("report", reason="needs what run.py needs")

    report.summarise(found(low, high), tmp_path / "summary.json")

    told = json.loads((tmp_path / "summary.json").read_text())
    assert told["verdict"] == verdict and len(verdict) <= 60
    assert told["floor"] == {"name": "TF-IDF, linear", "value": 0.741, "low": 0.684, "high": 0.77}
    assert told["model"]["name"] == "8 bits and TF-IDF, as served"
    assert told["measure"] == "macro F1" and told["better"] == "higher" and told["endpoint"] == "text-aws-1"
    assert told["dollars"] == pytest.approx(0.0204)


def judged(right: int = 86, **settings: Any) -> dict[str, Any]:
    truth = [0, 1, 2, 3] * 25
    said = {kind: [*truth[:many], *[9] * (100 - many)] for kind, many in {"floor": 70, "encoder": right}.items()}
    fold = {"truth": truth, "once": [True] * 100, "commit": "abc", "at": "today", "seconds": 1.0} | said
    choices = {"epochs": 10, "frozen": 0, "rate": 0.0004, "batch": 64, "decay": 1.0}
    told = {"set": "few", "seed": 1974, "seeds": 1, "settle": False, "choices": choices} | settings
    return {"settings": told, "said": {"ten a class": fold}}


def test_a_set_whose_figure_is_missed_says_so(tmp_path: Path) -> None:
    for right, verdict in ((86, "reached |"), (84, "not reached |")):
        (tmp_path / "few.json").write_text(json.dumps(judged(right)))

        text = "\n".join(published.lines(tmp_path))

        assert "| 100 | 0.7000 (0.6" in text and f"| 0.{right}00 (0." in text and f"| 0.85 | {verdict}" in text
        assert ("Not reached: " in text) == (right < 85)


def test_repeated_texts_are_judged_once_and_a_filter_by_what_it_caught() -> None:
    fold = {"truth": [0, 0, 1, 1], "floor": [0, 0, 1, 0], "encoder": [0, 0, 1, 1], "once": [False, True, True, True]}
    fold |= {"commit": "abc", "at": "today", "seconds": 1.0}

    whole, without = published.summary({"first 30 %": fold})

    assert (whole["test"], without["test"]) == (4, 3) and without["repeats"]
    assert whole["floor"]["accuracy"] == 0.75 and whole["gain"]["value"] == 0.25
    assert whole["floor"]["caught"] == 0.5 and whole["encoder"]["MCC"] == pytest.approx(1)


def test_what_settings_were_chosen_by_is_no_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "few.json").write_text(json.dumps(judged(settle=True)))

    with pytest.raises(SystemExit) as ended:
        published.lines(tmp_path)

    assert ended.value.code == 2 and "it is no result" in capsys.readouterr().err
