"""Installs the hook at the moment that a script has imported torch: quick modules only, every Python waits for it."""

import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from types import ModuleType


def torch() -> None:
    sys.meta_path.insert(0, Awaiting("torch"))


class Awaiting(MetaPathFinder):
    """Finds the module as everybody does, once, and looks after its loading."""

    def __init__(self, name: str) -> None:
        self.name = name

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if fullname != self.name:
            return None
        sys.meta_path.remove(self)
        spec = find_spec(fullname)
        if spec and spec.loader:
            spec.loader = Followed(spec.loader)
        return spec


class Followed(Loader):
    def __init__(self, loader: Loader) -> None:
        self.loader = loader

    def create_module(self, spec: ModuleSpec) -> ModuleType | None:
        return self.loader.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self.loader.exec_module(module)
        from skylab.images.debugging import pytorch

        pytorch.install()

    def __getattr__(self, name: str) -> object:  # resources, source: whatever else a loader is asked
        return getattr(self.loader, name)
