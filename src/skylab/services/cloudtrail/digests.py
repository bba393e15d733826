"""Digests: what was delivered in an hour, by its hashes, each signed and naming the signature of the one before.

There is one chain for each region that a trail delivers from, and one for its home even where nothing happens there.
What a chain knows is in the trail's task: {"files": not yet in a digest, "previous": bucket, key, hash, signature}.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from skylab.kernel.store import Store
from skylab.services.cloudtrail import files
from skylab.services.cloudtrail.keys import Signers

Doc = dict[str, Any]


def begun(data: Doc, trail: Doc, now: datetime) -> Doc | None:
    """The state to go on from: None where files are not validated, which breaks the chain."""
    if not trail["LogFileValidationEnabled"]:
        return None
    known = data.get("digest") or {}
    return known if "start" in known else known | {"start": now.replace(microsecond=0)}


def due(data: Doc, trail: Doc, now: datetime, interval: timedelta) -> bool:
    """When the interval is over; and at the end of logging, so that no delivered file is without a digest."""
    digest = data.get("digest") or {}
    if not trail["LogFileValidationEnabled"] or "start" not in digest:
        return False
    if now.replace(microsecond=0) <= digest["start"]:
        return False  # two digests of one second would have one name
    return bool(now >= digest["start"] + interval or (left(digest) and not trail["_"]["logging"]))


def left(digest: Doc | None) -> bool:
    """Whether files wait for the next digest."""
    return any(chain.get("files") for chain in ((digest or {}).get("chains") or {}).values())


class Digests:
    def __init__(self, store: Store, signers: Signers) -> None:
        self.store, self.signers = store, signers

    def made(self, trail: Doc, digest: Doc) -> Iterator[tuple[str, files.File, str]]:
        """(region, file, signature) of each chain, for the time from digest["start"] to digest["end"].

        Made again after a kill they are the same: what they are made of is in the task, and so is their time.
        """
        chains = {trail["HomeRegion"]: {}} | (digest.get("chains") or {})
        for region, chain in chains.items():
            fingerprint = self.signers.current(self.store, region, digest["end"])
            file, text = files.digest_file(trail, region, digest["start"], digest["end"], fingerprint, chain)
            yield region, file, self.signers.sign(self.store, region, fingerprint, text)
