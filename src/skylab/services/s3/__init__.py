"""Amazon S3: buckets are documents, objects are files with an index of their own."""

from pathlib import Path
from typing import Any

from skylab.kernel.clock import Clock
from skylab.kernel.store import Missing
from skylab.kernel.vault import Vault
from skylab.services.s3.attributes import Attributes
from skylab.services.s3.bodies import Bodies
from skylab.services.s3.buckets import Buckets
from skylab.services.s3.completions import Completions
from skylab.services.s3.copies import Copies
from skylab.services.s3.cors import Cors
from skylab.services.s3.defaults import Encryption
from skylab.services.s3.deletions import Deletions
from skylab.services.s3.enums import check
from skylab.services.s3.expiring import Expiring
from skylab.services.s3.exposure import Exposure
from skylab.services.s3.index import Index
from skylab.services.s3.keeper import Keeper
from skylab.services.s3.keys import Keys
from skylab.services.s3.lifecycle import KIND, Lifecycle
from skylab.services.s3.listings import Listings
from skylab.services.s3.locks import Locks
from skylab.services.s3.multipart import Uploads
from skylab.services.s3.objects import Objects
from skylab.services.s3.policies import Policies
from skylab.services.s3.renewal import seal_plain
from skylab.settings import Settings
from skylab.wire.errors import AwsError

NAME = "s3"
RESOURCES = [
    Buckets,
    Encryption,
    Objects,
    Deletions,
    Copies,
    Listings,
    Uploads,
    Completions,
    Attributes,
    Locks,
    Lifecycle,
    Policies,
    Exposure,
    Cors,
]
WORK = {KIND: Expiring}
ERRORS = {
    Missing: lambda key: AwsError("NoSuchBucket", "The specified bucket does not exist", 404, BucketName=key.name)
}
INVALID = "InvalidArgument"
CHECK = check


def open(root: Path, settings: Settings, clock: Clock) -> dict[str, Any]:
    """The data plane in root/s3. What a kill left behind is taken away; close() is part["keeper"].close()."""
    (folder := root / "s3").mkdir(mode=0o700, parents=True, exist_ok=True)
    index = Index(folder / "index.db", settings.durability)
    keys = Keys(index, Vault.open(root, settings))
    bodies = Bodies(folder, index, keys.vault, settings.durability)
    keeper = Keeper(folder, index, bodies, clock)
    keeper.sweep()
    seal_plain(index, bodies, keys)
    keeper.note()  # what was doomed before the restart is taken away in its time
    return {"objects": index, "bodies": bodies, "keeper": keeper, "keys": keys}
