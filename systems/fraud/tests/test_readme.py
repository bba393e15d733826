import re
from pathlib import Path

import results

SYSTEM = Path(__file__).resolve().parents[1]
README = (SYSTEM / "README.md").read_text()


def test_the_figures_of_readme_are_those_of_results():
    """Every figure with a decimal in the section on what was reached stands in RESULTS.md, digit by digit."""
    section = README.split("## What it reached")[1].split("\n## ")[0]
    figures = re.findall(r"[+−-]?\d+\.\d+", section)
    said = (SYSTEM / "RESULTS.md").read_text()
    assert len(figures) > 10
    missing = [one for one in figures if not re.search(rf"(?<![\d.]){re.escape(one.replace('−', '-'))}(?!\d)", said)]
    assert not missing


def test_results_has_only_parts_that_a_command_writes():
    found = results.parts(SYSTEM / "RESULTS.md")
    assert set(found) <= set(results.ORDER)
    assert all(body.startswith("Written by `python ") for body in found.values())
