"""What an ordinary user serves a model with."""

from pathlib import Path

import joblib


def model_fn(model_dir):
    return joblib.load(Path(model_dir) / "weights.joblib")


def predict_fn(rows, weights):
    return rows @ weights
