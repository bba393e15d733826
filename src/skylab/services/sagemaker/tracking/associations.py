"""Associations: what contributed to what, what produced what."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.services.sagemaker import pages, people
from skylab.services.sagemaker.tracking import edges, entities
from skylab.services.sagemaker.tracking.edges import Link
from skylab.services.sagemaker.tracking.entities import LINKED
from skylab.wire.errors import AwsError, invalid

if TYPE_CHECKING:
    from skylab.shapes.sagemaker import *


class Associations:
    def add_association(self, call: Call, request: AddAssociationRequest) -> dict[str, Any]:
        ends = _ends(request)
        with call.writing() as tx:
            for end in ends:
                entities.find(tx, entities.parsed(end, LINKED))
            type, by = request.get("AssociationType"), people.context(call)
            if not edges.add(tx, (call.account, call.region), *ends, type, call.now, by):
                raise invalid(f"An association from {ends[0]} to {ends[1]} already exists.")
        return dict(zip(("SourceArn", "DestinationArn"), ends, strict=True))

    def delete_association(self, call: Call, request: DeleteAssociationRequest) -> dict[str, Any]:
        ends = _ends(request)
        with call.writing() as tx:
            if not edges.remove(tx, (call.account, call.region), *ends):
                message = f"An association from {ends[0]} to {ends[1]} does not exist."
                raise AwsError("ResourceNotFound", message, 400)
        return dict(zip(("SourceArn", "DestinationArn"), ends, strict=True))

    def list_associations(self, call: Call, request: ListAssociationsRequest) -> dict[str, Any]:
        with call.reading() as tx:
            known: dict[str, dict[str, Any]] = {}
            found = [
                shown
                for edge in _candidates(tx, call, request)
                if request.get("AssociationType") in (None, edge.type)
                and _wanted(shown := _summary(tx, edge, known), request)
            ]
        column = request.get("SortBy", "CreationTime")

        def place(doc: dict[str, Any]) -> pages.Place:
            return pages.value(doc.get(column, "")), f"{doc['SourceArn']} {doc['DestinationArn']}"

        return pages.page(found, request, "AssociationSummaries", place, size=entities.SIZE)


def _ends(request: Any) -> tuple[str, str]:
    """Raises AwsError for what has no part in lineage."""
    source, destination = (entities.parsed(request[name], LINKED) for name in ("SourceArn", "DestinationArn"))
    if source == destination:
        raise invalid("SourceArn and DestinationArn must not be the same.")
    return entities.arn(source), entities.arn(destination)


def _candidates(tx: Transaction, call: Call, request: Any) -> list[Link]:
    place = (call.account, call.region)
    for name, end in (("SourceArn", "source"), ("DestinationArn", "destination")):
        if name in request:
            found = edges.at(tx, place, end, [request[name].lower()])
            destination = request.get("DestinationArn", "").lower()
            return [edge for edge in found if destination in ("", edge.destination)]
    return edges.every(tx, place)


def _summary(tx: Transaction, edge: Link, known: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """known: the ends that were looked at before."""
    shown = edge.whole()
    for end, arn in (("Source", edge.source), ("Destination", edge.destination)):
        if arn not in known:
            doc = edges.entity(tx, arn)
            known[arn] = {"Type": edges.type_of(arn, doc), "Name": edges.name_of(arn, doc)} if doc else {}
        shown |= {f"{end}{member}": value for member, value in known[arn].items() if value}
    return shown


def _wanted(shown: dict[str, Any], request: Any) -> bool:
    """A type may also be the lineage type: "Action" finds every action, as the SDK asks for them."""
    return all(
        request.get(f"{end}Type") in (None, shown.get(f"{end}Type"), _lineage(shown[f"{end}Arn"]))
        for end in ("Source", "Destination")
    ) and pages.between(request, "CreatedAfter", "CreatedBefore", shown["CreationTime"])


def _lineage(arn: str) -> str:
    return entities.WORDS[entities.parsed(arn, LINKED).type]
