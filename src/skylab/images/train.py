"""python -m skylab.images.train [xgboost]: one host of a training job, from its start to its exit code.

xgboost without a script is the built-in algorithm; everything else is script mode.
"""

import sys

from skylab.images import scriptmode
from skylab.images.environment import Environment
from skylab.images.failures import JobFailed
from skylab.images.folders import Folders


def work(environment: Environment) -> None:
    if environment.program or "xgboost" not in sys.argv[1:]:
        return scriptmode.run(environment)
    from skylab.images.boosting import training  # numpy and xgboost take a while; a script may not need them

    try:
        training.run(environment)
    except JobFailed:
        raise
    except Exception as error:
        import traceback

        raise JobFailed(f"Framework Error: \n{traceback.format_exc()}\n{error}") from error


def main() -> int:
    return scriptmode.report(Environment(Folders.of_this_process()), work)


if __name__ == "__main__":
    sys.exit(main())
