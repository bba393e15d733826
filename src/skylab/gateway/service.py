"""A service's operations, bound by name: CreateTrainingJob is create_training_job, as in boto3."""

from collections.abc import Callable
from importlib import import_module
from types import ModuleType
from typing import Any

from botocore import xform_name

from skylab.gateway.authorisation import Table
from skylab.kernel.store import Exists, Missing
from skylab.wire.errors import AwsError
from skylab.wire.model import service_model


class Service:
    """part is the service's data plane, as its open() made it."""

    def __init__(self, module: ModuleType, part: dict[str, Any]) -> None:
        self.name: str = module.NAME
        self.model = service_model(self.name)
        self.signs_as: str = self.model.signing_name
        self.invalid: str = getattr(module, "INVALID", "ValidationException")
        # What the service words in its own way is checked before its model is: CHECK(parameters) raises AwsError.
        self.check: Callable[[dict[str, Any]], None] = getattr(module, "CHECK", lambda parameters: None)
        self.errors: dict[type[Exception], Callable[[Any], AwsError]] = getattr(module, "ERRORS", {})
        self.part = part
        self.access = _access(module)
        self.operations = self._bind(module.RESOURCES)

    def _bind(self, resources: list[type]) -> dict[str, Callable[..., Any]]:
        by_method = {xform_name(op): op for op in self.model.operation_names}
        bound: dict[str, Callable[..., Any]] = {}
        for resource in resources:
            for method in (m for m in vars(resource) if not m.startswith("_")):
                if method not in by_method:
                    raise TypeError(f"{resource.__name__}.{method} is no operation of {self.name}")
                bound[by_method[method]] = getattr(resource(), method)
        return bound

    def worded(self, problem: Exception) -> AwsError | None:
        """The store's neutral exceptions as this service says them; None for what is a bug."""
        if isinstance(problem, AwsError):
            return problem
        if isinstance(problem, Missing | Exists) and type(problem) in self.errors:
            return self.errors[type(problem)](*problem.args)
        return None


def _access(module: ModuleType) -> Table:
    try:
        return Table(import_module(f"{module.__name__}.access"))
    except ModuleNotFoundError as problem:
        raise TypeError(f"{module.__name__} has no access.py: nobody could be allowed anything") from problem
