"""From two candidates to one endpoint: what compression costs and gains, the registry, the A/B test, the latency."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from typing import Any

import abtest
import baselines
import cloud
import evaluate
import numpy as np
import xgboost
from evaluate import METRICS
from generations import Ensemble, Generation, Weeks
from inference import predict_fn
from members import FILES, MEMBERS, TREES, member
from train import probability

VARIANTS = {"xgboost": "xgboost", "ensemble": "ensemble, compressed"}  # variant -> the model that it serves
TIMED, WARM = 1000, 100  # single rows
ASKED = 300  # single rows through the endpoint
TOLERANCE = 1e-5  # between the endpoint's answer and the artefact's own


def text(x: np.ndarray) -> str:
    """Rows as the CSV that endpoints read."""
    return "\n".join(",".join(f"{value:.9g}" for value in row) for row in x)


def timed(call: Callable[[np.ndarray], Any], rows: np.ndarray) -> tuple[float, float]:
    """(p50, p99) of one row, in microseconds."""
    for row in rows[:WARM]:
        call(row[None])
    took = []
    for row in rows:
        begun = time.perf_counter_ns()
        call(row[None])
        took.append((time.perf_counter_ns() - begun) / 1000)
    return float(np.percentile(took, 50)), float(np.percentile(took, 99))


def compression(generation: Generation, ensemble: Ensemble, x: np.ndarray) -> dict[str, Any]:
    """The graph against the libraries that trained its members, one thread each.

    The libraries' time is that of the three members with trees and the stacker, without the random cut forest, which
    has no library here.
    """
    members = generation.members
    members.boosted.set_param({"nthread": 1})

    def plainly(row: np.ndarray) -> np.ndarray:
        return probability(ensemble.stacker, np.column_stack([members.words(row, num_threads=1), [1.0]]))

    rows = np.ascontiguousarray(x[:TIMED])
    libraries, graph = timed(plainly, rows), timed(lambda row: predict_fn(row, ensemble.graph), rows)
    names = (*FILES.items(), ("randomcutforest", "model_algo-1"))
    scores = ensemble.scores(generation, x)
    whole, small = (scores[name] for name in ("ensemble", "ensemble, compressed"))
    return {
        "libraries": libraries,
        "graph": graph,
        "speedup": libraries[0] / graph[0],
        "bytes": [sum(len(member(generation.files[kind], name)) for kind, name in names)]
        + [(ensemble.folder / "ensemble.onnx").stat().st_size],
        "apart": [float(np.abs(whole - small).mean()), float(np.abs(whole - small).max())],
        "exact": exactness(generation, ensemble, x),
        "xgboost": xgboost.__version__,
    }


def exactness(generation: Generation, ensemble: Ensemble, x: np.ndarray) -> float:
    """How far the graph's members are from the libraries' at most, in log-odds of a member, the imitation left out."""
    import onnx
    import onnxruntime

    graph = onnx.load(ensemble.folder / "ensemble.onnx")
    graph.graph.output[0].CopyFrom(onnx.helper.make_tensor_value_info("members", 1, [None, len(MEMBERS)]))
    session = onnxruntime.InferenceSession(graph.SerializeToString(), providers=["CPUExecutionProvider"])
    inside = session.run(["members"], {"x": x})[0][:, : len(TREES)]
    return float(np.abs(inside - generation.members.words(x)).max())


def register(weeks: Weeks, generation: Generation, ensemble: Ensemble, judged: dict[str, Any]) -> dict[str, str]:
    """A version of each candidate, approved or rejected by the gate; SystemExit unless all are approved."""
    artifacts = {"xgboost": generation.artifacts["xgboost"], "ensemble": ensemble.artifact}
    packages, rejected = {}, []
    for variant, model in VARIANTS.items():
        values = dict(zip(METRICS, judged["models"][model].values.tolist(), strict=True))
        uri = cloud.put(
            weeks.acc, f"{weeks.prefix}/models/metrics/{variant}.json", json.dumps({"binary": values}).encode()
        )
        facts = {name: f"{value:.4f}" for name, value in values.items()} | {"first day": str(generation.start)}
        status = "Approved" if passes(judged["models"], model) else "Rejected"
        packages[variant] = cloud.register(weeks.acc, variant, artifacts[variant], uri, facts, status)
        if status == "Rejected":
            rejected.append(variant)
    if rejected:
        raise SystemExit(
            f"{' and '.join(rejected)} registered as rejected, nothing deployed: average precision is not above that "
            f"of {baselines.FLOOR} beyond noise, or below that of the {baselines.STRAIGHT}."
        )
    return packages


def passes(judged: dict[str, evaluate.Judged], model: str) -> bool:
    """The gate, by average precision: above the amount alone and not below the logistic regression, beyond noise."""
    _, low, _ = evaluate.difference(judged, model, baselines.FLOOR)[1]
    _, _, high = evaluate.difference(judged, model, baselines.STRAIGHT)[1]
    return bool(low > 0 and high >= 0)  # neither holds of what is no number


def compare(weeks: Weeks, name: str, generation: Generation, ensemble: Ensemble, say: Any) -> dict[str, Any]:
    """Send every card's test week in one request, let the endpoint deal them out, and test the difference."""
    rows = generation.fold.test
    card = weeks.data.table["CUSTOMER_ID"].to_numpy()[rows]
    own = ensemble.scores(generation, weeks.data.x[rows])
    cards = np.random.default_rng(abtest.SEED).permutation(np.unique(card))
    order = np.argsort(card, kind="stable")
    begins = np.searchsorted(card[order], np.arange(card.max() + 2))
    runtime = weeks.acc.session.client("sagemaker-runtime")
    dealt: dict[str, list[np.ndarray]] = {variant: [] for variant in VARIANTS}
    answered = np.full(len(rows), np.nan)
    for number, one in enumerate(cards):
        mine = order[begins[one] : begins[one + 1]]
        answered[mine], variant = cloud.ask(runtime, name, text(weeks.data.x[rows[mine]]))
        dealt[variant].append(mine)
        if number % 200 == 0:
            say(f"{number:,} of {len(cards):,} cards")
    for variant, parts in dealt.items():
        mine = np.concatenate(parts)
        if np.abs(answered[mine] - own[VARIANTS[variant]][mine]).max() > TOLERANCE:
            raise SystemExit(f"{variant} answers otherwise than its artefact: it serves another model")
    truth = weeks.data.truth(rows)
    arms = [abtest.Arm(card[mine], truth[mine], answered[mine]) for mine in map(np.concatenate, dealt.values())]
    sizes = {variant: [len(parts), sum(map(len, parts))] for variant, parts in dealt.items()}
    return abtest.compare(*arms) | {"sizes": sizes}


def latency(weeks: Weeks, name: str, variants: list[str]) -> dict[str, tuple[float, float]]:
    """(p50, p99) in milliseconds of one transaction, asked one after the other over HTTP."""
    runtime = weeks.acc.session.client("sagemaker-runtime")
    rows = weeks.data.x[:ASKED]
    found = {}
    for variant in variants:
        micro = timed(lambda row, variant=variant: cloud.ask(runtime, name, text(row), variant), rows)
        found[variant] = (micro[0] / 1000, micro[1] / 1000)
    return found
