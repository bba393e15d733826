"""The documentation keeps up: found by reflection, so that the next service, setting or command is asked for too."""

import importlib.util
import pkgutil
import re
import tomllib
from pathlib import Path

import pytest

import skylab.services
from skylab.cli import app

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted(DOCS.rglob("*.md"))]
SERVICES = [module.name.replace("_", "-") for module in pkgutil.iter_modules(skylab.services.__path__) if module.ispkg]
COMMANDS = [command.name or command.callback.__name__ for command in app.registered_commands if command.callback]
LINK = re.compile(r"\]\((?!https?://)([^)#]+)")


def requirements() -> list[str]:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    extras = project["project"]["optional-dependencies"].values()
    groups = project["dependency-groups"].values()
    wanted = [*project["project"]["dependencies"], *(each for part in (*extras, *groups) for each in part)]
    return sorted({re.match(r"[\w.-]+", each).group() for each in wanted})  # type: ignore[union-attr]  # each begins so


def test_the_page_of_settings_is_what_the_table_says():
    spec = importlib.util.spec_from_file_location("settings_page", ROOT / "scripts" / "settings_page.py")
    assert spec and spec.loader
    page = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(page)

    assert page.PAGE.read_text() == page.text(), "run: python scripts/settings_page.py"


@pytest.mark.parametrize("service", SERVICES)
def test_every_service_has_a_page_that_the_index_names(service):
    assert (DOCS / "services" / f"{service}.md").is_file()
    assert f"services/{service}.md" in (DOCS / "index.md").read_text()


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_is_in_getting_started(command):
    assert re.search(rf"`?skylab {command}\b", (DOCS / "getting-started.md").read_text())


@pytest.mark.parametrize("name", requirements())
def test_every_dependency_is_accounted_for(name):
    assert f"| {name} |" in (DOCS / "dependencies.md").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_between_pages_lead_somewhere(page):
    lost = [target for target in LINK.findall(page.read_text()) if not (page.parent / target).exists()]

    assert not lost


def test_every_promise_of_security_names_a_test_that_exists():
    page = (DOCS / "security.md").read_text()
    named = re.findall(r"`(tests/[\w/]+\.py)::(\w+)`", page)
    assert len(named) > 20
    for path, test in named:
        assert f"def {test}(" in (DOCS.parent / path).read_text(), f"{path}::{test}"
