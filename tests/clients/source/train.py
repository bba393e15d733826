"""What an ordinary user trains: reads its channel, fits, saves; and the function that serving calls."""

import argparse
import os
import shutil
from pathlib import Path

import joblib
import numpy as np
from sklearn.linear_model import LogisticRegression


def model_fn(model_dir):
    return joblib.load(Path(model_dir) / "model.joblib")


if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("-c", "--c", type=float, default=1.0)
    args = parser.parse_args()
    table = np.loadtxt(Path(os.environ["SM_CHANNEL_TRAIN"]) / "train.csv", delimiter=",")
    model = LogisticRegression(C=args.c).fit(table[:, 1:], table[:, 0])
    print(f"c={args.c} accuracy={model.score(table[:, 1:], table[:, 0]):.3f}")
    folder = Path(os.environ["SM_MODEL_DIR"])
    joblib.dump(model, folder / "model.joblib")
    (folder / "code").mkdir()
    shutil.copy(__file__, folder / "code" / "inference.py")
