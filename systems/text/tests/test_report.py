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


def judged(**settings: Any) -> dict[str, Any]:
    row: dict[str, Any] = {"protocol": "ten a class", "folds": 1, "test": 8228, "repeats": False}
    row |= {"commits": ["abc"], "at": "today"}
    row |= {kind: {"accuracy": right, "interval": [right - 0.01, right + 0.01]}
            for kind, right in {"floor": 0.70, "encoder": 0.86}.items()}  # fmt: skip
    choices = {"epochs": 10, "frozen": 0, "rate": 0.0004, "batch": 64, "decay": 1.0}
    told = {"set": "few", "seed": 1974, "seeds": 1, "settle": False, "choices": choices} | settings
    return {"settings": told, "folds": [row]}


def test_a_set_whose_figure_is_missed_says_so(tmp_path: Path) -> None:
    told = judged()
    (tmp_path / "few.json").write_text(json.dumps(told))

    text = "\n".join(published.lines(tmp_path))

    assert "| 8,228 | 0.7000 (0.6900 to 0.7100) | 0.8600" in text and "| 0.85 | reached |" in text
    told["folds"][0]["encoder"]["accuracy"] = 0.845
    assert "| not reached |" in "\n".join(published.table([told])) and "Not reached: " in published.setting(told)


def test_what_settings_were_chosen_by_is_no_result(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "few.json").write_text(json.dumps(judged(settle=True)))

    with pytest.raises(SystemExit) as ended:
        published.lines(tmp_path)

    assert ended.value.code == 2 and "it is no result" in capsys.readouterr().err
