"""The members of a week (a generation) and the ensembles over them, as jobs of SageMaker.

    generation s   trained on days s to s+6: XGBoost, LightGBM, random forest (LightGBM's), random cut forest
    ensemble s     a stacker that learnt from generation s-14 on the same days s to s+6, put over generation s

So the generation of s-14 is to week s what generation s will be to its test week, s+14.
"""

from __future__ import annotations

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import cloud
import numpy as np
import onnxruntime
import polars as pl
from evaluate import Fold
from inference import model_fn, predict_fn
from members import MODEL, TREES, Members, member
from tables import Transactions
from train import probability

KINDS = (*TREES, "randomcutforest")
CHOSEN = json.loads((Path(__file__).parents[1] / "model" / "hyperparameters.json").read_text())
Say = Callable[[str], None]


@dataclass
class Generation:
    """The four members of a week. anomaly: what the random cut forest says of training rows, then of test rows."""

    start: int
    fold: Fold
    jobs: dict[str, str]
    artifacts: dict[str, str]
    files: dict[str, Path]
    scale: np.ndarray
    anomaly: np.ndarray = field(default_factory=lambda: np.empty(0))

    @property
    def members(self) -> Members:
        return Members.read(self.files)

    def tested(self) -> np.ndarray:
        """The forest's scores of the test rows."""
        return self.anomaly[len(self.fold.train) :]


@dataclass
class Ensemble:
    """A stacker, and the graph that holds it with its members."""

    job: str
    artifact: str
    stacker: dict[str, Any]
    folder: Path
    graph: onnxruntime.InferenceSession

    def scores(self, generation: Generation, x: np.ndarray) -> dict[str, np.ndarray]:
        """Every member, the ensemble as it was trained, and as the graph that serves."""
        read_by = generation.members.all(x, generation.tested())
        return {
            "xgboost": 1 / (1 + np.exp(-read_by[:, 0])),
            "lightgbm": 1 / (1 + np.exp(-read_by[:, 1])),
            "random forest": 1 / (1 + np.exp(-read_by[:, 2])),
            "random cut forest": read_by[:, 3],
            "ensemble": probability(self.stacker, read_by),
            "ensemble, compressed": predict_fn(x, self.graph),
        }


def csv(*columns: np.ndarray) -> bytes:
    """Numbers without a header."""
    written = io.BytesIO()
    pl.DataFrame(np.column_stack(columns)).write_csv(written, include_header=False)
    return written.getvalue()


@dataclass
class Weeks:
    """Where a run's jobs read and write. seconds: billed, by kind of job."""

    acc: cloud.Account
    data: Transactions
    prefix: str
    name: str
    work: Path
    seconds: dict[str, int] = field(default_factory=dict)

    def train(self, start: int, say: Say) -> Generation:
        """Four jobs side by side."""
        fold, place = self.data.fold(start), f"{self.prefix}/week-{start}"
        x, y = self.data.x[fold.train], self.data.truth(fold.train)
        scale = np.where(x.std(axis=0) > 0, x.std(axis=0), 1).astype(np.float32)  # the forest cuts along wide sides
        labelled = cloud.put(self.acc, f"{place}/labelled/train.csv", csv(y, x))
        plain = cloud.put(self.acc, f"{place}/plain/train.csv", csv(x / scale))
        given = {kind: {"train": (labelled, cloud.CSV)} for kind in KINDS}
        for kind in ("lightgbm", "forest"):  # without this channel the image keeps a fifth of the rows from training
            given[kind]["validation"] = (labelled, cloud.CSV)
        given["randomcutforest"] = {"train": (plain, f"{cloud.CSV};label_size=0")}
        to = f"s3://{self.acc.bucket}/{self.prefix}/models"
        jobs = {
            kind: cloud.train(self.acc, kind, f"{self.name}-{start}-{kind}", CHOSEN[kind], channels, to)
            for kind, channels in given.items()
        }
        ended = {kind: self.ended(name, say) for kind, name in jobs.items()}
        return Generation(start, fold, jobs, ended, self.fetched(ended, start), scale)

    def ended(self, job: str, say: Say) -> str:
        """Wait; the artefact's URI."""
        found = cloud.trained(self.acc, job, lambda status: say(f"{job.rpartition('-')[2]} {status}"))
        kind = job.rpartition("-")[2]
        self.seconds[kind] = self.seconds.get(kind, 0) + found.get("BillableTimeInSeconds", 0)
        return found["ModelArtifacts"]["S3ModelArtifacts"]

    def fetched(self, artifacts: dict[str, str], start: int) -> dict[str, Path]:
        """The artefacts on this machine."""
        files = {}
        for kind, uri in artifacts.items():
            files[kind] = self.work / str(start) / kind / MODEL
            files[kind].parent.mkdir(parents=True, exist_ok=True)
            files[kind].write_bytes(cloud.get(self.acc, uri))
        return files

    def score(self, generation: Generation, say: Say) -> np.ndarray:
        """What the forest says of its own week and of its test week, by batch transform."""
        rows = np.concatenate([generation.fold.train, generation.fold.test])
        place = f"{self.prefix}/week-{generation.start}"
        uri = cloud.put(self.acc, f"{place}/rows/rows.csv", csv(self.data.x[rows] / generation.scale))
        name, to = f"{self.name}-{generation.start}-score", f"s3://{self.acc.bucket}/{place}/scored"
        cloud.score(self.acc, name, "randomcutforest", generation.artifacts["randomcutforest"], uri, to)
        found = np.array(cloud.scored(self.acc, name, f"{to}/rows.csv.out", say))
        if len(found) != len(rows):
            raise SystemExit(f"{name} answered {len(found)} rows of {len(rows)}")
        return found

    def stack(self, now: Generation, earlier: Generation, say: Say) -> Ensemble:
        """The stacker's job, in script mode; its artefact serves."""
        place, rows = f"{self.prefix}/week-{now.start}", earlier.fold.test
        x = self.data.x
        stack = csv(self.data.truth(rows), x[rows], earlier.tested())
        train = csv(x[now.fold.train], now.anomaly[: len(now.fold.train)])
        channels = {
            "stack": cloud.put(self.acc, f"{place}/stack/stack.csv", stack),
            "train": cloud.put(self.acc, f"{place}/imitated/train.csv", train),
        }
        channels |= {kind: now.artifacts[kind] for kind in TREES}
        channels |= {f"earlier_{kind}": earlier.artifacts[kind] for kind in TREES}
        code = Path(__file__).parents[1] / "model"
        source = cloud.upload_source(self.acc, code, f"{self.prefix}/source/sourcedir.tar.gz")
        name, to = f"{self.name}-{now.start}-ensemble", f"s3://{self.acc.bucket}/{self.prefix}/models"
        typed = {channel: (uri, cloud.CSV) for channel, uri in channels.items()}
        cloud.train(self.acc, "ensemble", name, cloud.script_mode("train.py", source), typed, to)
        artifact = self.ended(name, say)
        file = self.fetched({"ensemble": artifact}, now.start)["ensemble"]
        folder = file.parent
        (folder / "ensemble.onnx").write_bytes(member(file, "ensemble.onnx"))
        stacker = json.loads(member(file, "stacker.json"))
        return Ensemble(name, artifact, stacker, folder, model_fn(str(folder)))
