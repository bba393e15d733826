"""Makes the virtual environments of systems/ as `skylab run` does, with pytest, and pulls what their images need.

`python scripts/systems.py` for all; with names, for those only. `make test-all` runs each system's own tests in them.
"""

import sys
from pathlib import Path

from skylab.commands import pull, systems
from skylab.root import Refused

TESTS = ["pytest>=8.3,<10", "hypothesis>=6.120,<7"]


def main() -> None:
    known = systems.every(Path.cwd())
    for name in sys.argv[1:] or known:
        folder = systems.find(name, Path.cwd())
        environment = systems.Environment(folder)
        if not environment.ready():
            print(f"Making .venvs/{name} …")
            environment.make(quiet)
        systems.install(environment.python, TESTS, "pytest", folder, environment.log, quiet)
        if lacking := pull.lacking(pull.needed(folder)):
            print(f"Adding what the images of {name} need: {', '.join(family.library for family in lacking)} …")
            pull.pull(lacking, environment.log, quiet)


def quiet(line: str) -> None:
    """pip's own lines are shown only when it fails: they are then in the log that the error names."""


if __name__ == "__main__":
    try:
        main()
    except Refused as problem:
        sys.exit(f"{problem}")
