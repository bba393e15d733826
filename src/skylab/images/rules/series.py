"""What a rule is given and what it says: the steps of a training, one after another, and what was found at one."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np

REDUCTIONS = "smdebug/reductions/"
Array = np.ndarray[Any, Any]


class Finding(NamedTuple):
    step: int
    why: str


@dataclass(frozen=True)
class Step:
    """values: by name, loaded when they are asked for. collections: what belongs to each, as a question about a name.
    waited: seconds since the last tensors came, of a step that is only told because none come."""

    number: int
    mode: str
    values: Mapping[str, Any]
    collections: Mapping[str, Callable[[str], bool]] = field(default_factory=dict)
    waited: float = 0.0

    @cached_property
    def names(self) -> list[str]:
        """Of tensors, also of those of which only reductions were saved."""
        return list(dict.fromkeys(_of(name) for name in self.values))

    def value(self, name: str) -> Array:
        """Raises KeyError where only reductions were saved."""
        return np.asarray(self.values[name])

    def whole(self, names: Iterable[str]) -> Iterator[tuple[str, Array]]:
        """Those with a value of numbers."""
        for name in names:
            if name in self.values and (value := self.value(name)).dtype.kind in "fiub":
                yield name, value

    def select(self, collections: Sequence[str] = (), patterns: Sequence[str] = ()) -> list[str]:
        """The names in any of the collections, or with any of the patterns in them."""
        asked = [self.collections[name] for name in collections if name in self.collections]
        asked += [re.compile(pattern).search for pattern in patterns]  # type: ignore[misc]  # a match is true
        return [name for name in self.names if any(takes(name) for takes in asked)]

    def reduced(self, name: str, reduction: str) -> float:
        """mean, abs_mean, …: as it was saved, or of the value."""
        if (saved := f"{REDUCTIONS}{reduction}/{name}") in self.values:
            return float(self.value(saved))
        word = reduction.removeprefix("abs_")
        value = np.abs(self.value(name)) if word != reduction else self.value(name)
        return float(getattr(np, word)(value))


def _of(name: str) -> str:
    return name.removeprefix(REDUCTIONS).partition("/")[2] if name.startswith(REDUCTIONS) else name


Steps = Iterable[Step]
Findings = Iterator[Finding]


def chosen(step: Step, collection_names: Sequence[str], tensor_regex: Sequence[str]) -> list[str]:
    """What the two parameters of most rules name; everything where they name nothing."""
    if not collection_names and not tensor_regex:
        return step.names
    return step.select(collection_names, tensor_regex)
