"""The rules of the code, as tests: imports go down, files and functions stay small, time comes from outside."""

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "src" / "skylab"
LAYERS = [
    "kernel",
    "settings",
    "root",
    "wire",
    "policy",
    "compute",
    "containers",
    "services",
    "gateway",
    "account",
    "cloud",
    "server",
    "commands",
    "cli",
]
FILES = sorted(PACKAGE.rglob("*.py"))
BANNED = {"datetime.now", "datetime.utcnow", "datetime.today", "date.today", "time.time", "time.time_ns", "time.sleep"}
BANNED |= {"time.monotonic", "time.localtime", "time.gmtime", "uuid.uuid4", "uuid4", "uuid.uuid1"}
FREE = {PACKAGE / "kernel" / "clock.py"} | {path for path in FILES if path.is_relative_to(PACKAGE / "images")}


def named(path):
    return str(path.relative_to(PACKAGE))


def imports(path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def files_of(layer):
    return [PACKAGE / f"{layer}.py"] if (PACKAGE / f"{layer}.py").exists() else sorted((PACKAGE / layer).rglob("*.py"))


@pytest.mark.parametrize("layer", LAYERS)
def test_imports_only_go_down(layer):
    above = LAYERS[LAYERS.index(layer) + 1 :]
    for path in files_of(layer):
        for module in imports(path):
            parts = module.split(".")
            assert parts[0] != "skylab" or len(parts) < 2 or parts[1] not in above, f"{path} imports {module}"


def test_every_module_belongs_to_a_layer():
    outside = {"__init__", "images", "shapes", "console"}  # run inside jobs, typing only, talks to the AWS API only
    assert {path.relative_to(PACKAGE).parts[0].removesuffix(".py") for path in FILES} <= {*LAYERS, *outside}


def test_what_runs_inside_a_job_imports_nothing_of_ours():
    for path in (PACKAGE / "images").rglob("*.py"):
        for module in imports(path):
            assert not module.startswith("skylab.") or module.startswith("skylab.images"), f"{path} imports {module}"


def test_services_do_not_import_one_another():
    for path in (PACKAGE / "services").glob("*/**/*.py"):
        own = path.relative_to(PACKAGE / "services").parts[0]
        for module in imports(path):
            parts = module.split(".")
            if parts[:2] == ["skylab", "services"] and len(parts) > 2:
                assert parts[2] in (own, "call", "access"), f"{path} imports {module}"


@pytest.mark.parametrize("path", FILES, ids=named)
def test_files_and_functions_stay_small(path):
    text = path.read_text()
    cap = 400 if "wire" in path.relative_to(PACKAGE).parts else 300
    assert text.count("\n") <= cap, f"{path} has more than {cap} lines"
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno - node.lineno < 40, f"{path}: {node.name} has more than 40 lines"


@pytest.mark.parametrize("path", [path for path in FILES if path not in FREE], ids=named)
def test_time_and_chance_come_from_outside(path):
    assert not {"random", "uuid.uuid4", "time.time", "time.sleep"} & set(imports(path)), f"{path}: use kernel/clock.py"
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            called = ".".join(ast.unparse(node.func).split(".")[-2:])
            assert called not in BANNED, f"{path}:{node.lineno} calls {called}: time and ids are arguments"


def test_no_file_is_a_drawer_of_odds_and_ends():
    assert not [path for path in FILES if path.stem in ("utils", "util", "helpers", "helper", "misc", "common_utils")]
