"""What every server here does for a request: text to numbers, a prediction, its text."""

import numpy
import xgboost


class Model:
    def __init__(self, path: str) -> None:
        self.booster = xgboost.Booster()
        self.booster.load_model(path)
        self.booster.set_param({"nthread": 1})

    def predict(self, body: bytes) -> str:
        rows = [[float(value) for value in line.split(",")] for line in body.decode().splitlines()]
        return "\n".join(str(float(value)) for value in self.booster.inplace_predict(numpy.array(rows)))
