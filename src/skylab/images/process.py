"""Starts a program that a job names, with a Python of the job's own: what pip installs is the job's, and nobody else's.

    python -m skylab.images.process PROGRAM ARGUMENT…

The environment of the image is only read. `python`, `python3` and `pip` are those of a venv that sees its packages.
"""

import os
import sys
from pathlib import Path

from skylab.images import installer

PIP = "#!{python}\nimport sys\nfrom pip._internal.cli.main import main\n\nsys.exit(main())\n"


def main(argv: list[str]) -> None:
    place = Path.home() / "environment"
    if not (place / "bin/pip").exists():
        python = installer.overlay(place)
        for name in ("pip", "pip3"):
            (place / "bin" / name).write_text(PIP.format(python=python))
            (place / "bin" / name).chmod(0o755)
    env = os.environ | {"PATH": f"{place}/bin{os.pathsep}{os.environ['PATH']}", "VIRTUAL_ENV": str(place)}
    try:
        os.execvpe(argv[0], argv, env)
    except OSError as error:
        sys.exit(f"{argv[0]}: {error.strerror}")


if __name__ == "__main__":
    main(sys.argv[1:])
