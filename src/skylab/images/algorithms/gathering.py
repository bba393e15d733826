"""Several hosts: the first collects the shards of the others and trains on all of them; the others are done with that.

The simplest thing that is true: the model is the one that a single host with all the data makes. A channel that every
host has whole (FullyReplicated) is not collected.
"""

import io
import socket
import struct
import time
from typing import Any

import numpy

from skylab.images.algorithms.channels import Rows
from skylab.images.boosting.cluster import PATIENCE, address
from skylab.images.failures import JobFailed

PORT = 9108
SIZE = struct.Struct("<Q")


def collected(hosts: list[str], current: str, shards: dict[str, Rows]) -> dict[str, Rows] | None:
    """On the first host the rows of all, by channel and in the order of hosts; None on the others.

    Raises JobFailed where another host does not come.
    """
    if current != hosts[0]:
        _send(address(hosts[0]), hosts.index(current), shards)
        return None
    received = {0: shards} | _receive(address(current), len(hosts) - 1)
    return {name: _joined([received[rank][name] for rank in sorted(received)]) for name in shards}


def _joined(parts: list[Rows]) -> Rows:
    if any(part.sparse for part in parts):
        from scipy.sparse import csr_matrix, vstack

        features = vstack([csr_matrix(part.features) for part in parts]).tocsr()
    else:
        features = numpy.concatenate([part.features for part in parts])
    labelled = all(part.labels is not None for part in parts)
    return Rows(features, numpy.concatenate([part.labels for part in parts]) if labelled else None)


def _receive(host: str, many: int) -> dict[int, dict[str, Rows]]:
    received = {}
    with socket.create_server((host, PORT), backlog=many) as listening:
        listening.settimeout(PATIENCE)
        for _ in range(many):
            try:
                caller, _ = listening.accept()
            except TimeoutError as error:
                raise JobFailed("InternalServerError: another host did not send its data") from error
            with caller:
                caller.settimeout(PATIENCE)
                rank, body = _message(caller)
                received[rank] = _unpacked(body)
    return received


def _message(caller: socket.socket) -> tuple[int, bytes]:
    with caller.makefile("rb") as stream:
        rank, size = SIZE.unpack(stream.read(SIZE.size))[0], SIZE.unpack(stream.read(SIZE.size))[0]
        return rank, stream.read(size)


def _send(host: str, rank: int, shards: dict[str, Rows]) -> None:
    body = _packed(shards)
    until = time.monotonic() + PATIENCE
    while True:
        try:
            with socket.create_connection((host, PORT), timeout=PATIENCE) as connection:
                connection.sendall(SIZE.pack(rank) + SIZE.pack(len(body)) + body)
                return
        except ConnectionRefusedError as error:  # it does not listen yet
            if time.monotonic() > until:
                raise JobFailed(f"InternalServerError: the first host cannot be reached: {error}") from error
            time.sleep(0.1)


def _packed(shards: dict[str, Rows]) -> bytes:
    out = io.BytesIO()
    arrays: dict[str, Any] = {}
    for name, rows in shards.items():
        if rows.sparse:
            parts = {"data": rows.features.data, "columns": rows.features.indices, "ends": rows.features.indptr}
            arrays |= {f"{name}/{part}": each for part, each in parts.items()}
            arrays[f"{name}/shape"] = numpy.array(rows.features.shape)
        else:
            arrays[f"{name}/dense"] = rows.features
        if rows.labels is not None:
            arrays[f"{name}/labels"] = rows.labels
    numpy.savez(out, **arrays)
    return out.getvalue()


def _unpacked(body: bytes) -> dict[str, Rows]:
    arrays = numpy.load(io.BytesIO(body), allow_pickle=False)
    rows = {}
    for name in {each.rpartition("/")[0] for each in arrays.files}:
        labels = arrays[f"{name}/labels"] if f"{name}/labels" in arrays.files else None
        if f"{name}/dense" in arrays.files:
            rows[name] = Rows(arrays[f"{name}/dense"], labels)
        else:
            rows[name] = Rows(_csr(arrays, name), labels)
    return rows


def _csr(arrays: Any, name: str) -> Any:
    from scipy.sparse import csr_matrix

    parts = tuple(arrays[f"{name}/{part}"] for part in ("data", "columns", "ends"))
    return csr_matrix(parts, shape=tuple(arrays[f"{name}/shape"]))
