"""images/ is the user's side of /opt/ml: it could run in a container without the rest of Skylab."""

import ast
from pathlib import Path

import skylab.images


def test_images_import_nothing_of_ours_but_themselves():
    for path in Path(skylab.images.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            named = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            named += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            for module in named:
                assert not module.startswith("skylab") or module.startswith("skylab.images"), f"{path}: {module}"
