"""CloudTrail: the history of all calls, and trails that deliver it to S3, signed and chained."""

from pathlib import Path
from typing import Any

from skylab.kernel.clock import Clock
from skylab.kernel.key import Key
from skylab.kernel.store import Exists, Missing
from skylab.kernel.vault import Vault
from skylab.services.cloudtrail.delivery import Delivery
from skylab.services.cloudtrail.history import History
from skylab.services.cloudtrail.keys import Keys, Signers
from skylab.services.cloudtrail.ledger import Ledger
from skylab.services.cloudtrail.recording import Recording
from skylab.services.cloudtrail.selectors import Selectors
from skylab.services.cloudtrail.tags import Tags
from skylab.services.cloudtrail.trails import Trails
from skylab.services.cloudtrail.watch import Watch
from skylab.settings import Settings
from skylab.wire.errors import AwsError

NAME = "cloudtrail"
RESOURCES = [Trails, Recording, Selectors, Tags, History, Keys]
WORK = {"trail": Delivery}
INVALID = "InvalidParameterException"


def _missing(key: Key) -> AwsError:
    return AwsError("TrailNotFoundException", f"Unknown trail: {key.name}")


def _exists(key: Key) -> AwsError:
    return AwsError("TrailAlreadyExistsException", f"Trail {key.name.rpartition('/')[2]} already exists.")


ERRORS = {Missing: _missing, Exists: _exists}


def open(root: Path, settings: Settings, clock: Clock) -> dict[str, Any]:
    (folder := root / "cloudtrail").mkdir(mode=0o700, parents=True, exist_ok=True)
    ledger = Ledger(folder / "events.db", settings.durability)
    return {
        "ledger": ledger,
        "keeper": ledger,
        "watch": Watch(),
        "signers": Signers(Vault.open(root, settings)),
    }
