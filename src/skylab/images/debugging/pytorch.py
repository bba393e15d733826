"""The hook in PyTorch: what goes through modules, losses and gradients, under the names that smdebug gives them.

Hooks of torch itself see every module of the process, so a script registers nothing. The first module that is called
from outside and has parameters to train is the model: each of its calls is a step, in mode TRAIN or EVAL as it is
itself. A step's files are written when the next one begins, with what the backward pass has added meanwhile.

    Net_fc.weight                weights and biases: the model's class, then the parameter
    fc_input_0, fc_output_0      what a layer was given and gave: its name in the model
    gradient/Net_fc.weight       as it comes to the parameter
    CrossEntropyLoss_output_0    losses, as modules or called in torch.nn.functional
"""

import atexit
import functools
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from skylab.images.debugging.configuration import Collection, HookConfig, read
from skylab.images.debugging.steps import Steps, say
from skylab.images.debugging.timeline import Timeline, timeline
from skylab.images.folders import Folders

KNOWN = {
    **{"all": "", "default": "", "weights": "^(?!gradient).*weight", "biases": "^(?!gradient).*bias"},
    **{"gradients": "^gradient", "losses": "[Ll]oss_(?!input).*output"},
    **{name: rf".*{name}" for name in ("relu_input", "relu_output", "tanh_input", "sigmoid_input")},
}
ACTIVATIONS = {"relu": torch.nn.ReLU, "tanh": torch.nn.Tanh, "sigmoid": torch.nn.Sigmoid}
FUNCTIONS = {  # losses that are called, not made: under the name of the module that computes the same
    **{"cross_entropy": "CrossEntropyLoss", "nll_loss": "NLLLoss", "mse_loss": "MSELoss", "l1_loss": "L1Loss"},
    **{"binary_cross_entropy": "BCELoss", "binary_cross_entropy_with_logits": "BCEWithLogitsLoss"},
    **{"smooth_l1_loss": "SmoothL1Loss", "huber_loss": "HuberLoss", "kl_div": "KLDivLoss"},
}
INTERVAL = 500


def install() -> None:
    """Called once torch is imported. What fails in the hook never fails the training: it is said, and the hook ends."""
    try:
        config = read(Folders.of_this_process(), KNOWN, INTERVAL)
        if config is not None:
            Hook(config, timeline(Folders.of_this_process())).attach()
    except Exception as problem:
        say(problem)


class Hook:
    def __init__(self, config: HookConfig, times: Timeline | None) -> None:
        self.config, self.times = config, times
        self.started = self.active = 0.0  # of the step: its begin, and the last that was heard of it
        self.steps: Steps | None = None  # once this process is known to be the one that saves
        self.model: Any = None
        self.mode = "TRAIN"
        self.step, self.mode_steps = -1, {"TRAIN": -1, "EVAL": -1}
        self.due: list[Collection] = []
        self.names: dict[Any, str] = {}
        self.stack: list[Any] = []
        self.counts: dict[str, int] = {}
        self.taken: dict[str, list[Collection]] = {}
        self.process, self.thread = os.getpid(), threading.get_ident()
        self.lock = threading.RLock()
        self.over = False

    def attach(self) -> None:
        modules = torch.nn.modules.module
        modules.register_module_forward_pre_hook(self._guarded(self.before))
        modules.register_module_forward_hook(self._guarded(self.after), always_call=True)
        functional = torch.nn.functional
        for name, loss in FUNCTIONS.items():
            setattr(functional, name, self._watched(getattr(functional, name), loss))
        atexit.register(self._guarded(self.end))

    def _guarded(self, act: Callable[..., None]) -> Callable[..., None]:
        def guarded(*given: Any) -> None:
            if self.over or os.getpid() != self.process or _traced():
                return
            try:
                with self.lock:
                    act(*given)
            except Exception as problem:
                self.over = True
                say(problem)

        return guarded

    def _watched(self, function: Callable[..., Any], loss: str) -> Callable[..., Any]:
        def record(value: Any) -> None:
            if not any(isinstance(module, torch.nn.modules.loss._Loss) for module in self.stack):
                self.write(f"{loss}_output", value)

        guarded = self._guarded(record)

        @functools.wraps(function)
        def watched(*given: Any, **more: Any) -> Any:
            value = function(*given, **more)
            guarded(value)
            return value

        return watched

    # -- a step

    def before(self, module: Any, given: Any) -> None:
        if threading.get_ident() != self.thread:  # replicas of DataParallel
            return
        if module is self.model:
            self.stack.clear()  # an error may have left something in it
        if not self.stack and module not in self.names and _trains(module):
            self.know(module)
            self.model = self.model or module
        if module is self.model:
            self.begin(module)
        self.stack.append(module)

    def know(self, model: Any) -> None:
        """The names of its layers, and a hook on each parameter whose gradient is wanted."""
        self.names |= {layer: name for name, layer in model.named_modules() if name}
        self.names[model] = type(model).__name__
        for layer, name in self.names.items():
            for word, kind in ACTIVATIONS.items():
                self._add(layer, kind, name, word)
        for name, parameter in model.named_parameters():
            named = f"gradient/{type(model).__name__}_{name}"
            if parameter.requires_grad and any(each.takes(named) for each in self.config.collections):
                parameter.register_hook(self._guarded(functools.partial(self._gradient, named)))
        first = next(parameter for parameter in model.parameters() if parameter.requires_grad)
        first.register_hook(self._guarded(self._heard))  # what is nearest to the input comes last

    def _add(self, layer: Any, kind: type, name: str, word: str) -> None:
        """relu_output is what layers of that class give, also where the model does not call them so."""
        if isinstance(layer, kind):
            for each in self.config.collections:
                if each.name in (f"{word}_input", f"{word}_output"):
                    each.names.add(f"{name}_{each.name.rpartition('_')[2]}_0")

    def begin(self, model: Any) -> None:
        if self.steps:
            self.steps.close()
        self._time()
        mode = self.mode = "TRAIN" if model.training else "EVAL"
        self.step += 1
        self.mode_steps[mode] += 1
        self.counts.clear()
        wanted = [each for each in self.config.collections if mode == "TRAIN" or each.name != "gradients"]
        self.due = [each for each in wanted if each.saving[mode].at(self.mode_steps[mode])]
        if not self.due:
            return
        if self.steps is None:
            self.steps = self._claimed()
        if self.steps is None:
            self.over = True
            return
        self.steps.open(self.step, mode, self.mode_steps[mode])
        for name, parameter in model.named_parameters():
            self.save(f"{type(model).__name__}_{name}", parameter)

    def _claimed(self) -> Steps | None:
        """One process saves: the first rank, or each its own where all were asked for; of others the first to come."""
        rank, workers = 0, 1
        if torch.distributed.is_available() and torch.distributed.is_initialized():
            rank, workers = torch.distributed.get_rank(), torch.distributed.get_world_size()
        if rank and not self.config.all_workers:
            return None
        claim = Path(f"{self.config.out}.worker_{rank}")
        claim.parent.mkdir(parents=True, exist_ok=True)
        try:
            claim.touch(exist_ok=False)
        except FileExistsError:
            return None
        return Steps(self.config, f"worker_{rank}", workers if self.config.all_workers else 1)

    def after(self, module: Any, given: Any, made: Any) -> None:
        if threading.get_ident() != self.thread or module not in self.stack:
            return
        while self.stack.pop() is not module:
            pass
        if not self.stack:
            self.active = time.time()
        name = self.names.get(module)
        if name is None and isinstance(module, torch.nn.modules.loss._Loss):
            name = type(module).__name__
        if name is not None and self.due:
            self.write(f"{name}_input", given)
            self.write(f"{name}_output", made)

    def _heard(self, value: Any) -> None:
        self.active = time.time()

    def _time(self) -> None:
        if self.times and self.started:
            self.times.add(self.mode, self.step, self.started, max(self.started, self.active))
        self.started = time.time()

    def end(self) -> None:
        self._time()
        if self.times:
            self.times.close()
        if self.steps:
            self.steps.close()

    # -- a tensor

    def write(self, name: str, value: Any) -> None:
        """name_0, name_1, …: every tensor of value, and of a layer that is called again in the same step."""
        if isinstance(value, torch.Tensor):
            number = self.counts.get(name, 0)
            self.counts[name] = number + 1
            self.save(f"{name}_{number}", value)
        elif isinstance(value, tuple | list):
            for each in value:
                self.write(name, each)

    def _gradient(self, name: str, value: Any) -> None:
        self.save(name, value)

    def save(self, name: str, tensor: Any) -> None:
        if name not in self.taken:
            self.taken[name] = [each for each in self.config.collections if each.takes(name)]
        takers = [each for each in self.taken[name] if each in self.due]
        if not takers or self.steps is None:
            return
        value = _array(tensor)
        for each in takers:
            each.names.add(name)
        for reduction in dict.fromkeys(each for taker in takers for each in taker.reductions):
            self.steps.put(f"smdebug/reductions/{reduction}/{name}", reduced(value, reduction))
        if any(each.whole for each in takers):
            self.steps.put(name, value)
        if value.size == 1 and any(each.name == "losses" for each in takers):
            self.steps.scalar(name, float(value.reshape(())))


def _traced() -> bool:
    """Whether torch only looks at the program, with tensors that have no values."""
    return bool(torch._C._get_tracing_state()) or torch.compiler.is_compiling()


def _trains(module: Any) -> bool:
    return any(parameter.requires_grad for parameter in module.parameters())


def _array(tensor: Any) -> Any:
    found = tensor.detach()
    if found.dtype is torch.bfloat16:  # numpy has none
        found = found.float()
    return found.cpu().numpy()


def reduced(value: Any, reduction: str) -> Any:
    word = reduction.removeprefix("abs_")
    value = np.abs(value) if word != reduction else value
    if word in ("l1", "l2"):
        return np.asarray(np.linalg.norm(value.ravel(), ord=int(word[1])))
    return np.asarray(getattr(np, {"variance": "var"}.get(word, word))(value))
