"""The functions of each framework's image, for those that a script does not define."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from skylab.images import codecs
from skylab.images.failures import JobFailed
from skylab.images.predicting import Refused

Function = Callable[..., Any]


def of(family: str) -> dict[str, Function]:
    return COMMON | FAMILIES.get(family, {})


def _input(body: bytes | str, content_type: str) -> Any:
    return codecs.decode(body.encode() if isinstance(body, str) else body, content_type)


def _predict(data: Any, model: Any) -> Any:
    return model.predict(data)


def _floats(body: bytes | str, content_type: str) -> Any:
    """scikit-learn's image: rows of 32-bit floats, a single row too."""
    import numpy

    try:
        array = numpy.asarray(_input(body, content_type), dtype=numpy.float32)
    except (ValueError, TypeError) as error:
        raise Refused(400, f"The payload is not an array of numbers: {error}") from error
    return array.reshape(1, -1) if array.ndim == 1 and codecs.kind(content_type) != codecs.NPY else array


def _torch_model(model_dir: str) -> Any:
    """model.pt as TorchScript, or the only .pt or .pth file there is."""
    import torch

    folder = Path(model_dir)
    found = [folder / "model.pt"] if (folder / "model.pt").exists() else sorted(folder.glob("*.pt*"))
    if len(found) != 1:
        raise JobFailed(f"No model_fn, and {model_dir} does not hold one TorchScript model (model.pt).")
    load: Function = torch.jit.load
    return load(str(found[0]), map_location=_device()).eval()


def _device() -> Any:
    import torch

    return torch.device("cuda" if torch.cuda.is_available() else "cpu")


def _tensor(body: bytes | str, content_type: str) -> Any:
    import torch

    try:
        return torch.as_tensor(_input(body, content_type), dtype=torch.float32).to(_device())
    except (ValueError, TypeError) as error:
        raise Refused(400, f"The payload is not an array of numbers: {error}") from error


def _torch_predict(data: Any, model: Any) -> Any:
    import torch

    with torch.inference_mode():
        return model(data)


def _booster(model_dir: str) -> Any:
    from skylab.images.boosting import models

    path = Path(model_dir) / os.environ.get("SAGEMAKER_XGBOOST_MODEL", "xgboost-model")
    if not path.exists():
        raise JobFailed(f"No model_fn, and no {path.name} in {model_dir}.")
    return models.load(path)


def _matrix(body: bytes | str, content_type: str) -> Any:
    """The image of XGBoost gives predict_fn a DMatrix."""
    import xgboost

    from skylab.images.boosting import payload

    rows = payload.rows(body.encode() if isinstance(body, str) else body, content_type)
    return xgboost.DMatrix(rows, nthread=1)


COMMON: dict[str, Function] = {"input_fn": _input, "predict_fn": _predict, "output_fn": codecs.encode}
FAMILIES: dict[str, dict[str, Function]] = {
    "sklearn": {"input_fn": _floats},
    "pytorch": {"model_fn": _torch_model, "input_fn": _tensor, "predict_fn": _torch_predict},
    "xgboost": {"model_fn": _booster, "input_fn": _matrix},
}
