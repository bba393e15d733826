"""Model cards: a document about a model. Each change of its content is a version; its status is not.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-cards.html
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.services.sagemaker import common, pages, people
from skylab.services.sagemaker.registry import names, sealing
from skylab.services.sagemaker.registry.names import CARD
from skylab.services.sagemaker.registry.schema import check_content, sanitized
from skylab.wire.errors import AwsError, invalid

if TYPE_CHECKING:
    from skylab.shapes.sagemaker import *

VERSION = "model-card-version"
FOUND_BY = {
    "ModelId": ("model_overview", "model_id"),
    "RiskRating": ("intended_uses", "risk_rating"),
    "ModelPackageGroupName": ("model_package_details", "model_package_group_name"),
}


class ModelCards:
    def create_model_card(self, call: Call, request: CreateModelCardRequest) -> dict[str, Any]:
        key = call.key(CARD, request["ModelCardName"])
        doc: dict[str, Any] = {
            name: request[name] for name in ("ModelCardName", "ModelCardStatus", "SecurityConfig") if name in request
        }
        doc |= people.created(call) | people.modified(call) | {"ModelCardArn": names.arn(key), "ModelCardVersion": 1}
        content = _content(call, request["Content"], request.get("SecurityConfig", {}))
        doc |= _found_by(content)
        with call.writing() as tx:
            if tx.find(names.spelled(tx, key)) is not None:
                raise AwsError("ConflictException", f"Model card {names.arn(key)} already exists.")
            tx.create(key, doc | {"_": {"tags": common.tags(request)}}, call.now)
            tx.create(_version(key, 1), doc | {"_": content}, call.now)
        return {"ModelCardArn": doc["ModelCardArn"]}

    def update_model_card(self, call: Call, request: UpdateModelCardRequest) -> dict[str, Any]:
        if "Content" in request and "ModelCardStatus" in request:
            raise invalid("You cannot update both model card content and model card status in a single call.")
        with call.reading() as tx:
            _, card = find(tx, call, request["ModelCardName"])
        content = _content(call, request["Content"], card.get("SecurityConfig", {})) if "Content" in request else None
        with call.writing() as tx:
            key, card = find(tx, call, request["ModelCardName"])
            if content is not None:
                _add(tx, call, key, card, content)
            elif "ModelCardStatus" in request:
                changes = people.modified(call) | {"ModelCardStatus": request["ModelCardStatus"]}
                for place in (key, _version(key, card["ModelCardVersion"])):
                    tx.put(place, tx.get(place) | changes, call.now)
        return {"ModelCardArn": card["ModelCardArn"]}

    def describe_model_card(self, call: Call, request: DescribeModelCardRequest) -> dict[str, Any]:
        with call.reading() as tx:
            doc = version(tx, call, request["ModelCardName"], request.get("ModelCardVersion"))
        whole = request.get("IncludedData", "AllData") == "AllData"
        return doc | {"Content": sealing.opened(call, doc["_"]) if whole else doc["_"]["plain"]}

    def list_model_cards(self, call: Call, request: ListModelCardsRequest) -> dict[str, Any]:
        column = {"Name": "ModelCardName"}.get(request.get("SortBy", ""), "CreationTime")
        with call.reading() as tx:
            found = [doc for doc in tx.all(call.account, call.region, "sagemaker", CARD) if _wanted(doc, request)]
        return pages.page(
            found, request, "ModelCardSummaries", lambda doc: (pages.value(doc[column]), doc["ModelCardName"])
        )

    def list_model_card_versions(self, call: Call, request: ListModelCardVersionsRequest) -> dict[str, Any]:
        with call.reading() as tx:
            key, _ = find(tx, call, request["ModelCardName"])
            found = [doc for doc in versions(tx, key) if _wanted(doc, request)]
        return pages.page(
            found, request, "ModelCardVersionSummaryList", lambda doc: (doc["ModelCardVersion"], doc["ModelCardName"])
        )

    def delete_model_card(self, call: Call, request: DeleteModelCardRequest) -> None:
        """With all its versions, and what is known of its exports; the files of those stay."""
        with call.writing() as tx:
            key, _ = find(tx, call, request["ModelCardName"])
            for doc in versions(tx, key):
                tx.delete(_version(key, doc["ModelCardVersion"]))
            tx.delete(key)
            tx.db.execute(
                "delete from resource where (account, region, service, type) = (?, ?, ?, 'model-card-export')"
                " and substr(name, 1, ?) = ?",
                (*key[:3], len(key.name) + 1, f"{key.name}/"),
            )


def find(tx: Transaction, call: Call, given: str) -> tuple[Key, dict[str, Any]]:
    """Raises AwsError."""
    return names.find(tx, call, CARD, given)


def version(tx: Transaction, call: Call, given: str, number: int | None = None) -> dict[str, Any]:
    """One version of a card, the last one unless said otherwise. Raises AwsError."""
    key, card = find(tx, call, given)
    if (doc := tx.find(_version(key, number or card["ModelCardVersion"]))) is None:
        raise AwsError("ResourceNotFound", f"Version {number} of model card {names.arn(key)} does not exist.", 400)
    return doc


def versions(tx: Transaction, key: Key) -> list[dict[str, Any]]:
    return list(tx.all(key.account, key.region, "sagemaker", VERSION, f"{key.name}/"))


def _version(key: Key, number: int) -> Key:
    return key._replace(type=VERSION, name=f"{key.name}/{number}")


def _content(call: Call, text: str, security: Any) -> dict[str, Any]:
    """What is kept of a card's content. Raises AwsError."""
    card = check_content(text)
    return sealing.kept(call, text, security.get("KmsKeyId")) | {"plain": sanitized(card)}


def _found_by(content: dict[str, Any]) -> dict[str, str]:
    """What Search finds a card by beside its name: of what is not secret in it."""
    plain = json.loads(content["plain"])
    found = {member: plain.get(part, {}).get(name) for member, (part, name) in FOUND_BY.items()}
    return {member: value for member, value in found.items() if value}


def _add(tx: Transaction, call: Call, key: Key, card: dict[str, Any], content: dict[str, Any]) -> None:
    if card["ModelCardStatus"] == "Archived":
        raise AwsError("ConflictException", "Model Card is in Archived state.")
    card = {member: value for member, value in card.items() if member not in FOUND_BY}
    card |= people.modified(call) | _found_by(content) | {"ModelCardVersion": card["ModelCardVersion"] + 1}
    tx.put(key, card, call.now)
    tx.create(_version(key, card["ModelCardVersion"]), card | people.created(call) | {"_": content}, call.now)


def _wanted(doc: dict[str, Any], request: Any) -> bool:
    return (
        request.get("NameContains", "").lower() in doc["ModelCardName"].lower()
        and request.get("ModelCardStatus") in (None, doc["ModelCardStatus"])
        and pages.between(request, "CreationTimeAfter", "CreationTimeBefore", doc["CreationTime"])
    )
