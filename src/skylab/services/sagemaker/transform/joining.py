"""DataProcessing: what of a record is sent, and what of record and answer is kept.

A row of CSV is a list, and joined with the answer's row it is a longer one. A record of JSON gets the answer as its
SageMakerOutput; one that is no object goes with it into a new one, as SageMakerInput.
https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform-data-processing.html
"""

import csv
import io
import json
from collections.abc import Sequence
from typing import Any

from skylab.services.sagemaker.transform.filters import NothingThere, Path


class BadData(Exception):
    """A record, or an answer, that is not what it is said to be; the text is for the log."""


def kind(content_type: str) -> str | None:
    """csv or json; None: neither."""
    named = content_type.partition(";")[0].strip().lower()
    if named == "text/csv":
        return "csv"
    return "json" if named in ("application/json", "application/jsonlines", "application/x-jsonlines") else None


class Processing:
    """Of one job. Records and answers are lines, but for a JSON object that is not split: it is one record."""

    def __init__(self, given: dict[str, Any], content_type: str, split: str) -> None:
        self._csv = kind(content_type) == "csv"
        self.single = split == "None" and content_type.partition(";")[0].strip().lower() == "application/json"
        self._sent, self._kept = Path(given["InputFilter"]), Path(given["OutputFilter"])
        self._joins = given["JoinSource"] == "Input"

    def payload(self, records: Sequence[bytes]) -> bytes:
        """What is sent of so many records. Raises BadData."""
        if self._sent.whole:
            return b"\n".join(records)
        return b"\n".join(self._written(self._filtered(self._sent, self._read(record))) for record in records)

    def kept(self, records: Sequence[bytes], answer: bytes) -> list[bytes]:
        """What is kept, record by record. Raises BadData."""
        if not self._joins and self._kept.whole:
            return [answer]
        answers = [answer] if self.single else [line for line in answer.splitlines() if line.strip()]
        if not self._csv and len(records) == 1:
            answers = [answer]
        if len(answers) != len(records):
            raise BadData(f"The algorithm gave {len(answers)} records for {len(records)}")
        pairs = zip(records, answers, strict=True)
        return [self._written(self._filtered(self._kept, self._joined(*pair))) for pair in pairs]

    def _joined(self, record: bytes, answer: bytes) -> Any:
        output = self._read(answer, "output from the algorithm")
        if not self._joins:
            return output
        value = self._read(record)
        if self._csv:
            return value + output
        whole = value if isinstance(value, dict) else {"SageMakerInput": value}
        return whole | {"SageMakerOutput": output}

    def _read(self, text: bytes, what: str = "input") -> Any:
        try:
            if self._csv:
                return next(csv.reader([text.decode()]), [])
            return json.loads(text)
        except (ValueError, csv.Error, RecursionError):
            raise BadData(f"Failed to parse {what} as {'CSV' if self._csv else 'JSON'}") from None

    def _written(self, value: Any) -> bytes:
        if not self._csv:
            return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()
        out = io.StringIO()
        csv.writer(out, lineterminator="").writerow(value if isinstance(value, list) else [value])
        return out.getvalue().encode()

    def _filtered(self, path: Path, value: Any) -> Any:
        try:
            return path.of(value)
        except NothingThere as problem:
            raise BadData(str(problem)) from None
