"""How fast does an endpoint answer? One row to a trained XGBoost model: latency alone, and what sixteen callers get.

    python bench/inference.py [--rounds N]

The model's own time is measured in a bare process, from text to text; the goals are above it.
The peers serve the same model file by the same lines of Python (bench/peers/), from environments of their own.
"""

import argparse
import io
import json
import subprocess
import sys
import tarfile
import threading
import time
from pathlib import Path

from tools.clouds import Cloud, Peer, folder, python_of, skylab
from tools.figures import Table, percentile
from tools.jobs import XGBOOST, Jobs, row
from tools.wire import Target, Wire

PEERS = Path(__file__).parent / "peers"
CALLS, CALLERS, SECONDS = 1000, 16, 3.0
OWN = """
import sys, time
from predict import Model
model, row, timings = Model(sys.argv[1]), sys.argv[2].encode(), []
for _ in range(500):
    begin = time.perf_counter()
    model.predict(row)
    timings.append(time.perf_counter() - begin)
print(*timings)
"""


def latency(target: Target, request: bytes, rounds: int) -> list[float]:
    wire = Wire(target.url)
    for _ in range(50):
        wire.send(request)
    runs = [[wire.timed(request) for _ in range(CALLS)] for _ in range(rounds)]
    wire.close()
    return min(runs, key=lambda run: percentile(run, 0.5))


def throughput(target: Target, request: bytes) -> float:
    """Answers a second, to callers that ask again at once."""
    counts = [0] * CALLERS
    begin = time.perf_counter()

    def ask(n: int) -> None:
        wire = Wire(target.url)
        while time.perf_counter() - begin < SECONDS:
            wire.send(request)
            counts[n] += 1
        wire.close()

    threads = [threading.Thread(target=ask, args=(n,)) for n in range(CALLERS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / (time.perf_counter() - begin)


def measure(cloud: Cloud, request: bytes, table: Table, rounds: int, own: float) -> None:
    timings = latency(cloud.target, request, rounds)
    table.times("one row", cloud.name, timings)
    table.times("  above the model's own time", cloud.name, [t - own for t in timings], "0.8/3 ms")
    table.rate("sixteen callers", cloud.name, [throughput(cloud.target, request) for _ in range(rounds)], "/s")


def unpacked(archive: bytes, root: Path) -> Path:
    with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
        tar.extractall(root, filter="data")
    return next(path for path in root.iterdir() if path.is_file())


def own_time(model: Path) -> list[float]:
    said = subprocess.run([sys.executable, "-c", OWN, model, row()], cwd=PEERS, capture_output=True, text=True)
    if said.returncode:
        raise SystemExit(said.stderr)
    return [float(text) for text in said.stdout.split()]


PEERS_KNOWN = {  # module, health check, how a row is put into the JSON that each reads
    "litserve": ("litserve", "/health", lambda csv: {"csv": csv}),
    "bentoml": ("bentoml", "/readyz", lambda csv: {"csv": csv}),
    "mlflow": ("mlflow", "/ping", lambda csv: {"inputs": [csv]}),
}


def peers(model: Path) -> list[Peer]:
    made = [
        Peer(
            name,
            module,
            python_of(f"peers-{name}"),
            (str(PEERS / f"serve_{name}.py"), "{port}", str(model)),
            health=health,
        )
        for name, (module, health, _) in PEERS_KNOWN.items()
    ]
    for peer in made:
        if not peer.installed:
            print(f"{peer.name} is not installed, so there is no comparison with it: make peers.")
    return [peer for peer in made if peer.installed]


def asked(name: str) -> bytes:
    """A request for one row, as the peer reads it."""
    body = json.dumps(PEERS_KNOWN[name][2](row().decode())).encode()
    lines = ["POST /invocations HTTP/1.1", "Host: peer", "Content-Type: application/json"]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    table = Table("Inference")
    with folder() as root:
        with skylab() as cloud:
            jobs = Jobs(cloud)
            jobs.train("bench", XGBOOST, {"objective": "binary:logistic", "num_round": "50", "nthread": "1"})
            model = unpacked(jobs.model("bench"), root)
            own = own_time(model)
            table.times("the model alone", "python", own)
            endpoint = jobs.deploy("bench", XGBOOST)
            path, headers = f"/endpoints/{endpoint}/invocations", {"Content-Type": "text/csv"}
            request = cloud.target.signed("sagemaker", "POST", path, row(), headers)
            measure(cloud, request, table, given.rounds, percentile(own, 0.5))
            jobs.sagemaker.delete_endpoint(EndpointName=endpoint)
        for peer in peers(model):
            with peer.running() as other:
                measure(other, asked(peer.name), table, given.rounds, percentile(own, 0.5))


if __name__ == "__main__":
    main()
