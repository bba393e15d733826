"""What debughookconfig.json asks for: which tensors, by collections of names, and at which steps, by mode.

https://docs.aws.amazon.com/sagemaker/latest/dg/debugger-createtrainingjob-api.html and smdebug's docs/sagemaker.md.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from skylab.images.folders import Folders

MODES = ("TRAIN", "EVAL", "PREDICT", "GLOBAL")
REDUCTIONS = ("min", "max", "mean", "std", "variance", "sum", "prod", "l1", "l2")
SCALARS = ("losses", "metrics", "sm_metrics", "feature_importance", "average_shap")  # never reduced


@dataclass(frozen=True)
class Saving:
    """When. save_steps counts besides the interval, not instead of it, as in smdebug."""

    save_interval: int = 500
    save_steps: tuple[int, ...] = ()
    start_step: int = 0
    end_step: int | None = None

    def at(self, step: int) -> bool:
        within = self.start_step <= step and (self.end_step is None or step < self.end_step)
        return step in self.save_steps or within and step % self.save_interval == 0


@dataclass
class Collection:
    name: str
    patterns: list[str]
    saving: dict[str, Saving]
    reductions: tuple[str, ...] = ()  # "mean", "abs_l2"
    whole: bool = True  # the tensor itself
    histogram: bool = True
    names: set[str] = field(default_factory=set)  # of the tensors that were found to belong to it

    def takes(self, name: str) -> bool:
        return name in self.names or any(re.search(pattern, name) for pattern in self.patterns)

    def told(self) -> dict[str, Any]:
        """As smdebug writes it down for its reader."""
        reductions = (each + "_norm" if each.endswith(("l1", "l2")) else each for each in self.reductions)
        reduced = {"save_raw_tensor": self.whole, "reductions": ",".join(reductions), "save_shape": False}
        return {
            "name": self.name,
            "include_regex": self.patterns,
            "tensor_names": sorted(self.names),
            "reduction_config": reduced,
            "save_config": {mode: _saving_told(saving) for mode, saving in self.saving.items()},
            "save_histogram": self.histogram,
        }


@dataclass(frozen=True)
class HookConfig:
    out: Path
    collections: list[Collection]
    all_workers: bool = False
    tensorboard: Path | None = None


def asked(config: Mapping[str, Any]) -> bool:
    """An empty configuration is what SDKs send with every job: it asks for nothing."""
    return bool(config.get("CollectionConfigurations") or config.get("HookParameters"))


def read(folders: Folders, known: Mapping[str, str], interval: int) -> HookConfig | None:
    """None where nothing is asked for. known: the patterns of a framework's own collections. interval: its default.

    Raises ValueError for parameters that are no numbers, KeyError for a collection that nothing is known of.
    """
    config = folders.read("debughookconfig")
    if not asked(config):
        return None
    general = config.get("HookParameters") or {}
    named = {each["CollectionName"]: each.get("CollectionParameters") or {} for each in _listed(config)}
    named.setdefault("losses", {})
    if _true(general.get("save_all")):
        named.setdefault("all", {})
    if "include_regex" in general:
        named.setdefault("default", {"include_regex": general["include_regex"]})
    collections = [_collection(name, own, general, known, interval) for name, own in named.items()]
    board = folders.read("tensorboardoutputconfig")
    return HookConfig(
        out=within(folders, config.get("LocalPath") or "/opt/ml/output/tensors"),
        collections=collections,
        all_workers=general.get("include_workers") == "all",
        tensorboard=within(folders, board.get("LocalPath") or "/opt/ml/output/tensorboard") if board else None,
    )


def check(config: Mapping[str, Any]) -> None:
    """Raises ValueError for what no hook could read: whatever the framework, it knows its own collections by name."""
    general = config.get("HookParameters") or {}
    for each in _listed(config):
        name = each.get("CollectionName", "")
        own = each.get("CollectionParameters") or {}
        for pattern in split(own.get("include_regex", "")):
            try:
                re.compile(pattern)
            except re.error as problem:
                raise ValueError(f"Collection {name}: {pattern!r} is no pattern: {problem}.") from None
        try:
            _collection(name, own, general, {name: ""}, 500)
        except ValueError as problem:
            raise ValueError(f"Collection {name}: {problem}") from None


def within(folders: Folders, path: str) -> Path:
    """A path of the container, where /opt/ml is."""
    return folders.base / Path(path).relative_to("/opt/ml") if Path(path).is_relative_to("/opt/ml") else Path(path)


def _listed(config: Mapping[str, Any]) -> list[dict[str, Any]]:
    return config.get("CollectionConfigurations") or []


def _collection(
    name: str, own: Mapping[str, str], general: Mapping[str, str], known: Mapping[str, str], interval: int
) -> Collection:
    patterns = [*([known[name]] if known.get(name) else []), *split(own.get("include_regex", ""))]
    if name == "all":
        patterns.append(".*")
    if name not in known and not patterns:
        raise KeyError(f"The collection {name} has no include_regex, and is none of {', '.join(known)}.")
    reduced = {} if name in SCALARS else {**general, **own} if "reductions" in {**general, **own} else {}
    reductions = tuple(each.removesuffix("_norm") for each in split(reduced.get("reductions", "")))
    for each in reductions:
        if each.removeprefix("abs_") not in REDUCTIONS:
            raise ValueError(f"{each} is none of the reductions {', '.join(REDUCTIONS)}")
    return Collection(
        name,
        patterns,
        {mode: _saving(own, general, mode, interval) for mode in MODES},
        reductions,
        whole=not reductions or _true(reduced.get("save_raw_tensor")),
        histogram=_true(own.get("save_histogram", "true")) and name not in SCALARS,
    )


def _saving(own: Mapping[str, str], general: Mapping[str, str], mode: str, interval: int) -> Saving:
    """The nearer word counts: the collection's before the hook's, the mode's before that of every mode."""

    def told(member: str) -> str | None:
        names = (f"{mode.lower()}.{member}", member)
        return next((where[name] for where in (own, general) for name in names if name in where), None)

    end = told("end_step")
    return Saving(
        int(told("save_interval") or interval),
        tuple(int(each) for each in split(told("save_steps") or "")),
        int(told("start_step") or 0),
        None if end is None else int(end),
    )


def _saving_told(saving: Saving) -> dict[str, Any]:
    told = vars(saving)
    return told | {"save_steps": list(saving.save_steps)}


def _true(value: Any) -> bool:
    return str(value).lower() in ("true", "1", "yes")


def split(text: str) -> list[str]:
    """A list as Debugger's strings have it: commas between, not those within brackets or braces of a pattern."""
    parts = re.split(r",(?![^\[{(]*[\]})])", text)
    return [part for part in (part.strip() for part in parts) if part]
