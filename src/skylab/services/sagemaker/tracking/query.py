"""QueryLineage: what can be walked to from some entities, breadth first. Filters choose what is shown, not the way.

https://docs.aws.amazon.com/sagemaker/latest/dg/querying-lineage-entities.html
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.services.sagemaker import pages
from skylab.services.sagemaker.tracking import edges, entities
from skylab.services.sagemaker.tracking.edges import Link
from skylab.services.sagemaker.tracking.entities import EXPERIMENT, LINEAGE
from skylab.wire.errors import invalid

if TYPE_CHECKING:
    from skylab.shapes.sagemaker import *

DEEPEST = 10
SIZE = 50
WAYS = {"Descendants": ("source",), "Ascendants": ("destination",), "Both": ("source", "destination")}


class Lineage:
    def query_lineage(self, call: Call, request: QueryLineageRequest) -> dict[str, Any]:
        if not (starts := request.get("StartArns")):
            raise invalid("StartArns must be given.")
        with call.reading() as tx:
            starts = [entities.arn(place) for place in (entities.parsed(arn, LINEAGE) for arn in starts)]
            for arn in starts:
                entities.find(tx, entities.parsed(arn, LINEAGE))
            walk = Walk(tx, (call.account, call.region), starts)
            walk.go(WAYS[request.get("Direction", "Both")], request.get("MaxDepth", DEEPEST))
            return _answer(walk, request)


class Walk:
    """reached: every entity by its ARN, in the order of the walk. came: by which associations each was reached."""

    def __init__(self, tx: Transaction, place: tuple[str, str], starts: list[str]) -> None:
        self.tx, self.place, self.starts = tx, place, starts
        self.reached: dict[str, dict[str, Any]] = {arn: self._doc(arn) for arn in starts}
        self.came: dict[str, list[tuple[str, Link]]] = {}

    def go(self, ends: tuple[str, ...], depth: int) -> None:
        """Each direction by itself: what lies above is not gone down from."""
        for end in ends:
            level, seen = list(self.starts), set(self.starts)
            for _ in range(depth):
                level = self._next(end, level, seen)
                if not level:
                    break

    def _next(self, end: str, level: list[str], seen: set[str]) -> list[str]:
        found: list[str] = []
        for edge in edges.at(self.tx, self.place, end, level):
            here, there = (edge.source, edge.destination) if end == "source" else (edge.destination, edge.source)
            if there not in self.reached:
                if not (doc := self._doc(there)):
                    continue  # deleted, and its associations were left
                self.reached[there] = doc
            self.came.setdefault(there, []).append((here, edge))
            if there not in seen:
                seen.add(there)
                found.append(there)
        return found

    def path(self, arns: set[str]) -> tuple[set[str], list[Link]]:
        """What lies between the starts and these, both included."""
        whole, todo = set(arns), list(arns)
        walked: dict[Link, None] = {}
        while todo:
            for before, edge in self.came.get(todo.pop(), []):
                walked[edge] = None
                if before not in whole:
                    whole.add(before)
                    todo.append(before)
        return whole, list(walked)

    def _doc(self, arn: str) -> dict[str, Any]:
        """{} of what is deleted, and of an experiment, which is no vertex."""
        return (edges.entity(self.tx, arn) or {}) if f":{EXPERIMENT}/" not in arn else {}


def _answer(walk: Walk, request: Mapping[str, Any]) -> dict[str, Any]:
    """One page of vertices, and the associations between those that are on it or before it."""
    filters = request.get("Filters", {})
    chosen = {arn for arn, doc in walk.reached.items() if arn not in walk.starts and _wanted(arn, doc, filters)}
    associations: list[Link] = []
    if request.get("IncludeEdges", True):
        chosen, associations = walk.path(chosen)
    found = [arn for arn in walk.reached if arn in chosen]
    first = 0
    if "NextToken" in request:
        after = pages.untoken(request["NextToken"])[1]
        if after not in found:
            raise invalid("Invalid NextToken.")
        first = found.index(after) + 1
    size = request.get("MaxResults", SIZE)
    page = found[first : first + size]
    shown = set(found[: first + size])
    new = set(page)
    lines = [edge for edge in associations if {edge.source, edge.destination} <= shown]
    return {
        "Vertices": [_vertex(arn, walk.reached[arn]) for arn in page],
        "Edges": [edge.shown() for edge in sorted(lines) if {edge.source, edge.destination} & new],
    } | ({"NextToken": pages.token((0, page[-1]))} if len(found) > first + size else {})


def _vertex(arn: str, doc: Mapping[str, Any]) -> dict[str, str]:
    return {"Arn": arn, "Type": edges.type_of(arn, doc), "LineageType": _lineage(arn)}


def _lineage(arn: str) -> str:
    return entities.WORDS[entities.parsed(arn, LINEAGE).type]


def _wanted(arn: str, doc: Mapping[str, Any], filters: Mapping[str, Any]) -> bool:
    properties = doc.get("Properties", {})
    wanted = filters.get("Properties", {})
    return (
        ("Types" not in filters or edges.type_of(arn, doc) in filters["Types"])
        and ("LineageTypes" not in filters or _lineage(arn) in filters["LineageTypes"])
        and (not wanted or any(properties.get(name) == value for name, value in wanted.items()))
        and pages.between(filters, "CreatedAfter", "CreatedBefore", doc["CreationTime"])
        and pages.between(filters, "ModifiedAfter", "ModifiedBefore", doc["LastModifiedTime"])
    )
