"""python -m skylab.images.train [FAMILY]: one host of a training job, from its start to its exit code.

xgboost without a script, and the algorithms of the catalogue, are built in; everything else is script mode.
"""

import sys

from skylab.images import scriptmode
from skylab.images.algorithms import catalogue
from skylab.images.environment import Environment
from skylab.images.failures import JobFailed
from skylab.images.folders import Folders


def work(environment: Environment) -> None:
    family = (sys.argv[1:] or [""])[0]
    if family not in catalogue.PACKAGES and (environment.program or family != "xgboost"):
        return scriptmode.run(environment)
    try:
        _train(family, environment)
    except JobFailed:
        raise
    except Exception as error:
        import traceback

        raise JobFailed(f"Framework Error: \n{traceback.format_exc()}\n{error}") from error


def _train(family: str, environment: Environment) -> None:
    if family != "xgboost":
        return catalogue.train(family, environment)
    from skylab.images.boosting import training  # numpy and xgboost take a while; a script may not need them

    training.run(environment)


def main() -> int:
    return scriptmode.report(Environment(Folders.of_this_process()), work)


if __name__ == "__main__":
    sys.exit(main())
