"""Repositories: a name, and whether its tags can move."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.services.ecr import words
from skylab.services.ecr.pages import page
from skylab.services.ecr.tags import added

if TYPE_CHECKING:
    from skylab.shapes.ecr import *

TYPE = "repository"
NAME = re.compile(r"(?:[a-z0-9]+(?:[._-][a-z0-9]+)*/)*[a-z0-9]+(?:[._-][a-z0-9]+)*")


class Repositories:
    def create_repository(self, call: Call, request: CreateRepositoryRequest) -> dict[str, Any]:
        _refuse(request)
        name = request["repositoryName"]
        if not NAME.fullmatch(name):
            pattern = NAME.pattern.replace("?:", "?:")
            raise words.invalid(
                f"Invalid parameter at 'repositoryName' failed to satisfy constraint: 'must satisfy regular "
                f"expression '{pattern}''"
            )
        doc = {
            "repositoryArn": call.arn(f"repository/{name}"),
            "registryId": call.account,
            "repositoryName": name,
            "repositoryUri": f"{call.account}.dkr.ecr.{call.region}.amazonaws.com/{name}",
            "createdAt": call.now,
            "imageTagMutability": request.get("imageTagMutability", "MUTABLE"),
            "imageScanningConfiguration": {"scanOnPush": False},
            "encryptionConfiguration": {"encryptionType": "AES256"},
        }
        with call.writing() as tx:
            tx.create(call.key(TYPE, name), doc | {"_": {"tags": added({}, request.get("tags", []))}}, call.now)
        return {"repository": doc}

    def describe_repositories(self, call: Call, request: DescribeRepositoriesRequest) -> dict[str, Any]:
        own(call, request)
        with call.reading() as tx:
            if "repositoryNames" in request:
                return {"repositories": [tx.get(call.key(TYPE, name)) for name in request["repositoryNames"]]}
            found = list(tx.all(call.account, call.region, "ecr", TYPE))
        return page(found, request, "repositories", lambda doc: doc["repositoryName"])

    def delete_repository(self, call: Call, request: DeleteRepositoryRequest) -> dict[str, Any]:
        own(call, request)
        name = request["repositoryName"]
        with call.writing() as tx:
            doc = tx.get(call.key(TYPE, name))
            kept = images(tx, call, name)
            if kept and not request.get("force"):
                raise words.not_empty(name, call.account)
            for image in kept:
                tx.delete(image_key(call, name, image["imageDigest"]))
            tx.delete(call.key(TYPE, name))
        return {"repository": doc}

    def put_image_tag_mutability(self, call: Call, request: PutImageTagMutabilityRequest) -> dict[str, Any]:
        own(call, request)
        name, mutability = request["repositoryName"], request["imageTagMutability"]
        with call.writing() as tx:
            tx.update(call.key(TYPE, name), call.now, imageTagMutability=mutability)
        return {"registryId": call.account, "repositoryName": name, "imageTagMutability": mutability}


def _refuse(request: Any) -> None:
    """Raises AwsError for what would have no effect here."""
    if request.get("imageScanningConfiguration", {}).get("scanOnPush"):
        raise words.invalid("Images are not scanned here: leave scanOnPush out.")
    if request.get("encryptionConfiguration", {}).get("encryptionType", "AES256") != "AES256":
        raise words.invalid("Repositories are not encrypted with a key of KMS here.")
    if request.get("imageTagMutability", "MUTABLE") not in ("MUTABLE", "IMMUTABLE"):
        raise words.invalid("Tag mutability with exclusions is not supported here.")


def own(call: Call, request: Any) -> None:
    """Raises AwsError for a registry of another account: there is only the caller's."""
    if request.get("registryId", call.account) != call.account:
        raise words.no_repository(request.get("repositoryName", "null"), request["registryId"])


def image_key(call: Call, repository: str, digest: str) -> Key:
    return call.key("image", f"{repository}@{digest}")


def images(tx: Transaction, call: Call, repository: str) -> list[dict[str, Any]]:
    """Of one repository, whole."""
    return list(tx.all(call.account, call.region, "ecr", "image", f"{repository}@"))
