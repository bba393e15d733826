"""The model behind BentoML: python serve_bentoml.py PORT MODEL"""

import os
import sys
from pathlib import Path

import bentoml
from predict import Model


@bentoml.service(workers=1)
class Predict:
    def __init__(self) -> None:
        self.model = Model(os.environ["MODEL"])

    @bentoml.api(route="/invocations")
    def predict(self, csv: str) -> str:
        return self.model.predict(csv.encode())


if __name__ == "__main__":
    here = Path(__file__).parent
    os.environ |= {"MODEL": sys.argv[2], "BENTOML_DO_NOT_TRACK": "true", "BENTOML_HOME": f"{sys.argv[2]}.bentoml"}
    service = ["serve_bentoml:Predict", "--working-dir", str(here), "--host", "127.0.0.1", "--port", sys.argv[1]]
    os.execv(sys.executable, [sys.executable, "-m", "bentoml", "serve", *service])
