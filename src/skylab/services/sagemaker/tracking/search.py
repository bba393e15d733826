"""Search: one pass over the documents of a kind, of which no more than a page is kept."""

from __future__ import annotations

import heapq
from collections.abc import Iterable, Mapping
from datetime import datetime
from functools import total_ordering
from typing import TYPE_CHECKING, Any

from skylab.services.call import Call
from skylab.services.sagemaker import pages
from skylab.services.sagemaker.tracking import expression, paths
from skylab.services.sagemaker.tracking.subjects import Beside, Subject, subject
from skylab.wire.errors import invalid

if TYPE_CHECKING:
    from skylab.shapes.sagemaker import *

SIZE = 10
SUGGESTED = 100


class Searches:
    def search(self, call: Call, request: SearchRequest) -> dict[str, Any]:
        if request.get("CrossAccountFilterOption") == "CrossAccount":
            raise invalid("CrossAccountFilterOption CrossAccount is not offered yet.")
        what = subject(request["Resource"])
        wanted = expression.compiled(what, request["SearchExpression"]) if "SearchExpression" in request else None
        order = Order(what, request)
        with call.reading() as tx:
            beside = Beside(tx, call, what)
            docs = tx.all(call.account, call.region, "sagemaker", what.type)
            visible = _visible(docs, beside, request.get("VisibilityConditions", []))
            found = (doc for doc in visible if wanted is None or wanted(doc, beside))
            page, more, total = order.page(found, beside)
            results = [what.result(beside.record(doc)) for doc in page]
        answer: dict[str, Any] = {"Results": results, "TotalHits": {"Value": total, "Relation": "EqualTo"}}
        return answer | ({"NextToken": more} if more else {})

    def get_search_suggestions(self, call: Call, request: GetSearchSuggestionsRequest) -> dict[str, Any]:
        """Names of properties, also of the tags, metrics and hyperparameters that there are."""
        what = subject(request["Resource"])
        hint = request.get("SuggestionQuery", {}).get("PropertyNameQuery", {}).get("PropertyNameHint", "").lower()
        with call.reading() as tx:
            names = _names(what, Beside(tx, call, what), tx.all(call.account, call.region, "sagemaker", what.type))
        found = sorted(name for name in names if name.lower().startswith(hint))
        return {"PropertyNameSuggestions": [{"PropertyName": name} for name in found[:SUGGESTED]]}


def _visible(docs: Iterable[dict[str, Any]], beside: Beside, conditions: Iterable[Any]) -> Iterable[dict[str, Any]]:
    """Without those that have the tag of a condition with another value."""
    wanted = {}
    for condition in conditions:
        prefix, _, key = condition["Key"].partition(".")
        if prefix != "Tags" or not key:
            raise invalid(f"The key {condition['Key']} of a visibility condition must have the form Tags.<key>.")
        wanted[key] = condition["Value"]
    if not wanted:
        return docs
    return (doc for doc in docs if all(beside.tags(doc).get(key, value) == value for key, value in wanted.items()))


def _names(what: Subject, beside: Beside, docs: Iterable[dict[str, Any]]) -> set[str]:
    found = set(what.shape.members)
    for doc in docs:
        found |= {f"Tags.{key}" for key in beside.tags(doc)}
        found |= {f"HyperParameters.{key}" for key in doc.get("HyperParameters", {})}
        found |= {f"Parameters.{key}" for key in doc.get("Parameters", {})}
        found |= {f"Metrics.{metric['MetricName']}" for metric in beside.metrics(doc)}
    return found


@total_ordering
class Last:
    """What comes first when it is sorted from high to low."""

    def __init__(self, place: tuple[Any, ...]) -> None:
        self.place = place

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Last) and self.place == other.place

    def __lt__(self, other: Last) -> bool:
        return self.place > other.place


class Order:
    """By which property results are sorted, and the part of them that one page shows."""

    def __init__(self, what: Subject, request: Mapping[str, Any]) -> None:
        self.what, self.size = what, request.get("MaxResults", SIZE)
        self.by = paths.named(what, request["SortBy"]) if "SortBy" in request else None
        self.descending = request.get("SortOrder", "Descending") == "Descending"
        self.after = pages.untoken(request["NextToken"]) if "NextToken" in request else None

    def page(self, found: Iterable[dict[str, Any]], beside: Beside) -> tuple[list[dict[str, Any]], str, int]:
        """The documents of the page, the token of the next one or "", and how many there are in all."""
        total, start = 0, None if self.after is None else self._key(*self.after)

        def left() -> Iterable[tuple[Any, pages.Place, dict[str, Any]]]:
            nonlocal total
            for doc in found:
                total += 1
                place = self._place(doc, beside)
                key = self._key(*place)
                if start is None or key > start:
                    yield key, place, doc

        best = heapq.nsmallest(self.size + 1, left(), key=lambda each: each[0])
        more = pages.token(best[self.size - 1][1]) if len(best) > self.size else ""
        return [doc for _, _, doc in best[: self.size]], more, total

    def _place(self, doc: dict[str, Any], beside: Beside) -> pages.Place:
        if self.by is None:
            value: Any = doc.get("LastModifiedTime", doc.get("CreationTime"))
        else:
            value = next(iter(self.by.read(doc, beside)), None)
        if isinstance(value, datetime):
            value = value.timestamp()
        return value if isinstance(value, int | float | str) else "", doc[self.what.name]

    def _key(self, value: float | str, name: str) -> Any:
        """What has no value comes last either way, and numbers before texts."""
        rank = 2 if value == "" else int(isinstance(value, str))
        inner = (value, name) if value != "" else (name,)
        return (rank, Last(inner)) if self.descending else (rank, inner)
