"""Make one servable ensemble of trained members: calibrate, export to ONNX and int8, fill the anomaly detector's bank.

    python model/package.py --train work/train --validation work/validation --members work/members

Temperatures, shares, the quantisation's ranges and the anomaly threshold come from training and validation parts only.
Parity between PyTorch, ONNX and int8 is measured on the validation pictures and kept in settings.json.
"""

from __future__ import annotations

import argparse
import io
import json
import os
import shutil
import tarfile
import tempfile
import time
from pathlib import Path
from typing import Any

import anomaly
import floor
import inference
import network
import numpy as np
import torch
from measures import calibrated, joined, joining
from onnxruntime.quantization import CalibrationDataReader, QuantFormat, QuantType, quantize_static
from onnxruntime.quantization.shape_inference import quant_pre_process
from torch import nn
from train import all_views, read

CALIBRATION = 120  # pictures that the ranges of int8 are taken from
AGREE = 0.99  # int8 is served when it decides as fp32 does at least so often
USUAL = 0.95  # share of known validation pictures that pass as usual
GOOD = "none"  # where there is such a class, the anomaly detector knows good pictures only
CODE = ("inference.py", "anomaly.py", "floor.py", "grey.py", "measures.py", "views.py", "requirements.txt")


class Pictures(CalibrationDataReader):
    """What the quantiser looks at."""

    def __init__(self, images: np.ndarray) -> None:
        self.batches = iter([{"pictures": inference.scaled(images[at : at + 20])} for at in range(0, len(images), 20)])

    def get_next(self) -> dict[str, np.ndarray] | None:
        return next(self.batches, None)


def member(folder: Path) -> tuple[nn.Module, list[str]]:
    """A trained network and its classes, from a folder with what train.py wrote or a model.tar.gz of it."""
    with tempfile.TemporaryDirectory() as opened:
        for archive in folder.rglob("model.tar.gz"):
            with tarfile.open(archive) as tar:
                tar.extractall(opened, filter="data")
            folder = Path(opened)
        classes = json.loads((folder / "facts.json").read_text())["classes"]
        model = network.Classifier(len(classes))
        network.load(model, folder / "weights.npz")
    return model.eval(), classes


def export(model: nn.Module, file: Path, outputs: tuple[str, ...] = ("found",)) -> None:
    """To ONNX, for any number of pictures."""
    held = io.BytesIO()
    example, dynamic = torch.zeros(2, 1, 96, 96), {name: {0: "n"} for name in ("pictures", *outputs)}
    names = {"input_names": ["pictures"], "output_names": list(outputs)}
    torch.onnx.export(model, (example,), held, **names, dynamic_axes=dynamic, opset_version=17, dynamo=False)
    file.write_bytes(held.getvalue())


def quantise(file: Path, to: Path, images: np.ndarray) -> None:
    """Weights and activations in eight bits, ranges by the pictures given."""
    with tempfile.TemporaryDirectory() as folder:
        shaped = Path(folder) / "shaped.onnx"
        quant_pre_process(str(file), str(shaped))
        how = {"quant_format": QuantFormat.QDQ, "per_channel": True}
        kinds = {"activation_type": QuantType.QUInt8, "weight_type": QuantType.QInt8}
        quantize_static(str(shaped), str(to), Pictures(images), **how, **kinds)


def probabilities(models: list[nn.Module], temperatures: list[float], images: np.ndarray) -> np.ndarray:
    """Calibrated probabilities of every member by PyTorch: (members, pictures, classes)."""
    return calibrated([all_views(model, images) for model in models], temperatures)


def milliseconds(run: inference.Ensemble, images: np.ndarray, precision: str) -> float:
    """The median of twenty pictures asked one by one."""
    spent = []
    for image in images[:20]:
        begun = time.perf_counter()
        run.each(inference.scaled(image[None]), precision)
        spent.append(1000 * (time.perf_counter() - begun))
    return float(np.median(spent))


def parity(models: list[nn.Module], served: inference.Ensemble, images: np.ndarray) -> dict[str, float]:
    """How far ONNX is from PyTorch, and int8 from both."""
    x, kept = inference.scaled(images), served.settings
    found = [
        probabilities(models, kept["temperatures"], images),
        *(served.each(x, engine) for engine in ("fp32", "int8")),
    ]
    own, full, small = (joined(each, kept["shares"], kept["heat"]) for each in found)
    return {
        "pictures": len(images),
        "onnx: largest difference": float(np.abs(full - own).max()),
        "onnx: same decision": float((full.argmax(1) == own.argmax(1)).mean()),
        "int8: largest difference": float(np.abs(small - own).max()),
        "int8: mean difference": float(np.abs(small - own).mean()),
        "int8: same decision": float((small.argmax(1) == own.argmax(1)).mean()),
        "fp32: ms": milliseconds(served, images, "fp32"),
        "int8: ms": milliseconds(served, images, "int8"),
    }


def members(
    folder: Path, out: Path, images: np.ndarray, classes: list[str], held: np.ndarray, truth: np.ndarray
) -> tuple[dict[str, Any], list[nn.Module]]:
    """Export every member in both precisions; how they are calibrated and joined, and they themselves."""
    names, models = sorted(path.name for path in folder.iterdir() if path.is_dir()), []
    few = images[np.random.default_rng(0).permutation(len(images))[:CALIBRATION]]
    for name in names:
        model, known = member(folder / name)
        if known != classes:
            raise SystemExit(f"{name} was trained on {known}, the data has {classes}")
        models.append(model)
        export(model, out / f"{name}.fp32.onnx")
        quantise(out / f"{name}.fp32.onnx", out / f"{name}.int8.onnx", few)
    joint = joining([all_views(model, held) for model in models], truth)
    return {"members": names, "classes": classes, "precision": "fp32"} | joint, models


@torch.no_grad()
def features(model: nn.Module, images: np.ndarray) -> anomaly.Sorts:
    """Of each sort, a hundred pictures at a time."""
    found = [model(network.as_input(images[at : at + 100])) for at in range(0, len(images), 100)]
    patches, whole = (np.concatenate([one[place].numpy() for one in found]) for place in (0, 1))
    return {"patches": patches, "whole": whole[:, None], "numbers": floor.parts(images)}


def detector(
    out: Path, images: np.ndarray, labels: np.ndarray, held: np.ndarray, truth: np.ndarray, good: int | None
) -> dict[str, Any]:
    """The anomaly detector's network and banks into a folder; its settings, chosen by known classes alone."""
    backbone = network.Backbone()
    network.load(backbone, Path(__file__).with_name("backbone.npz"))
    model = network.Features(backbone).eval()
    export(model, out / "features.onnx", ("patches", "whole"))
    train, others = features(model, images), features(model, held)
    tried = anomaly.choose(train, labels, others, truth, good)
    way = tuple(next(iter(tried)).split("+"))
    usual, passed = (of == good if good is not None else of >= 0 for of in (labels, truth))
    banks = anomaly.banks({sort: train[sort][usual] for sort in way})
    np.savez_compressed(
        out / "banks.npz", **{f"{sort}.{n}": of for sort, kept in banks.items() for n, of in kept.items()}
    )
    found = anomaly.far(anomaly.only(others, passed), banks)
    levels = anomaly.levels(found)
    threshold = float(np.quantile(anomaly.summed(found, levels, way), USUAL))
    return {"unusual by": tried, "levels": levels, "threshold": threshold}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for channel in ("train", "validation", "members"):
        parser.add_argument(f"--{channel}", type=Path, default=os.environ.get(f"SM_CHANNEL_{channel.upper()}"))
    parser.add_argument("--model-dir", type=Path, default=os.environ.get("SM_MODEL_DIR", "work/ensemble"))
    args, _ = parser.parse_known_args()
    torch.set_num_threads(1)
    (images, labels, classes), (judged, truth, _) = read(args.train), read(args.validation)
    out: Path = args.model_dir
    (out / "code").mkdir(parents=True, exist_ok=True)
    settings, models = members(args.members, out, images, classes, judged, truth)
    settings |= detector(out, images, labels, judged, truth, classes.index(GOOD) if GOOD in classes else None)
    (out / "settings.json").write_text(json.dumps(settings))
    settings["parity"] = parity(models, inference.Ensemble(out), judged)
    if settings["parity"]["int8: same decision"] >= AGREE:
        settings["precision"] = "int8"
    for name in CODE:
        shutil.copy(Path(__file__).with_name(name), out / "code")
    (out / "settings.json").write_text(json.dumps(settings, indent=1))
    for file in sorted(out.glob("*.onnx")):
        print(f"{file.name} {file.stat().st_size / 1e6:.2f} MB")
    print(json.dumps(settings), flush=True)


if __name__ == "__main__":
    main()
