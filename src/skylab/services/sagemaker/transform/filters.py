"""InputFilter and OutputFilter: the part of JSONPath that SageMaker takes.

$, .name, *, ['name','name'], [0,-1], [1:]; no filters, no recursion.
https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform-data-processing.html
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import jsonpath


class BadPath(Exception):
    """An expression that is not of that part."""


class NothingThere(Exception):
    """The expression names what the value does not have."""


class Path:
    """One expression. Raises BadPath."""

    def __init__(self, text: str) -> None:
        from jsonpath.segments import JSONPathChildSegment
        from jsonpath.selectors import IndexSelector, NameSelector, SliceSelector, WildcardSelector

        self._path = _compiled(text)
        segments = self._path.segments
        selectors = (IndexSelector, NameSelector, SliceSelector, WildcardSelector)
        known = all(
            isinstance(segment, JSONPathChildSegment) and all(isinstance(each, selectors) for each in segment.selectors)
            for segment in segments
        )
        if not known:
            raise BadPath(f"{text!r} uses more than names, numbers, ranges and *")
        self._one = self._path.singular_query()
        last = segments[-1].selectors if segments else ()
        self._named = sum(isinstance(each, IndexSelector | NameSelector) for each in last)

    @property
    def whole(self) -> bool:
        return not self._path.segments

    def of(self, value: Any) -> Any:
        """The value of one place; of several, an object of those that have names, a list of the others.
        Raises NothingThere."""
        if self.whole:
            return value
        found = list(self._path.finditer(value))
        if len(found) < max(1, self._named):
            raise NothingThere(f"{self._path} is not in the record")
        if self._one:
            return found[0].obj
        names = [match.parts[-1] for match in found]
        if all(isinstance(name, str) for name in names) and len(set(names)) == len(names):
            return {name: match.obj for name, match in zip(names, found, strict=True)}
        return [match.obj for match in found]


def _compiled(text: str) -> jsonpath.JSONPath:
    import jsonpath  # here, since a server that starts need not wait for it

    try:
        path = jsonpath.compile(text.replace(".[", "["))  # $.field.['a','b'] is AWS's own example
    except jsonpath.JSONPathError as problem:
        raise BadPath(str(problem).splitlines()[0]) from None
    if not text.startswith("$") or not isinstance(path, jsonpath.JSONPath):
        raise BadPath(f"{text!r} is not one path that begins with $")
    return path
