import re
from pathlib import Path

import results

SYSTEM = Path(__file__).resolve().parents[1]
REACHED = (SYSTEM / "README.md").read_text().split("## What it reached")[1].split("\n## ")[0]


def rows(text):
    """Name -> the figures of each table row, without intervals."""
    lines = (line.strip("| ").split(" | ") for line in text.splitlines() if line.startswith("| "))
    return {name: [re.match(r"[\d.]*", cell.strip("*"))[0] for cell in cells] for name, *cells in lines}


def test_the_rows_of_readmes_table_are_those_of_the_part_that_it_names():
    said = rows(results.parts(SYSTEM / "RESULTS.md")[results.HANDBOOK].split("\nWeek by week")[0])
    told = {name: cells for name, cells in rows(REACHED).items() if not name.startswith("the handbook's transactions")}
    assert len(told) == 6 and {name: said.get(name) for name in told} == told


def test_the_figures_of_readmes_text_stand_in_the_part_that_they_are_of():
    """Every figure with a decimal, digit by digit: of the handbook's transactions, or of NAB where NAB is spoken of."""
    parts = results.parts(SYSTEM / "RESULTS.md")
    for line in REACHED.split("\n- ")[1:]:
        figures = re.findall(r"[+-]?\d+\.\d+", line)
        said = parts[results.NAB] + parts[results.HANDBOOK] if "NAB" in line else parts[results.HANDBOOK]
        assert [one for one in figures if not re.search(rf"(?<![\d.]){re.escape(one)}(?!\d)", said)] == []


def test_results_has_only_parts_that_a_command_writes():
    found = results.parts(SYSTEM / "RESULTS.md")
    assert set(found) <= set(results.ORDER)
    assert all(body.startswith("Written by `python ") for body in found.values())
