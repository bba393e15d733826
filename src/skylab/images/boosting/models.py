"""xgboost-model as a Booster: UBJSON, JSON, the deprecated binary, and pickles of Boosters."""

import pickle
from pathlib import Path
from typing import Any

import xgboost

PICKLED = b"\x80"  # every pickle since protocol 2
MODULES = ("xgboost", "numpy", "collections", "builtins", "copyreg", "_codecs")
HARMLESS = {"object", "dict", "list", "set", "tuple", "bytearray", "bytes", "str", "int", "float", "bool"}


class _Unpickler(pickle.Unpickler):
    """Boosters and what they are made of; a pickle that names anything else is refused."""

    def find_class(self, module: str, name: str) -> Any:
        top = module.partition(".")[0].replace("__builtin__", "builtins")
        if (
            top not in MODULES
            or (top == "builtins" and name not in HARMLESS)
            or (top == "copyreg" and name != "_reconstructor")
            or (top == "numpy" and name not in ("dtype", "ndarray", "_reconstruct", "scalar"))
            or (top == "xgboost" and name not in ("Booster", "XGBClassifier", "XGBRegressor", "XGBRanker", "XGBModel"))
            or (top == "collections" and name not in ("OrderedDict", "defaultdict"))
            or (top == "_codecs" and name != "encode")
        ):
            raise pickle.UnpicklingError(f"{module}.{name} is no part of a Booster")
        return super().find_class(module, name)


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.glob("*") if path.is_file() and not path.name.startswith("."))


def load(path: Path) -> Any:
    """An xgboost.Booster that predicts in one thread. Raises RuntimeError with both readers' reasons."""
    body = path.read_bytes()
    booster, reason = None, "no pickle"
    if body.startswith(PICKLED):
        try:
            with path.open("rb") as file:
                booster = _Unpickler(file).load()
            booster = booster.get_booster() if hasattr(booster, "get_booster") else booster
        except Exception as error:  # a pickle may raise whatever it likes
            booster, reason = None, str(error)
    if booster is None:
        try:
            booster = xgboost.Booster(model_file=bytearray(body))
        except xgboost.core.XGBoostError as error:
            raise RuntimeError(
                f"Model {path} cannot be loaded:\nPickle load error={reason}\nXGB load model error={error}"
            ) from error
    booster.set_param({"nthread": 1})
    return booster
