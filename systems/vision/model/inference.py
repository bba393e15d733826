"""Serve the ensemble: a picture in, its class, how sure, and how unlike everything known. ONNX Runtime, one thread.

    image/png, image/jpeg      one picture; the answer is JSON
    application/jsonlines      {"id": ..., "image": base64 of a PNG or JPEG, "detail": true?} a line; as many lines back

With detail an answer also has the probabilities of each member and of the ensemble in both precisions.
"""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path
from typing import Any

import anomaly
import floor
import numpy as np
import onnxruntime
from grey import grey
from measures import calibrated, joined
from numpy.typing import NDArray
from PIL import Image
from views import averaged


def decode(body: bytes) -> NDArray[np.uint8]:
    """A picture file of any size and colour as 96x96 grey; ValueError when it is none."""
    try:
        return grey(Image.open(io.BytesIO(body)))
    except OSError as error:
        raise ValueError(f"the picture cannot be read: {error}") from None


def scaled(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """As network.as_input(), without torch."""
    return ((images.astype(np.float32) / 255 - 0.5) / 0.25)[:, None]


def session(file: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


class Ensemble:
    """Members of both precisions, the backbone, and the banks of what known pictures have."""

    def __init__(self, folder: Path) -> None:
        self.settings = json.loads((folder / "settings.json").read_text())
        names = self.settings["members"]
        self.members = {p: [session(folder / f"{name}.{p}.onnx") for name in names] for p in ("fp32", "int8")}
        self.features = session(folder / "features.onnx")
        self.banks: anomaly.Banks = {}
        with np.load(folder / "banks.npz") as kept:
            for name in kept.files:
                sort, _, of = name.partition(".")
                self.banks.setdefault(sort, {})[of] = kept[name]

    def each(self, x: NDArray[np.float32], precision: str) -> NDArray[np.float64]:
        """Calibrated probabilities of every member, in the mean over the views: (members, pictures, classes)."""
        runs = [one.run for one in self.members[precision]]
        found = [averaged(lambda view, run=run: run(None, {"pictures": view})[0], x) for run in runs]
        return calibrated(found, self.settings["temperatures"])

    def unusual(self, images: NDArray[np.uint8], x: NDArray[np.float32]) -> NDArray[np.float32]:
        """How unlike all known pictures each is, in deviations of known ones."""
        patches, whole = self.features.run(None, {"pictures": x})
        features = {"patches": patches, "whole": whole[:, None], "numbers": floor.parts(images)}
        return anomaly.summed(anomaly.far(features, self.banks), self.settings["levels"], tuple(self.banks))

    def answers(self, images: NDArray[np.uint8], detail: bool) -> list[dict[str, Any]]:
        x, kept = scaled(images), self.settings
        engines = ("fp32", "int8") if detail else (kept["precision"],)
        each = {precision: self.each(x, precision) for precision in engines}
        mean = {precision: joined(found, kept["shares"], kept["heat"]) for precision, found in each.items()}
        served, scores = mean[kept["precision"]], self.unusual(images, x)
        answers = []
        for place, (probabilities, score) in enumerate(zip(served, scores, strict=True)):
            answer = {
                "label": kept["classes"][int(probabilities.argmax())],
                "probability": round(float(probabilities.max()), 6),
                "anomaly": round(float(score), 6),
                "unusual": bool(score > kept["threshold"]),
            }
            if detail:
                answer["members"] = np.round(each["fp32"][:, place], 6).tolist()
                answer |= {precision: np.round(found[place], 6).tolist() for precision, found in mean.items()}
            answers.append(answer)
        return answers


def model_fn(model_dir: str) -> Ensemble:
    return Ensemble(Path(model_dir))


def input_fn(body: bytes | str, content_type: str) -> list[dict[str, Any]]:
    """Records with an image each; ValueError for anything else."""
    kind = content_type.split(";")[0].strip()
    raw = body.encode() if isinstance(body, str) else bytes(body)
    if kind in ("image/png", "image/jpeg"):
        return [{"image": decode(raw)}]
    if kind != "application/jsonlines":
        raise ValueError(f"{content_type} is not supported: send image/png, image/jpeg or application/jsonlines")
    records = [json.loads(line) for line in raw.splitlines() if line.strip()]
    return [record | {"image": decode(base64.b64decode(record["image"]))} for record in records]


def predict_fn(records: list[dict[str, Any]], model: Ensemble) -> list[dict[str, Any]]:
    detail = any(record.get("detail") for record in records)
    found = model.answers(np.stack([record["image"] for record in records]), detail)
    named = [{"id": record["id"]} if "id" in record else {} for record in records]
    return [name | answer for name, answer in zip(named, found, strict=True)]


def output_fn(answers: list[dict[str, Any]], accept: str) -> tuple[str, str]:
    """A line of JSON for each picture."""
    text = "\n".join(json.dumps(answer) for answer in answers)
    return text, "application/json" if len(answers) == 1 else "application/jsonlines"
