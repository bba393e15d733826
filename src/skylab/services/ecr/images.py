"""Images: a manifest by its digest, and the tags that name it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from skylab.containers import image
from skylab.containers.dockerfile import Malformed
from skylab.containers.image import NoImage
from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.services.ecr import words
from skylab.services.ecr.pages import page
from skylab.services.ecr.repositories import TYPE, image_key, images, own
from skylab.wire.errors import AwsError

if TYPE_CHECKING:
    from skylab.shapes.ecr import *


class Images:
    def put_image(self, call: Call, request: PutImageRequest) -> dict[str, Any]:
        """Takes the tag from the image that had it, and never changes an image."""
        own(call, request)
        name, manifest, tag = request["repositoryName"], request["imageManifest"], request.get("imageTag")
        size, digest = _size(call, manifest), image.digest(manifest.encode())
        if request.get("imageDigest", digest) != digest:
            raise AwsError("ImageDigestDoesNotMatchException", "The digest does not match that of the manifest.")
        with call.writing() as tx:
            repository = tx.get(call.key(TYPE, name))
            kept = {doc["imageDigest"]: doc for doc in images(tx, call, name)}
            if digest in kept and tag in (None, *kept[digest]["imageTags"]):
                raise words.image_exists(digest, tag or "null", name, call.account)
            doc = kept.get(digest) or _document(call, name, digest, size, manifest)
            if tag:
                _move_tag(tx, call, repository, kept, tag)
                doc["imageTags"] = [*doc["imageTags"], tag]
            keep = tx.put if digest in kept else tx.create
            keep(image_key(call, name, digest), doc, call.now)
        return {"image": _shown(doc, tag)}

    def describe_images(self, call: Call, request: DescribeImagesRequest) -> dict[str, Any]:
        own(call, request)
        name, status = request["repositoryName"], request.get("filter", {}).get("tagStatus", "ANY")
        with call.reading() as tx:
            found = _of(tx, call, name)
        if "imageIds" in request:
            wanted = [_find(found, each) for each in request["imageIds"]]
            for each, doc in zip(request["imageIds"], wanted, strict=True):
                if doc is None:
                    raise words.no_image(each, name, call.account)
            return {"imageDetails": wanted}
        found = [doc for doc in found if status in ("ANY", "TAGGED" if doc["imageTags"] else "UNTAGGED")]
        shown = [doc if doc["imageTags"] else {k: v for k, v in doc.items() if k != "imageTags"} for doc in found]
        return page(shown, request, "imageDetails", lambda doc: doc["imageDigest"])

    def list_images(self, call: Call, request: ListImagesRequest) -> dict[str, Any]:
        own(call, request)
        with call.reading() as tx:
            found = _of(tx, call, request["repositoryName"])
        status, ids = request.get("filter", {}).get("tagStatus", "ANY"), []
        for doc in found:
            tagged = [{"imageDigest": doc["imageDigest"], "imageTag": tag} for tag in doc["imageTags"]]
            ids += tagged if status != "UNTAGGED" else []
            ids += [{"imageDigest": doc["imageDigest"]}] if not tagged and status != "TAGGED" else []
        return page(ids, request, "imageIds", lambda each: f"{each['imageDigest']} {each.get('imageTag', '')}")

    def batch_get_image(self, call: Call, request: BatchGetImageRequest) -> dict[str, Any]:
        own(call, request)
        with call.reading() as tx:
            found = _of(tx, call, request["repositoryName"])
        pairs = [(each, _find(found, each)) for each in request["imageIds"]]
        shown = [_shown(doc, each.get("imageTag")) for each, doc in pairs if doc]
        return {"images": shown, "failures": [_failure(each) for each, doc in pairs if not doc]}

    def batch_delete_image(self, call: Call, request: BatchDeleteImageRequest) -> dict[str, Any]:
        """A tag is taken off; with its last tag, or by its digest, an image goes."""
        own(call, request)
        gone, failures, name = [], [], request["repositoryName"]
        with call.writing() as tx:
            for each in request["imageIds"]:
                doc = _find(_of(tx, call, name), each)
                if doc is None:
                    failures.append(_failure(each))
                    continue
                gone.append({"imageDigest": doc["imageDigest"]} | each)
                doc["imageTags"] = [tag for tag in doc["imageTags"] if tag != each.get("imageTag")]
                key = image_key(call, name, doc["imageDigest"])
                if "imageTag" not in each or not doc["imageTags"]:
                    tx.delete(key)
                else:
                    tx.put(key, doc, call.now)
        return {"imageIds": gone, "failures": failures}


def _size(call: Call, manifest: str) -> int:
    """Bytes. Raises AwsError where the manifest is not one of ours, or names a layer that was not built here."""
    try:
        layers = image.read(manifest).layers
        absent = [layer for layer in layers if not call.part["layers"].has(layer)]
    except (NoImage, Malformed) as problem:
        raise words.invalid(f"Invalid parameter at 'ImageManifest' failed to satisfy constraint: '{problem}'") from None
    if absent:
        raise AwsError("LayersNotFoundException", f"Layers were not found: {', '.join(absent)}")
    return sum(call.part["layers"].size(layer) for layer in layers)


def _document(call: Call, name: str, digest: str, size: int, manifest: str) -> dict[str, Any]:
    return {
        "registryId": call.account,
        "repositoryName": name,
        "imageDigest": digest,
        "imageTags": [],
        "imageSizeInBytes": size,
        "imagePushedAt": call.now,
        "imageManifestMediaType": image.MANIFEST,
        "artifactMediaType": image.CONFIG,
        "_": {"manifest": manifest},
    }


def _move_tag(tx: Transaction, call: Call, repository: Any, kept: dict[str, Any], tag: str) -> None:
    for doc in kept.values():
        if tag in doc["imageTags"]:
            if repository["imageTagMutability"] == "IMMUTABLE":
                raise words.tag_taken(tag, repository["repositoryName"], call.account)
            doc["imageTags"].remove(tag)
            tx.put(image_key(call, doc["repositoryName"], doc["imageDigest"]), doc, call.now)


def _of(tx: Transaction, call: Call, name: str) -> list[dict[str, Any]]:
    """Raises Missing for a repository that is not there."""
    tx.get(call.key(TYPE, name))
    return images(tx, call, name)


def _find(found: list[dict[str, Any]], image: Any) -> dict[str, Any] | None:
    """By digest, tag, or both: then they have to be of one image."""
    digest, tag = image.get("imageDigest"), image.get("imageTag")
    fits = (doc for doc in found if digest in (None, doc["imageDigest"]) and (tag is None or tag in doc["imageTags"]))
    return next(fits, None) if digest or tag else None


def _shown(doc: dict[str, Any], tag: str | None) -> dict[str, Any]:
    shown = {member: doc[member] for member in ("registryId", "repositoryName", "imageManifestMediaType")}
    image_id = {"imageDigest": doc["imageDigest"]} | ({"imageTag": tag} if tag else {})
    return shown | {"imageId": image_id, "imageManifest": doc["_"]["manifest"]}


def _failure(image: Any) -> dict[str, Any]:
    if not image:
        code, reason = "MissingDigestAndTag", "Missing digest and tag"
    else:
        code, reason = "ImageNotFound", "Requested image not found"
    return {"imageId": image, "failureCode": code, "failureReason": reason}
