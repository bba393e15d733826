"""The dependency rule, as a test: a layer may import only itself and the layers below it."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "src" / "skylab"
LAYERS = ["kernel", "settings", "wire", "compute", "services", "gateway", "account", "cloud", "cli"]  # lowest first


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("layer", LAYERS)
def test_imports_only_go_down(layer):
    files = [PACKAGE / f"{layer}.py"] if (PACKAGE / f"{layer}.py").exists() else (PACKAGE / layer).rglob("*.py")
    above = LAYERS[LAYERS.index(layer) + 1 :]
    for path in files:
        for module in imports(path):
            parts = module.split(".")
            assert parts[0] != "skylab" or parts[1] not in above, f"{path} imports {module}"


def test_services_do_not_import_one_another():
    for path in (PACKAGE / "services").glob("*/**/*.py"):
        own = path.relative_to(PACKAGE / "services").parts[0]
        for module in imports(path):
            parts = module.split(".")
            if parts[:2] == ["skylab", "services"] and len(parts) > 2:
                assert parts[2] in (own, "call"), f"{path} imports {module}"
