"""A model card on paper: every member of its content under its title, nothing left out.

The standard fonts of PDF know Latin letters only; any other is written as "?".
"""

from __future__ import annotations

import json
from datetime import datetime
from importlib.util import find_spec
from typing import Any

from skylab.wire.errors import invalid

SIZES = {0: 15, 1: 12}
TEXT = 10


def available() -> None:
    """Raises AwsError where the library is not installed."""
    if find_spec("fpdf") is None:
        raise invalid("CreateModelCardExportJob needs the library fpdf2: pip install 'skylab[cards]'.")


def written(card: dict[str, Any]) -> bytes:
    from fpdf import FPDF  # here: few ever export a card

    pdf = FPDF(format="A4")
    pdf.set_creation_date(card["CreationTime"])  # the same card gives the same bytes
    pdf.set_title(_latin(f"Model card {card['ModelCardName']}"))
    pdf.add_page()
    _line(pdf, card["ModelCardName"], "B", 20)
    changed: datetime = card["LastModifiedTime"]
    _line(pdf, f"Version {card['ModelCardVersion']}, {card['ModelCardStatus']}, {changed:%Y-%m-%d %H:%M} UTC", "", TEXT)
    _write(pdf, json.loads(card["Content"]), 0)
    return bytes(pdf.output())


def _write(pdf: Any, value: Any, depth: int) -> None:
    if isinstance(value, dict):
        for name, inner in value.items():
            plain = not isinstance(inner, dict | list)
            title = name.replace("_", " ").capitalize()
            if plain:
                _line(pdf, f"{title}: {inner}", "", TEXT)
            else:
                pdf.ln(2)
                _line(pdf, title, "B", SIZES.get(depth, TEXT))
                _write(pdf, inner, depth + 1)
    elif isinstance(value, list) and not any(isinstance(item, dict) for item in value):
        _line(pdf, ", ".join(map(str, value)), "", TEXT)
    elif isinstance(value, list):
        for item in value:
            _write(pdf, item, depth)
            pdf.ln(1)
    else:
        _line(pdf, str(value), "", TEXT)


def _line(pdf: Any, text: str, style: str, size: int) -> None:
    pdf.set_font("Helvetica", style=style, size=size)
    pdf.multi_cell(0, size * 0.5, _latin(text) or " ", new_x="LMARGIN", new_y="NEXT", wrapmode="CHAR")


def _latin(text: str) -> str:
    return text.encode("latin-1", "replace").decode("latin-1")
