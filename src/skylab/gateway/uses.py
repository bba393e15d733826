"""When a key and a role were last used: noted at most every quarter of an hour, as nobody needs it more exactly.

A note is a document of service "skylab": it is none of IAM's, whose every change makes compiled policies stale.
"""

from datetime import datetime, timedelta
from threading import Lock

from skylab.kernel.key import Key
from skylab.kernel.store import Store, Transaction
from skylab.services.call import Call

EVERY = timedelta(minutes=15)
MOST = 10_000  # keys and roles remembered


class Uses:
    def __init__(self, store: Store) -> None:
        self._store = store
        self._noted: dict[str, datetime] = {}
        self._lock = Lock()

    def due(self, call: Call) -> bool:
        """Whether a use should be noted now; who is told so has to note it."""
        name = _name(call)
        with self._lock:
            if not name or call.now - self._noted.get(name, call.now - EVERY) < EVERY:
                return False
            if len(self._noted) >= MOST:
                self._noted.clear()
            self._noted[name] = call.now
            return True

    def note(self, call: Call) -> None:
        doc = {"LastUsedDate": call.now, "ServiceName": call.service, "Region": call.region}
        key = Key(call.account, "", "skylab", "use", _name(call))
        with self._store.writing() as tx:
            _put(tx, key, doc, call.now)


def _put(tx: Transaction, key: Key, doc: dict[str, object], now: datetime) -> None:
    if tx.find(key) is None:
        tx.create(key, doc, now)
    else:
        tx.put(key, doc, now)


def _name(call: Call) -> str:
    """The role behind a session, or else the key; nobody's where a service acts in its own name."""
    who = call.principal
    return "" if who.type == "AWSService" else who.role or who.access_key
