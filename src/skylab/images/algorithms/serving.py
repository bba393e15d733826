"""A trained algorithm behind /invocations: a request's rows in, a record for each out, in the form that is accepted."""

import json
import os
from pathlib import Path
from typing import Any, Protocol

from skylab.images.algorithms import arrays, payload, recordio, records
from skylab.images.algorithms.channels import RECORDIO
from skylab.images.environment import cpus
from skylab.images.failures import JobFailed
from skylab.images.predicting import Answer, Refused, Request

QUICK = 4096  # bytes of payload
LIMIT = 6  # MB
MODEL = "model_algo-1"
Record = dict[str, Any]  # numbers and lists of numbers by name


class Predictor(Protocol):
    """key: what a JSON answer calls the list of records. width: features of a row. quick: a few rows take < 1 ms."""

    key: str
    width: int
    quick: bool

    def records(self, rows: Any, verbose: bool) -> list[Record]:
        """Rows: a 2-D float32 array, or a CSR matrix."""
        ...


class Served:
    def __init__(self, predictor: Predictor) -> None:
        self.predictor = predictor
        self.accept = os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT") or payload.JSON

    def quick(self, request: Request) -> bool:
        return self.predictor.quick and len(request.body) <= QUICK

    def execution_parameters(self) -> dict[str, object] | None:
        return {"MaxConcurrentTransforms": cpus(), "BatchStrategy": "MULTI_RECORD", "MaxPayloadInMB": LIMIT}

    def predict(self, request: Request) -> Answer:
        accept, _, options = (request.accept or self.accept).partition(";")
        accept = accept.strip().lower()
        if accept not in payload.ACCEPTED:
            raise Refused(406, f"Unsupported accept {accept}: it should be one of {', '.join(payload.ACCEPTED)}.")
        rows = payload.rows(request.body, request.content_type, self.predictor.width)
        found = self.predictor.records(rows, "verbose=true" in options.replace(" ", "").lower())
        return Answer(written(found, self.predictor.key, accept), accept)


def written(found: list[Record], key: str, accept: str) -> bytes:
    if accept == RECORDIO:
        return recordio.written(records.written(_lists(record)) for record in found)
    if accept == payload.JSONLINES:
        return "".join(json.dumps(record) + "\n" for record in found).encode()
    if accept == payload.CSV:
        return "".join(",".join(_cells(record)) + "\n" for record in found).encode()
    return json.dumps({key: found}).encode()


def _lists(record: Record) -> dict[str, list[float]]:
    return {name: value if isinstance(value, list) else [value] for name, value in record.items()}


def _cells(record: Record) -> list[str]:
    return [repr(each) for value in _lists(record).values() for each in value]


def read_arrays(folder: Path) -> dict[str, Any]:
    """Raises JobFailed where model_algo-1 is missing or broken."""
    try:
        return arrays.read((folder / MODEL).read_bytes())
    except (OSError, ValueError) as error:
        raise JobFailed(f"There is no model in {folder}: {MODEL} cannot be read: {error}") from error
