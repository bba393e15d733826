"""How every cryptographic operation begins: the key found, in a state to be used, the grant tokens checked."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from skylab.kernel.key import Key
from skylab.kernel.store import Transaction
from skylab.services.call import Call
from skylab.services.kms import grant_tokens, states
from skylab.services.kms.managed import ensure
from skylab.services.kms.materials import Materials
from skylab.services.kms.names import find

Used = tuple[Transaction, Key, dict[str, Any]]


@contextmanager
def using(call: Call, request: Any, key_id: str) -> Iterator[Used]:
    """One snapshot in which the key is there and may be used. Raises AwsError."""
    ensure(call, key_id)
    with call.reading() as tx:
        grant_tokens.check(call, request)
        key, doc = find(tx, call, key_id)
        states.usable(doc)
        yield tx, key, doc


def materials(call: Call) -> Materials:
    return call.part["materials"]
