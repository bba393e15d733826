"""The model behind MLflow's scoring server: python serve_mlflow.py PORT MODEL"""

import sys

import mlflow
import uvicorn
from mlflow.pyfunc import scoring_server
from predict import Model


class Predict(mlflow.pyfunc.PythonModel):
    def load_context(self, context: mlflow.pyfunc.PythonModelContext) -> None:
        self.model = Model(context.artifacts["model"])

    def predict(self, context: mlflow.pyfunc.PythonModelContext, model_input: list[str]) -> list[str]:
        return [self.model.predict(csv.encode()) for csv in model_input]


if __name__ == "__main__":
    saved = f"{sys.argv[2]}.mlflow"
    mlflow.pyfunc.save_model(saved, python_model=Predict(), artifacts={"model": sys.argv[2]}, pip_requirements=[])
    app = scoring_server.init(mlflow.pyfunc.load_model(saved))
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning")
