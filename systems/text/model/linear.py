"""The floor: a linear model on TF-IDF of words and letters, trained in scikit-learn's image.

    python model/linear.py --train work/aws/train --validation work/aws/validation --model-dir work/linear

Words, pairs of words and runs of two to five letters are hashed, so that the model is two arrays and no vocabulary.
"""

from __future__ import annotations

import argparse
import json
import os
from pathlib import Path
from typing import Any

import numpy as np
from calibrate import calibrate, told
from examples import read
from normalise import normalise
from scipy.sparse import csr_matrix, hstack
from sklearn.feature_extraction.text import HashingVectorizer
from sklearn.preprocessing import normalize
from sklearn.svm import LinearSVC

WORDS, LETTERS = 2**16, 2**17  # columns
FILE = "linear.npz"
C = 1.0  # inverse strength of the penalty


def counted(texts: list[str]) -> csr_matrix:
    """How often each word and run of letters is there, hashed."""
    plain = [normalise(text) for text in texts]
    options: dict[str, Any] = {"alternate_sign": False, "norm": None, "lowercase": False}
    by_word = HashingVectorizer(ngram_range=(1, 2), n_features=WORDS, token_pattern=r"<\w+>|\w+|[^\w\s]", **options)
    by_letter = HashingVectorizer(analyzer="char_wb", ngram_range=(2, 5), n_features=LETTERS, **options)
    return csr_matrix(hstack([by_word.transform(plain), by_letter.transform(plain)]))


def weighed(counts: csr_matrix, rarity: np.ndarray) -> csr_matrix:
    """TF-IDF of unit length, words and letters each."""
    some = counts.copy()
    some.data = 1 + np.log(some.data)
    some = some.multiply(rarity).tocsr()
    return csr_matrix(hstack([normalize(some[:, :WORDS]), normalize(some[:, WORDS:])]))


def fit(texts: list[str], labels: np.ndarray, c: float = C) -> dict[str, np.ndarray]:
    """rarity (IDF), weights and intercepts, a row a class."""
    counts = counted(texts)
    documents = np.asarray((counts > 0).sum(axis=0)).ravel()
    rarity = (np.log((1 + len(texts)) / (1 + documents)) + 1).astype(np.float32)
    rarity[documents == 0] = 0  # or what training never saw would weigh most in a text's unit length
    fitted = LinearSVC(C=c, random_state=0).fit(weighed(counts, rarity), labels)
    return {
        "rarity": rarity,
        "weights": fitted.coef_.astype(np.float32),
        "intercepts": fitted.intercept_.astype(np.float32),
    }


def scores(model: dict[str, np.ndarray], texts: list[str]) -> np.ndarray:
    """One score a class; with two classes the model has one row, and the first class gets 0."""
    some = weighed(counted(texts), model["rarity"]).astype(np.float32)  # as the weights, or they would all be copied
    found = some @ model["weights"].T + model["intercepts"]
    return np.hstack([np.zeros_like(found), found]) if found.shape[1] == 1 else np.asarray(found)


def save(model: dict[str, np.ndarray], folder: Path) -> None:
    np.savez_compressed(folder / FILE, **model)


def arrays(folder: Path) -> dict[str, Any]:
    """What save wrote, laid out so that one text need not touch every weight."""
    with np.load(folder / FILE) as kept:
        return {name: np.asfortranarray(kept[name]) for name in kept.files}


def load(folder: Path) -> dict[str, Any]:
    """What main wrote."""
    return json.loads((folder / "calibration.json").read_text()) | arrays(folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-c", "--c", type=float, default=C)  # the job passes one letter as -c
    parser.add_argument("--train", type=Path, default=os.environ.get("SM_CHANNEL_TRAIN"))
    parser.add_argument("--validation", type=Path, default=os.environ.get("SM_CHANNEL_VALIDATION"))
    parser.add_argument("--model-dir", type=Path, default=os.environ.get("SM_MODEL_DIR", "work/linear"))
    args = parser.parse_args()
    if args.train is None or args.validation is None:
        parser.error("--train and --validation are needed outside a training job")

    train, validation = read(args.train), read(args.validation)
    classes = sorted(set(train.labels))
    model = fit(train.texts, train.numbers(classes), args.c)
    print(f"{len(train.texts)} texts, {len(classes)} classes, c={args.c}")
    found = calibrate(scores(model, validation.texts), validation.numbers(classes))
    print(told(found))
    args.model_dir.mkdir(parents=True, exist_ok=True)
    save(model, args.model_dir)
    (args.model_dir / "calibration.json").write_text(json.dumps(found.json() | {"classes": classes}))


if __name__ == "__main__":
    main()
