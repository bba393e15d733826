"""The user's functions: model_fn, then input_fn, predict_fn and output_fn, or transform_fn alone."""

import importlib.util
import inspect
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from skylab.images import codecs, defaults
from skylab.images.failures import JobFailed
from skylab.images.predicting import CUSTOM_ATTRIBUTES, Answer, Request

STEPS = {"model_fn": 1, "input_fn": 2, "predict_fn": 2, "output_fn": 2, "transform_fn": 4}  # arguments without context
Function = Callable[..., Any]


@dataclass
class Context:
    """What the inference toolkit hands to functions that ask for it; a response's headers and status are set here."""

    system_properties: dict[str, Any]
    request_headers: dict[str, str] = field(default_factory=dict)
    response_headers: dict[str, str] = field(default_factory=dict)
    response_content_type: str | None = None
    response_status: int = 200

    def get_request_header(self, index: int, name: str) -> str | None:
        return self.request_headers.get(name.lower())

    def get_all_request_header(self, index: int) -> dict[str, str]:
        return self.request_headers

    def set_response_header(self, index: int, name: str, value: str) -> None:
        self.response_headers[name.lower()] = value

    def set_response_content_type(self, index: int, value: str) -> None:
        self.response_content_type = value

    def set_response_status(self, code: int = 200, phrase: str = "", index: int = 0) -> None:
        self.response_status = code


class UserModel:
    """Raises JobFailed for a script that gives no model, and what its model_fn raises."""

    def __init__(self, family: str, script: Path, model_dir: Path) -> None:
        own = _module(script) if script.exists() else None
        functions = {name: getattr(own, name, None) for name in STEPS}
        if functions["transform_fn"] and any(functions[name] for name in ("input_fn", "predict_fn", "output_fn")):
            raise JobFailed("Cannot use transform_fn implementation with input_fn, predict_fn, and output_fn")
        given = {name: function for name, function in functions.items() if function}
        standing = defaults.of(family)
        if "model_fn" not in given and "model_fn" not in standing:
            raise JobFailed(f"{script.name} has no model_fn(model_dir), and there is no default one for {family}.")
        self.steps = {name: _with_context(name, each) for name, each in (standing | given).items()}
        self.properties = {"model_dir": str(model_dir), "gpu_id": None}
        self.accept = os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT") or codecs.JSON
        if before := getattr(own, "pre_model_fn", None):
            before(str(model_dir))
        self.model = self.steps["model_fn"](Context(self.properties), str(model_dir))
        if warm := getattr(own, "model_warmup_fn", None):
            warm(str(model_dir), self.model)

    def quick(self, request: Request) -> bool:
        return False

    def execution_parameters(self) -> dict[str, object] | None:
        return None

    def predict(self, request: Request) -> Answer:
        context = Context(self.properties, request.headers)
        accept = request.accept or self.accept
        content_type = request.content_type or codecs.JSON
        body = codecs.text(request.body, content_type)
        if "transform_fn" in self.steps:
            said = self.steps["transform_fn"](context, self.model, body, content_type, accept)
        else:
            data = self.steps["input_fn"](context, body, content_type)
            prediction = self.steps["predict_fn"](context, data, self.model)
            said = self.steps["output_fn"](context, prediction, accept)
        return _answer(said, accept, context, request)


def _module(script: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(script.stem, script)
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    sys.modules[script.stem] = module
    spec.loader.exec_module(module)
    return module


def _with_context(name: str, function: Function) -> Function:
    """function, called with the context first; it gets it last when it has one parameter more than it needs."""
    parameters = inspect.signature(function).parameters.values()
    many = any(each.kind is each.VAR_POSITIONAL for each in parameters)
    positional = [each for each in parameters if each.kind in (each.POSITIONAL_ONLY, each.POSITIONAL_OR_KEYWORD)]
    if many or len(positional) > STEPS[name]:
        return lambda context, *rest: function(*rest, context)
    return lambda context, *rest: function(*rest)


def _answer(said: Any, accept: str, context: Context, request: Request) -> Answer:
    """said: a body, (body, content type), a response object of the old toolkit, or an iterator of pieces."""
    content_type = context.response_content_type
    if hasattr(said, "response") and hasattr(said, "mimetype"):  # sagemaker_containers' worker.Response
        said = (said.response, said.mimetype)
    if isinstance(said, tuple) and len(said) == 2 and isinstance(said[1], str):
        said, content_type = said[0], context.response_content_type or said[1]
    headers = dict(context.response_headers)
    if CUSTOM_ATTRIBUTES in request.headers:
        headers.setdefault(CUSTOM_ATTRIBUTES, request.headers[CUSTOM_ATTRIBUTES])
    if hasattr(said, "__next__"):
        return Answer(_pieces(said), content_type or codecs.kind(accept), context.response_status, headers)
    if isinstance(said, (bytes, bytearray, memoryview, str)):
        body = said.encode() if isinstance(said, str) else bytes(said)
        return Answer(body, content_type or codecs.kind(accept), context.response_status, headers)
    body, written = codecs.encode(said, content_type or accept)
    return Answer(body, written, context.response_status, headers)


def _pieces(said: Iterator[Any]) -> Iterator[bytes]:
    for piece in said:
        yield piece.encode() if isinstance(piece, str) else bytes(piece)
