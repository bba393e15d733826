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

DEFAULT_LIMIT = 100 * 2**20  # bytes: what a batch transform may send


def load(family: str) -> Model:
    """Raises what the user's model_fn raises, and JobFailed where there is none to call."""
    folders = Folders.of_this_process()
    if family in catalogue.PACKAGES:
        return catalogue.load(family, folders.model)
    code = _code(folders)
    named = os.environ.get("SAGEMAKER_PROGRAM")
    program = named or "inference.py"
    if not (code / program).exists():
        if not named and family == "xgboost":
            from skylab.images.boosting import serving

            return serving.Boosted(folders.model)
        if named or family != "pytorch":
            raise JobFailed(
                f"No inference script: {program} is not in {code}, and the {family} image has no model_fn of its own."
            )
    from skylab.images import handlers

    if environment := requirements.installed(code):
        sys.path.insert(0, requirements.packages(environment))
    sys.path.insert(0, str(code))
    return handlers.UserModel(family, code / program, folders.model)


def _code(folders: Folders) -> Path:
    """SAGEMAKER_SUBMIT_DIRECTORY laid out in /opt/ml/code, else what the model's archive brought along."""
    submitted = os.environ.get("SAGEMAKER_SUBMIT_DIRECTORY", "")
    packed = folders.model / "code"
    if not submitted or submitted == "/opt/ml/model/code":
        return packed
    source.lay_out(submitted, folders.code)
    return folders.code


def main() -> int:
    try:
        model = load((sys.argv[1:] or ["sklearn"])[0])
    except JobFailed as failure:
        print(failure.text, file=sys.stderr, flush=True)
        return 1
    except Exception:
        traceback.print_exc()
        print("The model failed to load.", file=sys.stderr, flush=True)
        return 1
    workers = int(os.environ.get("SAGEMAKER_MODEL_SERVER_WORKERS") or 1)
    limit = int(os.environ.get("MAX_CONTENT_LENGTH") or DEFAULT_LIMIT)
    server.serve(model, workers, limit)
    return 0


if __name__ == "__main__":
    sys.exit(main())
