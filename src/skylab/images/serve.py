"""python -m skylab.images.serve [FAMILY]: one replica of a model, from loading to its last answer.

The model is loaded before anything listens, so that a socket that is there, and a /ping that answers, mean ready.
"""

import os
import sys
import traceback
from pathlib import Path

from skylab.images import requirements, server, source
from skylab.images.algorithms import catalogue
from skylab.images.failures import JobFailed
from skylab.images.folders import Folders
from skylab.images.predicting import Model
from skylab.images.shelf import Shelf, worker_count

DEFAULT_LIMIT = 100 * 2**20  # bytes: what a batch transform may send


def load(family: str, model: Path | None = None) -> Model:
    """The model in a folder, else that of this process. Raises what the user's model_fn raises, and JobFailed where
    there is none to call."""
    folders = Folders.of_this_process()
    model = model or folders.model
    if family in catalogue.PACKAGES:
        return catalogue.load(family, model)
    code = _code(folders, model)
    named = os.environ.get("SAGEMAKER_PROGRAM")
    program = named or "inference.py"
    if not (code / program).exists():
        if not named and family == "xgboost":
            from skylab.images.boosting import serving

            return serving.Boosted(model)
        if named or family != "pytorch":
            raise JobFailed(
                f"No inference script: {program} is not in {code}, and the {family} image has no model_fn of its own."
            )
    from skylab.images import handlers

    if environment := requirements.installed(code):
        sys.path.insert(0, requirements.packages(environment))
    sys.path.insert(0, str(code))
    return handlers.UserModel(family, code / program, model)


def _code(folders: Folders, model: Path) -> Path:
    """SAGEMAKER_SUBMIT_DIRECTORY laid out in /opt/ml/code, else what the model's archive brought along."""
    submitted = os.environ.get("SAGEMAKER_SUBMIT_DIRECTORY", "")
    packed = model / "code"
    if not submitted or submitted == "/opt/ml/model/code":
        return packed
    source.lay_out(submitted, folders.code)
    return folders.code


def _model(family: str) -> Model:
    """One model, or under SAGEMAKER_MULTI_MODEL as many as will be asked for."""
    if os.environ.get("SAGEMAKER_MULTI_MODEL", "").lower() == "true":
        return Shelf(lambda folder: load(family, folder))
    return load(family)


def main() -> int:
    try:
        model = _model((sys.argv[1:] or ["sklearn"])[0])
    except JobFailed as failure:
        print(failure.text, file=sys.stderr, flush=True)
        return 1
    except Exception:
        traceback.print_exc()
        print("The model failed to load.", file=sys.stderr, flush=True)
        return 1
    workers = model.threads if isinstance(model, Shelf) else worker_count()
    limit = int(os.environ.get("MAX_CONTENT_LENGTH") or DEFAULT_LIMIT)
    server.serve(model, workers, limit)
    return 0


if __name__ == "__main__":
    sys.exit(main())
