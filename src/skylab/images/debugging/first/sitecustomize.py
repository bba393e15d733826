"""Python runs this before a script of a job with tensors to save: it waits for torch to be imported.

Its folder is in PYTHONPATH of such jobs alone; whoever has a sitecustomize of his own after it is not forgotten.
"""

import os
import sys
from importlib.machinery import PathFinder
from importlib.util import module_from_spec

try:
    from skylab.images.debugging import awaiting

    awaiting.torch()
except Exception as problem:
    print(f"Debugger's hook is not installed: {problem}", file=sys.stderr, flush=True)

here = os.path.dirname(os.path.abspath(__file__))
others = PathFinder.find_spec("sitecustomize", [path for path in sys.path if os.path.abspath(path or ".") != here])
if others and others.loader:
    others.loader.exec_module(module_from_spec(others))
